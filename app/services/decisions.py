"""What follows from an attempt: another one, or the end. Nothing is stored here."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.context import Deps
from app.documents.deliveries import Attempt, Delivery
from app.documents.vocabulary import AttemptOutcome, DeliveryStatus, RecipientStatus
from app.services import outcomes
from app.services.outcomes import Outcome

# Attempts whose end the provider never told. Each may have put a copy into somebody's inbox.
UNCERTAIN_LIMIT = 3
# Longer than any provider's daily quota keeps a mail waiting.
PARKED_LIMIT = timedelta(days=3)
# No provider's word makes a mail wait longer than this for its next attempt.
RETRY_AFTER_LIMIT = timedelta(days=1)

_LEFT_OUT = {
    RecipientStatus.SUPPRESSED: DeliveryStatus.SUPPRESSED,
    RecipientStatus.UNSUBSCRIBED: DeliveryStatus.UNSUBSCRIBED,
}


@dataclass(frozen=True)
class Decision:
    """The delivery waits until `due_at`, or is settled when that is None.

    `number` counts the attempts, this one included; `attempt` is None where it was none, because
    it was not this mail's turn.
    """

    outcome: Outcome
    number: int
    attempt: Attempt | None
    due_at: datetime | None


def decide(deps: Deps, delivery: Delivery, outcome: Outcome) -> Decision:
    """Decide by the attempts that are stored, and this one."""
    now, settings = deps.now(), deps.settings
    number = 1 + sum(a.outcome != AttemptOutcome.INTERRUPTED for a in delivery.attempts)
    if outcome.kind is AttemptOutcome.PARKED and now < delivery.created + PARKED_LIMIT:
        return Decision(outcome, number, None, now + _asked_for(outcome))
    if outcome.waits and number < settings.send_attempts and not _too_often(delivery, outcome):
        backoff = outcomes.retry_delay(
            number, first=settings.retry_delay, longest=settings.retry_delay_limit
        )
        attempt = Attempt(date=now, outcome=outcome.kind, detail=outcome.detail)
        return Decision(outcome, number, attempt, now + max(backoff, _asked_for(outcome)))
    if outcome.waits:
        outcome = outcomes.given_up(outcome, number)
    attempt = Attempt(date=now, outcome=outcome.kind, detail=outcome.detail)
    return Decision(outcome, number, attempt, None)


def member_status(decision: Decision) -> DeliveryStatus:
    """Tell how the delivery to a member of a list ends."""
    if decision.outcome.accepted:
        return DeliveryStatus.SENT
    for left_out, status in _LEFT_OUT.items():
        if all(r.status is left_out for r in decision.outcome.recipients):
            return status
    return DeliveryStatus.FAILED


def _too_often(delivery: Delivery, outcome: Outcome) -> bool:
    """Whether the provider left it open so often that more copies would do more harm."""
    kinds = [*(attempt.outcome for attempt in delivery.attempts), outcome.kind]
    return kinds.count(AttemptOutcome.UNCERTAIN) >= UNCERTAIN_LIMIT


def _asked_for(outcome: Outcome) -> timedelta:
    """Give the wait that the provider asked for (Retry-After), within reason."""
    return min(max(outcome.retry_after or timedelta(0), timedelta(0)), RETRY_AFTER_LIMIT)
