"""Sending the deliveries of list mail, a batch at a time.

A batch is taken under one lease. The rules are those of `app.services.delivery`; what differs is
that MongoDB is asked once for many.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from uuid import uuid4

import structlog
from beanie import PydanticObjectId

from app.context import Deps
from app.documents import list_deliveries, list_mail
from app.documents.base import StoreUnavailableError
from app.documents.communications import Communication
from app.documents.deliveries import Attempt, Delivery
from app.documents.list_members import ListMember
from app.documents.vocabulary import AttemptOutcome, DeliveryStatus, RecipientStatus
from app.mail.compose import Message
from app.queue import JobName
from app.services import carriers, delivery, fanout, outcomes, withholding
from app.services.cancellation import heard
from app.services.decisions import decide, member_status
from app.services.member_mail import LARGE_BODY, NO_MEMBER, Pattern, write_all
from app.services.outcomes import Outcome
from app.services.recorder import Recorder
from app.services.templates.filled import texts_of

log = structlog.get_logger()

BATCH = 500
# Bodies of all mails of a batch together, in octets.
_BATCH_OCTETS = 8 * 1024 * 1024
# Mails that are filled in before others have a turn.
_WRITTEN_AT_A_TIME = 10
# After so long a job lets others have its place.
_JOB_SECONDS = 2.0
# How often a batch that takes long asks whether it may go on.
_LOOK_SECONDS = 1.0
# How old the answer to who does not want a mail may become.
_CONSENT_AGE = timedelta(seconds=1)
_UNSUBSCRIBED = RecipientStatus.UNSUBSCRIBED


async def deliver(deps: Deps, name: str, *, stopping: Callable[[], bool] = lambda: False) -> None:
    """Send some batches of a list mail, and have those behind them sent; `name` is `ID/TURN`.

    Does nothing in a turn that is over, or for mail that was halted. Begins no further mail once
    `stopping` holds.
    """
    id_, _, turn = name.partition("/")
    end = time.monotonic() + _JOB_SECONDS
    while await _next_batch(deps, id_, int(turn), stopping):
        if stopping() or time.monotonic() > end:
            # Other list mail may wait for this place.
            await deps.queue.enqueue(JobName.BATCH, name, turn=uuid4().hex)
            return


async def _next_batch(deps: Deps, id_: str, turn: int, stopping: Callable[[], bool]) -> bool:
    """Send a batch; False when there was none, or it was halted."""
    communication = await list_mail.going(id_, turn)
    if communication is None:
        return False
    await communication.load_content()
    pattern = Pattern.of(communication, await texts_of(deps, communication))
    lease, now = uuid4().hex, deps.now()
    rows = await heard(
        list_deliveries.claim(
            communication.id,
            lease=lease,
            now=now,
            until=now + deps.settings.lease,
            limit=_size(communication),
        )
    )
    if not rows:
        if not await list_deliveries.any_unsettled(communication.id):
            await _hasten(deps, communication)
        return False
    batch = _Batch(deps, communication, rows, lease, stopping, pattern)
    async with batch.held():
        await batch.send()
    if batch.is_halted:
        await _hasten(deps, communication)
    return not batch.is_halted


async def _hasten(deps: Deps, communication: Communication) -> None:
    """Have it seen to at once: this was the last of it, or it was halted."""
    if await list_mail.hasten(communication.id, deps.now()):
        await fanout.wake(deps, communication)


def _size(communication: Communication) -> int:
    octets = len(communication.original_body.encode())
    return max(1, min(BATCH, _BATCH_OCTETS // max(1, octets)))


class _Batch:
    """Deliveries that this worker holds; each ends up settled or given back."""

    def __init__(  # noqa: PLR0917 - all of a batch
        self,
        deps: Deps,
        communication: Communication,
        rows: list[Delivery],
        lease: str,
        stopping: Callable[[], bool],
        pattern: Pattern,
    ) -> None:
        self._deps = deps
        self._communication = communication
        self._rows = {row.id: row for row in rows}
        self._lease = lease
        self._stopping = stopping
        self._pattern = pattern
        # What was written in this batch needs not be read from what was stored.
        self._messages: dict[PydanticObjectId, Message] = {}
        self._recorder = Recorder()
        self._halted = False
        self._in_hand: set[PydanticObjectId] = set()
        # When those that wait were asked for last whether they want it.
        self._asked_at = deps.now()
        # When those that are left over may be tried again.
        self._due_at = deps.now()

    @property
    def is_halted(self) -> bool:
        """Whether some were given back because the mail was halted, or it is not their turn."""
        return self._halted

    async def send(self) -> None:
        """Send what may be sent; give back the rest."""
        try:
            ready = await self._written()
            async with asyncio.TaskGroup() as group:
                queue = iter(ready)
                for _ in range(self._deps.settings.list_connections):
                    group.create_task(self._work(queue))
        finally:
            # Whatever happened, also when the job is cancelled: first what is out.
            await self._recorder.close()
            if self._rows:
                await list_deliveries.give_back(
                    list(self._rows), lease=self._lease, due_at=self._due_at
                )

    async def _work(self, queue: Iterator[Delivery]) -> None:
        for row in queue:
            async with self._deps.list_turns:
                if self._halted or self._stopping() or _is_cancelled():
                    return
                await self._send_one(row)

    async def _send_one(self, row: Delivery) -> None:
        await self._look_again()
        self._in_hand.add(row.id)
        try:
            message = self._messages.pop(row.id, None)
            tried = await delivery.attempt(self._deps, self._communication, row, message=message)
        except asyncio.CancelledError:
            now = self._deps.now()
            attempt = Attempt(date=now, outcome=AttemptOutcome.INTERRUPTED)
            del self._rows[row.id]
            self._recorder.add(row, row.giving_back(now, row.recipients, attempt))
            raise
        self._record(row, tried.outcome)
        if tried.account is not None:
            await carriers.note(self._deps, tried.account, tried.error)

    async def _look_again(self) -> None:
        """Leave out who unsubscribed since: of all that wait at once, but not for each mail."""
        now = self._deps.now()
        if now - self._asked_at < _CONSENT_AGE:
            return
        self._asked_at = now
        rows = [row for row in self._rows.values() if row.id not in self._in_hand]
        try:
            words = await withholding.unsubscribed(self._deps, self._communication, rows)
        except StoreUnavailableError:
            # While MongoDB is away nobody's word comes in either: those before it hold.
            log.warning("batch.consent_unknown", communication_id=str(self._communication.id))
            return
        for row in rows:
            # What was handed over meanwhile is out.
            if row.id not in self._in_hand:
                row.recipients = outcomes.left_out(row.recipients, words, _UNSUBSCRIBED)

    def _record(self, row: Delivery, outcome: Outcome) -> None:
        decision = decide(self._deps, row, outcome)
        del self._rows[row.id]
        if decision.due_at is None:
            status = member_status(decision)
            change = row.settling(status, decision.outcome.recipients, decision.attempt)
        else:
            change = row.giving_back(decision.due_at, decision.outcome.recipients, decision.attempt)
            if decision.attempt is None:
                # No turn for one of this account is no turn for the others.
                self._halted, self._due_at = True, decision.due_at
        self._recorder.add(row, change)

    async def _written(self) -> list[Delivery]:
        """Give those that can be sent, each with its message stored."""
        rows = list(self._rows.values())
        tenant = self._communication.tenant_id
        self._asked_at = self._deps.now()
        await withholding.withhold(self._deps, self._communication, rows)
        fresh: list[Delivery] = []
        for row in rows:
            if not row.waiting():
                self._record(row, outcomes.of_nobody(row.recipients))
            elif row.message is None and row.content_id is None:
                fresh.append(row)
        members = await ListMember.of_ids(tenant, [row.member_id for row in fresh if row.member_id])
        octets = len(self._communication.original_body)
        for start in range(0, len(fresh), _WRITTEN_AT_A_TIME):
            part = fresh[start : start + _WRITTEN_AT_A_TIME]
            write = partial(write_all, self._deps, self._pattern, part, members)
            if octets > LARGE_BODY:
                written = await asyncio.to_thread(write)
            else:
                # In a thread, small ones would hold up the loop longer than they take.
                written = write()
                await asyncio.sleep(0)
            self._messages |= written.messages
            for row, reason in written.faults:
                self._refuse(row, reason)
        await list_deliveries.keep_messages([row for row in fresh if row.id in self._rows])
        return list(self._rows.values())

    def _refuse(self, row: Delivery, reason: str) -> None:
        """Settle it without an attempt: the reason is not the provider's."""
        status = DeliveryStatus.CANCELLED if reason == NO_MEMBER else DeliveryStatus.FAILED
        refused = {"status": RecipientStatus.REFUSED, "reply": reason}
        recipients = [one.model_copy(update=refused) for one in row.recipients]
        del self._rows[row.id]
        self._recorder.add(row, row.settling(status, recipients))

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Keep the lease for as long as the block runs, and look whether the mail was halted."""
        watch = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watch.cancel()

    async def _watch(self) -> None:
        third = self._deps.settings.lease / 3
        seconds = min(_LOOK_SECONDS, third.total_seconds())
        since = timedelta(0)
        while True:
            await asyncio.sleep(seconds)
            since += timedelta(seconds=seconds)
            try:
                if not await list_mail.goes_on(self._communication.id):
                    self._halted = True
                if since >= third:
                    until = self._deps.now() + self._deps.settings.lease
                    await list_deliveries.extend(list(self._rows), lease=self._lease, until=until)
                    since = timedelta(0)
            except Exception as error:  # noqa: BLE001 - MongoDB may be back before the lease ends
                log.warning(
                    "batch.renewal_failed",
                    communication_id=str(self._communication.id),
                    error=type(error).__name__,
                )


def _is_cancelled() -> bool:
    """Whether this task was to end, whatever a library made of it (python/cpython#86296)."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
