"""What one attempt means for each address of the envelope, and for the mail as a whole."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from app.documents.deliveries import DeliveryRecipient
from app.documents.vocabulary import AttemptOutcome, RecipientStatus
from app.providers.base import (
    ParkedError,
    PermanentError,
    ProviderError,
    Receipt,
    Refusal,
    TransientError,
    UncertainError,
)

# Who does not get the mail, for words that stand in `reply`.
_WITHOUT = {
    RecipientStatus.REFUSED,
    RecipientStatus.SUPPRESSED,
    RecipientStatus.UNSUBSCRIBED,
}


@dataclass(frozen=True)
class Outcome:
    """The recipients as they stand after an attempt; `detail` holds the provider's words.

    `retry_after` is the least wait before the next one, where the provider named it. `carried`
    tells by whom it was sent where that is worth telling.
    """

    kind: AttemptOutcome
    recipients: list[DeliveryRecipient]
    detail: str | None
    retry_after: timedelta | None = None
    carried: str | None = None

    @property
    def waits(self) -> bool:
        """Whether an address may still be taken later."""
        return any(r.status == RecipientStatus.PENDING for r in self.recipients)

    @property
    def accepted(self) -> bool:
        """Whether the provider took the mail for at least one address, now or earlier."""
        return any(r.status == RecipientStatus.ACCEPTED for r in self.recipients)

    @property
    def remark(self) -> str | None:
        """Tell who stood in, and which addresses do not get a mail that others get.

        None when all get it from whom they should.
        """
        return ". ".join(filter(None, [self.carried, not_delivered(self.recipients)])) or None


def not_delivered(recipients: Sequence[DeliveryRecipient]) -> str | None:
    """Name the addresses that do not get the mail, each with why; None when there are none."""
    missed = [r for r in recipients if r.status in {*_WITHOUT, RecipientStatus.BOUNCED}]
    if not missed:
        return None
    return "Not delivered to " + "; ".join(
        r.address if r.reply is None else f"{r.address} ({r.reply})" for r in missed
    )


def is_withheld(recipients: Sequence[DeliveryRecipient]) -> bool:
    """Whether nobody gets the mail for the one reason that nobody wants it."""
    return all(r.status is RecipientStatus.UNSUBSCRIBED for r in recipients)


def left_out(
    recipients: Sequence[DeliveryRecipient],
    words: Mapping[str, str],
    status: RecipientStatus = RecipientStatus.SUPPRESSED,
) -> list[DeliveryRecipient]:
    """Take addresses out of those that wait; `words` has them in lower case, each with why."""
    return [
        r.model_copy(update={"status": status, "reply": words[r.address.lower()]})
        if r.status == RecipientStatus.PENDING and r.address.lower() in words
        else r
        for r in recipients
    ]


def of_nobody(recipients: Sequence[DeliveryRecipient]) -> Outcome:
    """Take it as done where nobody is left to send to; the provider is not asked."""
    return Outcome(AttemptOutcome.PERMANENT, list(recipients), "no address is left to send to")


def of_receipt(recipients: Sequence[DeliveryRecipient], receipt: Receipt) -> Outcome:
    """Take it as accepted for every address the provider did not refuse."""
    after = [_after(r, receipt.refused.get(r.address)) for r in recipients]
    words = "; ".join(refusal.reply for refusal in receipt.refused.values())
    waits = any(r.status == RecipientStatus.PENDING for r in after)
    kind = AttemptOutcome.TRANSIENT if waits else AttemptOutcome.SENT
    return Outcome(kind, after, words or None)


def of_error(recipients: Sequence[DeliveryRecipient], error: ProviderError) -> Outcome:
    """Take it as accepted for nobody; what was refused for good is not tried again."""
    permanent = isinstance(error, PermanentError)
    rest = Refusal(error.detail, transient=not permanent)
    after = [_after(r, error.refused.get(r.address, rest)) for r in recipients]
    retry_after = error.retry_after if isinstance(error, TransientError) else None
    return Outcome(_kind(error), after, error.detail, retry_after)


def _kind(error: ProviderError) -> AttemptOutcome:
    if isinstance(error, PermanentError):
        return AttemptOutcome.PERMANENT
    if isinstance(error, UncertainError):
        return AttemptOutcome.UNCERTAIN
    if isinstance(error, ParkedError):
        return AttemptOutcome.PARKED
    return AttemptOutcome.TRANSIENT


def given_up(outcome: Outcome, attempts: int) -> Outcome:
    """The outcome when no further attempt is made."""
    after = [
        r.model_copy(update={"status": RecipientStatus.REFUSED})
        if r.status == RecipientStatus.PENDING
        else r
        for r in outcome.recipients
    ]
    detail = f"Gave up after {attempts} attempts: {outcome.detail}"
    return replace(outcome, recipients=after, detail=detail, retry_after=None)


def failure(before: Sequence[DeliveryRecipient], outcome: Outcome) -> str:
    """Tell why nobody gets the mail: who was refused or left out before, and the last words."""
    earlier = [f"{r.address}: {r.reply}" for r in before if r.status in _WITHOUT]
    return "; ".join([*earlier, outcome.detail or "refused"])


def retry_delay(attempt: int, *, first: timedelta, longest: timedelta) -> timedelta:
    """Wait after the attempt with this number (from 1): doubling, with a fifth of jitter.

    The jitter keeps mails that failed together from coming back together.
    """
    doubled: timedelta = first * 2.0 ** min(attempt - 1, 30)
    return min(doubled, longest) * random.uniform(0.8, 1.2)  # noqa: S311 - no secret


def _after(recipient: DeliveryRecipient, refusal: Refusal | None) -> DeliveryRecipient:
    if recipient.status != RecipientStatus.PENDING:
        return recipient
    if refusal is None:
        return recipient.model_copy(update={"status": RecipientStatus.ACCEPTED, "reply": None})
    status = RecipientStatus.PENDING if refusal.transient else RecipientStatus.REFUSED
    return recipient.model_copy(update={"status": status, "reply": refusal.reply})
