"""The alarm clock of the workers. MongoDB is the truth: a job lost here is found by the sweep."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

import orjson
import structlog
from arq.connections import ArqRedis
from arq.constants import expires_extra_ms, job_key_prefix
from arq.jobs import serialize_job
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from app.gathering import Gathering

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
    COUNT = "count"
    RECOUNT = "recount"


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


@dataclass(frozen=True)
class _Entry:
    job: JobName
    id_: str
    turn: int | str
    at: datetime | None

    @property
    def name(self) -> str:
        return f"{self.job.value}:{self.id_}:{self.turn}"

    @property
    def queue(self) -> str:
        return LIST_QUEUE_NAME if self.job in LIST_JOBS else QUEUE_NAME


class ArqQueue:
    """Queues what is to be queued at about the same time in one round trip.

    It writes what arq's `enqueue_job` writes, without asking first whether it is there: that
    takes another round trip for each job.
    """

    def __init__(self, redis_url: str) -> None:
        self._redis = connect(redis_url)
        self._entries = Gathering[_Entry, None](self._enqueued)

    async def enqueue(
        self, job: JobName, id_: str, *, turn: int | str, at: datetime | None = None
    ) -> None:
        entry = _Entry(job, id_, turn, at)
        try:
            await self._entries.ask(entry)
        except (RedisError, OSError) as error:
            log.warning("queue.unreachable", job=job.value, id=id_, error=type(error).__name__)

    async def _enqueued(self, entries: Sequence[_Entry]) -> Sequence[None]:
        now = _milliseconds(datetime.now(UTC))
        async with self._redis.pipeline(transaction=True) as pipe:
            for one in entries:
                # arq lets a job expire a day after it is due: one overdue by more could not be
                # stored.
                due = now if one.at is None else max(now, _milliseconds(one.at))
                job = serialize_job(one.job, (one.id_,), {}, None, now, serializer=orjson.dumps)
                expires = due - now + expires_extra_ms
                pipe.set(job_key_prefix + one.name, job, px=expires, nx=True)
                pipe.zadd(one.queue, {one.name: due}, nx=True)
            await pipe.execute()
        return [None] * len(entries)

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


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
