from datetime import timedelta

import pytest

from app.context import Deps
from app.queue import JobName
from app.services import recounting
from workers import jobs
from workers.cron import cron_jobs


@pytest.mark.parametrize(
    ("interval", "seconds"),
    [
        (timedelta(seconds=5), {0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55}),
        (timedelta(seconds=20), {0, 20, 40}),
        (timedelta(seconds=7), {0, 7, 14, 21, 28, 35, 42, 49, 56}),
        (timedelta(milliseconds=1), set(range(60))),
        (timedelta(0), set(range(60))),
        (timedelta(hours=1), {0}),
    ],
)
async def test_the_sweep_runs_by_its_setting(
    deps: Deps, interval: timedelta, seconds: set[int]
) -> None:
    settings = deps.settings.model_copy(update={"sweep_interval": interval})

    (sweep,) = [job for job in cron_jobs(settings) if job.name == JobName.SWEEP]

    assert sweep.second == seconds
    assert sweep.coroutine is jobs.sweep
    # One worker of several runs it, and the first at once.
    assert (sweep.unique, sweep.run_at_startup) == (True, True)


def test_lists_of_received_mail_are_looked_through_each_minute(deps: Deps) -> None:
    (backfill,) = [job for job in cron_jobs(deps.settings) if job.name == JobName.BACKFILL]

    assert backfill.coroutine is jobs.backfill
    assert (backfill.minute, backfill.second, backfill.unique) == (None, 30, True)


async def test_totals_follow_every_two_seconds_and_are_completed_each_minute(deps: Deps) -> None:
    named = {job.name: job for job in cron_jobs(deps.settings)}
    count, recount = named[JobName.COUNT], named[JobName.RECOUNT]

    assert count.coroutine is jobs.count
    assert count.second == {*range(1, 60, 2)}
    assert recount.coroutine is jobs.recount
    assert (recount.minute, recount.second, recount.run_at_startup) == (None, 15, True)
    # One worker of several runs each, and ends it before the next begins.
    assert (count.unique, recount.unique) == (True, True)
    assert timedelta(seconds=1.5) == recounting.CHANGES_TURN
    assert timedelta(seconds=50) == recounting.RECOUNT_TURN
