"""From an accepted record to mail on its way: dispatch, delivery, retry.

Every step may be cut off anywhere and be done again by another worker. What may not happen twice
is guarded by one atomic move; what must not be forgotten has a due time that the sweep looks at.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import structlog

from app.context import Deps
from app.documents.communications import Communication
from app.documents.deliveries import Attempt, Delivery
from app.documents.vocabulary import AttemptOutcome, CommunicationStatus, DeliveryStatus
from app.providers.base import OutgoingMessage, ProviderError, Receipt, TransientError
from app.queue import JobName
from app.services import envelopes, outcomes
from app.services.outcomes import Outcome

log = structlog.get_logger()

# A record that cannot be dispatched this often has met a fault of ours; it must not go round
# for ever.
DISPATCH_LIMIT = 5
SWEEP_LIMIT = 1000


async def dispatch(deps: Deps, communication_id: str) -> None:
    """Make the delivery of a record that is due, and deliver it.

    Does nothing for a record that is not waiting, not due, or in other hands.
    """
    now = deps.now()
    communication = await Communication.begin_dispatch(
        communication_id, now=now, until=now + deps.settings.lease
    )
    if communication is None:
        return
    if communication.dispatches > DISPATCH_LIMIT:
        log.error("communication.undispatchable", communication_id=communication_id)
        await Communication.mark_failed(
            communication.id, now=now, reason="This mail could not be prepared for sending."
        )
        return
    delivery = await (await envelopes.prepare(deps, communication)).store_once()
    await deliver(deps, str(delivery.id))


async def deliver(deps: Deps, delivery_id: str) -> None:
    """Hand a due delivery to its provider and record how it went.

    Does nothing for a delivery that is settled, not due, or held by another worker.
    """
    now = deps.now()
    lease = uuid4().hex
    delivery = await Delivery.claim(
        delivery_id, lease=lease, now=now, until=now + deps.settings.lease
    )
    if delivery is None:
        return
    communication = await Communication.start_sending(delivery.communication_id, now)
    if communication is None:
        await _settle_late(delivery)
        return
    try:
        async with _held(deps, delivery):
            outcome = await _attempt(deps, communication, delivery)
    except asyncio.CancelledError:
        await _release(deps, delivery)
        raise
    await _finish(_conclude(deps, delivery, outcome))


async def sweep(deps: Deps) -> int:
    """Wake workers for whatever is due and in nobody's hands; how many there were."""
    now = deps.now()
    communications = await Communication.due(now, SWEEP_LIMIT)
    deliveries = await Delivery.due(now, SWEEP_LIMIT)
    for id_, turn in communications:
        await deps.queue.enqueue(JobName.DISPATCH, id_, turn=turn)
    for id_, turn in deliveries:
        await deps.queue.enqueue(JobName.DELIVER, id_, turn=turn)
    return len(communications) + len(deliveries)


@asynccontextmanager
async def _held(deps: Deps, delivery: Delivery) -> AsyncIterator[None]:
    """Keep the lease alive for as long as the block runs."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(deps.settings.lease.total_seconds() / 3)
            try:
                held = await delivery.extend(deps.now() + deps.settings.lease)
            except Exception:
                # MongoDB may be back before the lease ends.
                log.exception("delivery.renewal_failed", delivery_id=str(delivery.id))
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


async def _finish(conclusion: Coroutine[Any, Any, None]) -> None:
    """See it through even when this job is cancelled: the mail is out and must be recorded."""
    task = asyncio.create_task(conclusion)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


async def _settle_late(delivery: Delivery) -> None:
    """Close a delivery whose record was cancelled, or settled by a worker that died after it."""
    status = await Communication.status_of(delivery.communication_id)
    match status:
        case None | CommunicationStatus.CANCELLED:
            await delivery.close(DeliveryStatus.CANCELLED)
        case CommunicationStatus.FAILED:
            await delivery.close(DeliveryStatus.FAILED)
        case _:
            await delivery.close(DeliveryStatus.SENT)
    log.info("delivery.closed", delivery_id=str(delivery.id), record=status)


async def _attempt(deps: Deps, communication: Communication, delivery: Delivery) -> Outcome:
    try:
        receipt = await _hand_over(deps, communication, delivery)
    except ProviderError as error:
        return outcomes.of_error(delivery.recipients, error)
    delivery.provider_id = receipt.provider_id
    delivery.internet_message_id = receipt.internet_message_id
    return outcomes.of_receipt(delivery.recipients, receipt)


async def _hand_over(deps: Deps, communication: Communication, delivery: Delivery) -> Receipt:
    provider = deps.providers.get(communication.provider_type)
    if provider is None:
        raise TransientError(f"{communication.provider_type} is not set up on this worker")
    message = OutgoingMessage(
        idempotency_key=str(delivery.id),
        sender=delivery.sender,
        recipients=tuple(delivery.waiting()),
        message_id=delivery.message_id,
        content=await delivery.composed(),
    )
    try:
        return await provider.send(message)
    except ProviderError:
        raise
    except Exception as error:
        # A fault of ours must not lose the mail: it is logged, and tried again.
        log.exception("delivery.fault", delivery_id=str(delivery.id))
        raise TransientError(f"internal error ({type(error).__name__})") from error


async def _conclude(deps: Deps, delivery: Delivery, outcome: Outcome) -> None:
    number = 1 + sum(a.outcome != AttemptOutcome.INTERRUPTED for a in delivery.attempts)
    if outcome.waits and number < deps.settings.send_attempts:
        await _wait(deps, delivery, outcome, number)
        return
    if outcome.waits:
        outcome = outcomes.given_up(outcome, number)
    attempt = Attempt(date=deps.now(), outcome=outcome.kind, detail=outcome.detail)
    # The record first: a crash in between leaves a delivery that finds its record settled,
    # never a settled delivery whose record waits for ever.
    if outcome.accepted:
        await Communication.mark_sent(
            delivery.communication_id,
            now=attempt.date,
            message_id=delivery.provider_id or delivery.message_id,
            internet_message_id=delivery.internet_message_id or delivery.message_id,
            remark=outcome.remark,
        )
        await delivery.settle(DeliveryStatus.SENT, outcome.recipients, attempt)
        log.info("delivery.sent", delivery_id=str(delivery.id), attempt=number)
    elif await delivery.extend(attempt.date + deps.settings.lease):
        await Communication.mark_failed(
            delivery.communication_id,
            now=attempt.date,
            reason=outcomes.failure(delivery.recipients, outcome),
        )
        await delivery.settle(DeliveryStatus.FAILED, outcome.recipients, attempt)
        log.warning("delivery.failed", delivery_id=str(delivery.id), attempt=number)


async def _wait(deps: Deps, delivery: Delivery, outcome: Outcome, number: int) -> None:
    settings = deps.settings
    now = deps.now()
    due_at = now + outcomes.retry_delay(
        number, first=settings.retry_delay, longest=settings.retry_delay_limit
    )
    attempt = Attempt(date=now, outcome=outcome.kind, detail=outcome.detail)
    if await delivery.wait(due_at, outcome.recipients, attempt) is None:
        return
    await Communication.wait_for_retry(
        delivery.communication_id,
        now=now,
        # Part of it is out already, so it can no longer be cancelled.
        cancellable=not outcome.accepted,
        reason=f"Attempt {number} of {settings.send_attempts} failed: {outcome.detail}",
    )
    log.info(
        "delivery.waits", delivery_id=str(delivery.id), attempt=number, due_at=due_at.isoformat()
    )
    await deps.queue.enqueue(JobName.DELIVER, str(delivery.id), turn=delivery.claims, at=due_at)


async def _release(deps: Deps, delivery: Delivery) -> None:
    """Give the delivery back at once: this worker is going down."""
    now = deps.now()
    attempt = Attempt(date=now, outcome=AttemptOutcome.INTERRUPTED)
    await delivery.wait(now, delivery.recipients, attempt)
    log.info("delivery.released", delivery_id=str(delivery.id))
