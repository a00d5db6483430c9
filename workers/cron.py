from arq.cron import CronJob, cron

from app.queue import JobName
from app.settings import Settings
from workers import jobs


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
