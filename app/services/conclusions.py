"""How an attempt is written down: the record and its delivery settle, or wait for the next one."""

import asyncio
from datetime import datetime, timedelta

import structlog

from app.context import Deps
from app.documents.base import StoreUnavailableError
from app.documents.communications import Communication
from app.documents.deliveries import Attempt, Delivery
from app.documents.vocabulary import AttemptOutcome, CommunicationStatus, DeliveryStatus
from app.queue import JobName
from app.services import outcomes, provider_events
from app.services.outcomes import Outcome

log = structlog.get_logger()

# Attempts whose end the provider never told. Each may have put a copy into somebody's inbox.
UNCERTAIN_LIMIT = 3
# Longer than any provider's daily quota keeps a mail waiting.
PARKED_LIMIT = timedelta(days=3)
# No provider's word makes a mail wait longer than this for its next attempt.
RETRY_AFTER_LIMIT = timedelta(days=1)
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
    if outcome.kind is AttemptOutcome.PARKED and deps.now() < delivery.created + PARKED_LIMIT:
        await _park(deps, delivery, outcome)
        return
    number = 1 + sum(a.outcome != AttemptOutcome.INTERRUPTED for a in delivery.attempts)
    if outcome.waits and number < deps.settings.send_attempts and not _too_often(delivery, outcome):
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
        await _settle(deps, delivery, DeliveryStatus.SENT, outcome, attempt)
        log.info("delivery.sent", delivery_id=str(delivery.id), attempt=number)
    elif await delivery.extend(attempt.date + deps.settings.lease):
        await Communication.mark_failed(
            delivery.communication_id,
            now=attempt.date,
            reason=outcomes.failure(delivery.recipients, outcome),
        )
        await _settle(deps, delivery, DeliveryStatus.FAILED, outcome, attempt)
        log.warning("delivery.failed", delivery_id=str(delivery.id), attempt=number)


async def _settle(
    deps: Deps, delivery: Delivery, status: DeliveryStatus, outcome: Outcome, attempt: Attempt
) -> None:
    settled = await delivery.settle(status, outcome.recipients, attempt)
    if settled is not None and settled.news_waits:
        # The provider told what became of it before this worker could write that it is out.
        await provider_events.wake(deps, delivery.id)


def _too_often(delivery: Delivery, outcome: Outcome) -> bool:
    """Whether the provider left it open so often that more copies would do more harm."""
    kinds = [*(attempt.outcome for attempt in delivery.attempts), outcome.kind]
    return kinds.count(AttemptOutcome.UNCERTAIN) >= UNCERTAIN_LIMIT


async def _park(deps: Deps, delivery: Delivery, outcome: Outcome) -> None:
    """Give it back until it may be tried; that was no attempt."""
    due_at = deps.now() + _asked_for(outcome)
    if await delivery.postpone(due_at) is not None:
        await _show_waiting(deps, delivery, due_at, f"Waits for its turn: {outcome.detail}")


async def _wait(deps: Deps, delivery: Delivery, outcome: Outcome, number: int) -> None:
    settings = deps.settings
    now = deps.now()
    backoff = outcomes.retry_delay(
        number, first=settings.retry_delay, longest=settings.retry_delay_limit
    )
    due_at = now + max(backoff, _asked_for(outcome))
    attempt = Attempt(date=now, outcome=outcome.kind, detail=outcome.detail)
    if await delivery.wait(due_at, outcome.recipients, attempt) is None:
        return
    await _show_waiting(
        deps,
        delivery,
        due_at,
        f"Attempt {number} of {settings.send_attempts} failed: {outcome.detail}",
        # Part of it is out already, so it can no longer be cancelled.
        cancellable=not outcome.accepted,
    )


def _asked_for(outcome: Outcome) -> timedelta:
    """Give the wait that the provider asked for (Retry-After), within reason."""
    return min(max(outcome.retry_after or timedelta(0), timedelta(0)), RETRY_AFTER_LIMIT)


async def _show_waiting(
    deps: Deps, delivery: Delivery, due_at: datetime, reason: str, *, cancellable: bool = True
) -> None:
    """Tell on the record why it is not out yet, and have a worker woken at `due_at`."""
    await Communication.wait_for_retry(
        delivery.communication_id, now=deps.now(), reason=reason, cancellable=cancellable
    )
    log.info("delivery.waits", delivery_id=str(delivery.id), due_at=due_at.isoformat())
    await deps.queue.enqueue(JobName.DELIVER, str(delivery.id), turn=delivery.claims, at=due_at)
