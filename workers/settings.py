"""How a worker is set up, and how it lives through a queue that comes and goes."""

import asyncio
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import orjson
import structlog
import uvloop
from arq.cron import CronJob
from arq.typing import WorkerCoroutine
from arq.worker import Worker, func
from redis.exceptions import RedisError

from app import cycles
from app.bootstrap import open_deps
from app.context import Deps
from app.logs import configure_logs
from app.queue import LIST_QUEUE_NAME, QUEUE_NAME, JobName, connect
from app.settings import Settings
from workers import jobs
from workers.counting import keep_counting
from workers.cron import cron_jobs

log = structlog.get_logger()

# Exists while a worker is alive.
HEALTH_KEY = f"{QUEUE_NAME}:health-check"
HEALTH_SECONDS = 5
# No deadline of arq's: each step of a hand-over has its own, and a cancelled one is no attempt.
JOB_SECONDS = 24 * 3600
POLL_SECONDS = 0.1
# Jobs in hand at SIGTERM may finish within this; after it their deliveries are given back.
SHUTDOWN_SECONDS = 6
# A cancelled job gives its delivery back within this, or is cancelled once more.
CANCEL_SECONDS = 2.0
RECONNECT_SECONDS = 1.0
# When to give up is decided from the stored attempts. For arq it must never be.
MAX_TRIES = 1_000_000

FUNCTIONS = {
    JobName.DISPATCH: jobs.dispatch,
    JobName.DELIVER: jobs.deliver,
    JobName.EVENT: jobs.event,
    JobName.IDENTIFY: jobs.identify,
    JobName.MAILBOX: jobs.mailbox,
}
LIST_FUNCTIONS = {JobName.FAN_OUT: jobs.fan_out, JobName.BATCH: jobs.batch}


def run_worker(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT."""
    configure_logs(settings)
    cycles.look_rarely()
    uvloop.run(_work(settings))


class ClosableWorker(Worker):
    """An arq worker of which it is known whether it is taking jobs at the moment."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._taking = asyncio.Lock()

    async def _poll_iteration(self) -> None:
        async with self._taking:
            await super()._poll_iteration()

    async def take_no_more(self) -> None:
        """Return once no job is between the queue and `tasks`.

        One on its way would not be waited for, and be cancelled as it begins.
        """
        self.allow_pick_jobs = False
        async with self._taking:
            pass


def create_worker(deps: Deps) -> ClosableWorker:
    """Make the worker that sends single mails, and does what is done by the clock."""
    return _worker(
        deps,
        QUEUE_NAME,
        FUNCTIONS,
        max_jobs=deps.settings.worker_jobs,
        cron=cron_jobs(deps.settings),
    )


def create_list_worker(deps: Deps) -> ClosableWorker:
    """Make the worker that sends list mail; a job of it ends early once it is being closed."""
    worker = _worker(deps, LIST_QUEUE_NAME, LIST_FUNCTIONS, max_jobs=deps.settings.list_jobs)
    worker.ctx["stopping"] = lambda: not worker.allow_pick_jobs
    return worker


def _worker(
    deps: Deps,
    queue_name: str,
    functions: Mapping[JobName, WorkerCoroutine],
    *,
    max_jobs: int,
    cron: Sequence[CronJob] = (),
) -> ClosableWorker:
    return ClosableWorker(
        functions=[
            func(job, name=name.value, keep_result=0, timeout=JOB_SECONDS, max_tries=MAX_TRIES)
            for name, job in functions.items()
        ],
        cron_jobs=cron,
        queue_name=queue_name,
        redis_pool=connect(deps.settings.redis_url),
        ctx={"deps": deps},
        handle_signals=False,
        max_jobs=max_jobs,
        poll_delay=POLL_SECONDS,
        health_check_interval=HEALTH_SECONDS,
        health_check_key=f"{queue_name}:health-check",
        job_serializer=orjson.dumps,
        job_deserializer=orjson.loads,
        # No result stays, of jobs that expired in the queue either: it would keep the sweep from
        # queueing them again.
        keep_result=0,
        log_results=False,
    )


async def close_worker(worker: ClosableWorker) -> None:
    """Take no more jobs, let those in hand finish for a while, then cancel them."""
    with suppress(TimeoutError):
        async with asyncio.timeout(SHUTDOWN_SECONDS):
            await worker.take_no_more()
            if worker.tasks:
                await asyncio.wait(worker.tasks.values())
    worker.handle_sig(signal.SIGUSR1)
    await _end({*worker.tasks.values(), *filter(None, [worker.main_task])})
    # Not by arq's close(): it leaves the connections open when the queue is gone.
    with suppress(RedisError, OSError):
        await worker.pool.delete(worker.health_check_key)
    await worker.pool.aclose(close_connection_pool=True)


async def _end(tasks: set[asyncio.Task[Any]]) -> None:
    """Cancel until all are done.

    `asyncio.wait_for` of Python 3.11, through which redis-py writes, loses a cancellation that
    arrives together with its result (python/cpython#86296).
    """
    while tasks:
        for task in tasks:
            task.cancel()
        _, tasks = await asyncio.wait(tasks, timeout=CANCEL_SECONDS)


async def _work(settings: Settings) -> None:
    stop = asyncio.Event()
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_, stop.set)
    async with open_deps(settings) as deps:
        log.info("worker.started")
        stopping = asyncio.create_task(stop.wait())
        counting = asyncio.create_task(keep_counting(deps))
        async with asyncio.TaskGroup() as ending:
            for create in (create_worker, create_list_worker):
                ending.create_task(_keep_working(deps, create, stopping, ending))
        await _end({counting})
    log.info("worker.stopped")


async def _keep_working(
    deps: Deps,
    create: Callable[[Deps], ClosableWorker],
    stopping: asyncio.Task[bool],
    ending: asyncio.TaskGroup,
) -> None:
    """Run one arq worker after another until `stopping` is done."""
    while not stopping.done():
        worker = await _work_until_disturbed(create(deps), stopping)
        ending.create_task(_see_off(worker, stopping))


async def _work_until_disturbed(
    worker: ClosableWorker, stopping: asyncio.Task[bool]
) -> ClosableWorker:
    """Run an arq worker until the queue is lost or `stopping` is done; it still has jobs."""
    running = asyncio.create_task(worker.async_run())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        try:
            await running
        except (RedisError, OSError) as error:
            log.warning("worker.queue_lost", error=type(error).__name__)
            await asyncio.wait({stopping}, timeout=RECONNECT_SECONDS)
    return worker


async def _see_off(worker: ClosableWorker, stopping: asyncio.Task[bool]) -> None:
    """Let jobs in hand end without their queue: MongoDB holds their leases.

    Cancelled, a mail in the middle of its hand-over would be sent once more.
    """
    if worker.tasks:
        in_hand = asyncio.ensure_future(asyncio.wait(worker.tasks.values()))
        await asyncio.wait({in_hand, stopping}, return_when=asyncio.FIRST_COMPLETED)
    await close_worker(worker)
