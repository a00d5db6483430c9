from arq.cron import CronJob, cron

from app.queue import JobName
from app.settings import Settings
from workers import jobs

# Seconds: what changes meanwhile is added by whoever reads, and what changes often is counted once.
_COUNTED_EACH = 2


def cron_jobs(settings: Settings) -> list[CronJob]:
    """What runs by the clock; of several workers, one runs each turn."""
    step = max(1, min(60, int(settings.sweep_interval.total_seconds())))
    return [
        cron(
            jobs.sweep,
            name=JobName.SWEEP.value,
            second=set(range(0, 60, step)),
            run_at_startup=True,
            timeout=60,
        ),
        cron(
            jobs.count,
            name=JobName.COUNT.value,
            second=set(range(1, 60, _COUNTED_EACH)),
            timeout=60,
        ),
        cron(
            jobs.recount,
            name=JobName.RECOUNT.value,
            second=15,
            run_at_startup=True,
            timeout=120,
        ),
        cron(jobs.backfill, name=JobName.BACKFILL.value, second=30, timeout=300),
        cron(
            jobs.mailboxes,
            name=JobName.MAILBOXES.value,
            second=45,
            run_at_startup=True,
            timeout=60,
        ),
        cron(jobs.purge, name=JobName.PURGE.value, minute=17, timeout=300),
    ]
