"""From an accepted record to mail on its way: dispatch, delivery, retry.

Every step may be cut off anywhere and be done again by another worker. What may not happen twice
is guarded by one atomic move; what must not be forgotten has a due time that the sweep looks at.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

import structlog

from app.context import Deps
from app.documents import dispatches, identification
from app.documents.base import StoreUnavailableError
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.inbound_messages import InboundMessage
from app.documents.mailbox_subscriptions import MailboxSubscription
from app.documents.provider_accounts import ProviderAccount
from app.documents.provider_events import ProviderEvent
from app.mail.compose import Message
from app.mail.stored import load
from app.providers.base import OutgoingMessage, ProviderError, Receipt, TransientError
from app.queue import JobName
from app.services import (
    attachments,
    carriers,
    conclusions,
    envelopes,
    follow_ups,
    outcomes,
    withholding,
)
from app.services.cancellation import heard
from app.services.carriers import Carrier
from app.services.outcomes import Outcome

log = structlog.get_logger()

FAULT_LIMIT = 5
SWEEP_LIMIT = 1000


async def dispatch(deps: Deps, communication_id: str) -> None:
    """Make the delivery of a record that is due, and deliver it.

    Does nothing for a record that is not waiting, not due, or in other hands.
    """
    now = deps.now()
    communication = await heard(
        dispatches.begin(communication_id, now=now, until=now + deps.settings.lease)
    )
    if communication is None:
        return
    prepared: Delivery | None = None
    try:
        if await follow_ups.is_answered(deps, communication):
            return
        prepared = await envelopes.prepare(deps, communication)
        # Claimed from its first moment on: it is in this worker's hands already.
        prepared.hold(lease=uuid4().hex, until=deps.now() + deps.settings.lease)
        delivery = await heard(deps.gathered.store_once(prepared))
    except asyncio.CancelledError:
        if prepared is not None:
            await prepared.postpone(deps.now())
        await dispatches.release(communication, deps.now())
        raise
    except StoreUnavailableError:
        # No fault of the mail's: the sweep finds it when the lease ends.
        raise
    except Exception:
        log.exception("communication.unprepared", communication_id=communication_id)
        await _blame(deps, communication)
        return
    if delivery.lease == prepared.lease:
        await _send(deps, communication, delivery)
    else:
        # Of a worker that died: from here on its own due time counts.
        await dispatches.end(communication)
        await deliver(deps, str(delivery.id))


async def deliver(deps: Deps, delivery_id: str) -> None:
    """Hand a due delivery to its provider and record how it went.

    Does nothing for a delivery that is settled, not due, or held by another worker.
    """
    now = deps.now()
    lease = uuid4().hex
    delivery = await heard(
        Delivery.claim(delivery_id, lease=lease, now=now, until=now + deps.settings.lease)
    )
    if delivery is None:
        return
    try:
        communication = await dispatches.continue_(delivery.communication_id, now)
    except asyncio.CancelledError:
        await delivery.postpone(deps.now())
        raise
    if communication is None:
        await conclusions.settle_late(delivery)
        return
    await _send(deps, communication, delivery)


async def _send(deps: Deps, communication: Communication, delivery: Delivery) -> None:
    """Hand over what this worker has claimed, and record how it went."""
    try:
        async with _held(deps, delivery):
            # At each attempt: an address may be suppressed, or unsubscribe, while the mail waits.
            await withholding.withhold(deps, communication, [delivery])
            tried = await attempt(deps, communication, delivery)
    except asyncio.CancelledError:
        await conclusions.release(deps, delivery)
        raise
    await conclusions.record(deps, delivery, tried.outcome)
    if tried.account is not None:
        await carriers.note(deps, tried.account, tried.error)


async def sweep(deps: Deps) -> int:
    """Wake workers for whatever is due and in nobody's hands; how many there were."""
    # What is due before the next sweep is queued for its time, so that it is not late either.
    by = deps.now() + deps.settings.sweep_interval
    communications = await Communication.due(by, SWEEP_LIMIT)
    work = [
        (JobName.DELIVER, await Delivery.due(by, SWEEP_LIMIT)),
        (JobName.EVENT, await ProviderEvent.due(by, SWEEP_LIMIT)),
        (JobName.IDENTIFY, await identification.due(by, SWEEP_LIMIT)),
        (JobName.MAILBOX, await MailboxSubscription.due(by, SWEEP_LIMIT)),
    ]
    for id_, turn, at, is_listed in communications:
        job = JobName.FAN_OUT if is_listed else JobName.DISPATCH
        await deps.queue.enqueue(job, id_, turn=_turn(deps, turn, at), at=at)
    for job, due in work:
        for id_, turn, at in due:
            await deps.queue.enqueue(job, id_, turn=_turn(deps, turn, at), at=at)
    return len(communications) + sum(len(due) for _, due in work)


def _turn(deps: Deps, turn: int, at: datetime) -> str:
    """Name the job as whoever queued it first; as another, once it is long overdue.

    A worker that dies right after taking a job leaves its name blocked in the queue for hours.
    """
    lease, now = deps.settings.lease, deps.now()
    if now - at < lease:
        return str(turn)
    return f"{turn}-{int(now.timestamp() // lease.total_seconds())}"


async def _blame(deps: Deps, communication: Communication) -> None:
    """Count a fault of ours against the mail, so that it does not go round for ever."""
    if await dispatches.count_fault(communication) >= FAULT_LIMIT:
        await Communication.mark_failed(
            communication.id,
            now=deps.now(),
            reason="This mail could not be prepared for sending.",
        )


@asynccontextmanager
async def _held(deps: Deps, delivery: Delivery) -> AsyncIterator[None]:
    """Keep the lease alive for as long as the block runs."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(deps.settings.lease.total_seconds() / 3)
            try:
                held = await delivery.extend(deps.now() + deps.settings.lease)
            except Exception as error:  # noqa: BLE001 - MongoDB may be back before the lease ends
                log.warning(
                    "delivery.renewal_failed",
                    delivery_id=str(delivery.id),
                    error=type(error).__name__,
                )
                continue
            if not held:
                return

    renewal = asyncio.create_task(renew())
    try:
        yield
    finally:
        # Not waited for: were this job cancelled meanwhile, a mail that is out would count as not
        # sent. A renewal that still arrives finds no lease to extend.
        renewal.cancel()


@dataclass(frozen=True)
class Tried:
    """An attempt, and the account that was asked, if any was; `error` is None when it took it."""

    outcome: Outcome
    account: ProviderAccount | None = None
    error: ProviderError | None = None


async def attempt(
    deps: Deps,
    communication: Communication,
    delivery: Delivery,
    *,
    message: Message | None = None,
) -> Tried:
    """Hand it over once to whom it waits for, and tell how it went; nothing is recorded.

    `message` is the stored one, where the caller has it at hand.
    """
    if not delivery.waiting():
        return Tried(outcomes.of_nobody(delivery.recipients))
    try:
        carrier = await carriers.choose(deps, communication, delivery)
    except ProviderError as error:
        return Tried(outcomes.of_error(delivery.recipients, error))
    try:
        receipt = await _hand_over(deps, communication, delivery, carrier, message)
    except ProviderError as error:
        return Tried(outcomes.of_error(delivery.recipients, error), carrier.account, error)
    delivery.provider_id = receipt.provider_id
    delivery.internet_message_id = receipt.internet_message_id
    delivery.provider_conversation_id = receipt.conversation_id
    outcome = outcomes.of_receipt(delivery.recipients, receipt)
    return Tried(replace(outcome, carried=carrier.remark), carrier.account)


async def _hand_over(
    deps: Deps,
    communication: Communication,
    delivery: Delivery,
    carrier: Carrier,
    message: Message | None,
) -> Receipt:
    try:
        stored = message or load(await delivery.stored_message())
        async with attachments.loaded(deps, delivery.tenant_id, stored) as loaded:
            outgoing = OutgoingMessage(
                idempotency_key=str(delivery.id),
                recipients=tuple(delivery.waiting()),
                message=loaded,
                state=delivery.provider_state,
                save=delivery.save_state,
                answers=await InboundMessage.graph_id(delivery.tenant_id, loaded.in_reply_to),
            )
            return await carriers.send(deps, communication, carrier, outgoing)
    except ProviderError:
        raise
    except Exception as error:
        # A fault of ours must not lose the mail: it is logged, and tried again.
        log.exception("delivery.fault", delivery_id=str(delivery.id))
        raise TransientError(f"internal error ({type(error).__name__})") from error
