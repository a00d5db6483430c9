"""The alarm clock of the workers. MongoDB is the truth: a job lost here is found by the sweep."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

import orjson
import structlog
from arq.connections import ArqRedis
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

log = structlog.get_logger()

QUEUE_NAME = "letterbox:transactional"
# A queue of its own, so that no other mail waits behind a campaign.
LIST_QUEUE_NAME = "letterbox:list"


class JobName(StrEnum):
    DISPATCH = "dispatch"
    DELIVER = "deliver"
    EVENT = "event"
    FAN_OUT = "fan-out"
    BATCH = "batch"
    IDENTIFY = "identify"
    MAILBOX = "mailbox"
    MAILBOXES = "mailboxes"
    SWEEP = "sweep"
    PURGE = "purge"
    BACKFILL = "backfill"


LIST_JOBS = {JobName.FAN_OUT, JobName.BATCH}


class JobQueue(Protocol):
    async def enqueue(
        self, job: JobName, id_: str, *, turn: int | str, at: datetime | None = None
    ) -> None:
        """Have `job` run for the document `id_`, at `at` or at once.

        The same job, id and turn are queued once. A queue that cannot be reached is logged, not
        raised: the document is stored, and the sweep will find it.
        """
        ...

    async def ping(self) -> None:
        """Raises ConnectionError when the queue does not answer."""
        ...

    async def close(self) -> None: ...


class ArqQueue:
    def __init__(self, redis_url: str) -> None:
        self._redis = connect(redis_url)

    async def enqueue(
        self, job: JobName, id_: str, *, turn: int | str, at: datetime | None = None
    ) -> None:
        # arq lets a job expire a day after it is due: one overdue by more could not be stored.
        later = at if at is not None and at > datetime.now(UTC) else None
        try:
            await self._redis.enqueue_job(
                job.value,
                id_,
                _job_id=f"{job.value}:{id_}:{turn}",
                _defer_until=later,
                _queue_name=LIST_QUEUE_NAME if job in LIST_JOBS else QUEUE_NAME,
            )
        except (RedisError, OSError) as error:
            log.warning("queue.unreachable", job=job.value, id=id_, error=type(error).__name__)

    async def ping(self) -> None:
        try:
            await self._redis.ping()
        except (RedisError, OSError) as error:
            raise ConnectionError(f"the queue does not answer: {error}") from error

    async def close(self) -> None:
        await self._redis.aclose(close_connection_pool=True)


def connect(redis_url: str) -> ArqRedis:
    """A client that connects when first used and gives up on a silent server after 2 seconds."""
    pool: ConnectionPool = ConnectionPool.from_url(
        redis_url, socket_connect_timeout=2, socket_timeout=2, health_check_interval=30
    )
    return ArqRedis(
        pool,
        job_serializer=orjson.dumps,
        job_deserializer=orjson.loads,
        default_queue_name=QUEUE_NAME,
    )
