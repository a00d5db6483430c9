"""How an attempt is written down: the record and its delivery settle, or wait for the next one."""

import asyncio
from datetime import datetime

import structlog

from app.context import Deps
from app.documents import identification
from app.documents.base import StoreUnavailableError
from app.documents.communications import Communication
from app.documents.deliveries import Attempt, Delivery
from app.documents.vocabulary import AttemptOutcome, CommunicationStatus, DeliveryStatus
from app.queue import JobName
from app.services import outcomes, provider_events
from app.services.decisions import Decision, decide
from app.services.outcomes import Outcome

log = structlog.get_logger()

_STORE_PAUSE = 0.25
_HANDED_OVER = {
    CommunicationStatus.SENT,
    CommunicationStatus.DELIVERED,
    CommunicationStatus.BOUNCED,
    CommunicationStatus.COMPLAINED,
}


async def record(deps: Deps, delivery: Delivery, outcome: Outcome) -> None:
    """See it through even when this job is cancelled, or MongoDB is away for a while.

    The mail may be out: unrecorded, it would be sent again.
    """
    task = asyncio.create_task(_until_recorded(deps, delivery, outcome))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


async def release(deps: Deps, delivery: Delivery) -> None:
    """Give the delivery back at once: this worker is going down."""
    now = deps.now()
    attempt = Attempt(date=now, outcome=AttemptOutcome.INTERRUPTED)
    await delivery.wait(now, delivery.recipients, attempt)
    log.info("delivery.released", delivery_id=str(delivery.id))


async def settle_late(delivery: Delivery) -> None:
    """Close a delivery whose record was cancelled, or settled by a worker that died after it."""
    status = await Communication.status_of(delivery.communication_id)
    if status in _HANDED_OVER:
        await identification.adopt(delivery)
        await delivery.close(DeliveryStatus.SENT)
    elif status is CommunicationStatus.FAILED:
        await delivery.close(DeliveryStatus.FAILED)
    else:
        await delivery.close(DeliveryStatus.CANCELLED)
    log.info("delivery.closed", delivery_id=str(delivery.id), record=status)


async def _until_recorded(deps: Deps, delivery: Delivery, outcome: Outcome) -> None:
    while True:
        try:
            await _conclude(deps, delivery, outcome)
        except StoreUnavailableError as error:
            log.warning(
                "delivery.unrecorded", delivery_id=str(delivery.id), error=type(error).__name__
            )
            await asyncio.sleep(_STORE_PAUSE)
        else:
            return


async def _conclude(deps: Deps, delivery: Delivery, outcome: Outcome) -> None:
    decision = decide(deps, delivery, outcome)
    if decision.due_at is not None:
        await _wait(deps, delivery, decision, decision.due_at)
        return
    outcome, number = decision.outcome, decision.number
    attempt = decision.attempt or Attempt(date=deps.now(), outcome=outcome.kind)
    # The record first: a crash in between leaves a delivery that finds its record settled,
    # never a settled delivery whose record waits for ever.
    if outcome.accepted:
        sent = Communication.sent(
            now=attempt.date,
            message_id=delivery.provider_id or delivery.message_id,
            internet_message_id=delivery.internet_message_id,
            remark=outcome.remark,
        )
        await deps.gathered.move_record(delivery.communication_id, sent)
        await _settle(deps, delivery, DeliveryStatus.SENT, outcome, attempt)
        log.info("delivery.sent", delivery_id=str(delivery.id), attempt=number)
    elif await delivery.extend(attempt.date + deps.settings.lease):
        await Communication.mark_failed(
            delivery.communication_id,
            now=attempt.date,
            reason=outcomes.failure(delivery.recipients, outcome),
            is_withheld=outcomes.is_withheld(outcome.recipients),
        )
        await _settle(deps, delivery, DeliveryStatus.FAILED, outcome, attempt)
        log.warning("delivery.failed", delivery_id=str(delivery.id), attempt=number)


async def _settle(
    deps: Deps, delivery: Delivery, status: DeliveryStatus, outcome: Outcome, attempt: Attempt
) -> None:
    change = delivery.settling(status, outcome.recipients, attempt)
    if await deps.gathered.settle(delivery, change):
        # The provider told what became of it before this worker could write that it is out.
        await provider_events.wake(deps, delivery.id)


async def _wait(deps: Deps, delivery: Delivery, decision: Decision, due_at: datetime) -> None:
    """Give it back, tell on the record why it is not out yet, and have a worker woken then."""
    outcome, attempt = decision.outcome, decision.attempt
    if attempt is None:
        kept = await delivery.postpone(due_at)
        reason, cancellable = f"Waits for its turn: {outcome.detail}", True
    else:
        kept = await delivery.wait(due_at, outcome.recipients, attempt)
        tried = f"Attempt {decision.number} of {deps.settings.send_attempts}"
        # Once part of it is out it can no longer be cancelled.
        reason, cancellable = f"{tried} failed: {outcome.detail}", not outcome.accepted
    if kept is None:
        return
    await Communication.wait_for_retry(
        delivery.communication_id, now=deps.now(), reason=reason, cancellable=cancellable
    )
    log.info("delivery.waits", delivery_id=str(delivery.id), due_at=due_at.isoformat())
    await deps.queue.enqueue(JobName.DELIVER, str(delivery.id), turn=delivery.claims, at=due_at)
