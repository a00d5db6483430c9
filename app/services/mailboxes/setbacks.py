"""What an error of Graph means for a mailbox: when to come again, and whether it is told."""

from dataclasses import dataclass
from datetime import timedelta

from app.providers.base import AccountError, ParkedError, ProviderError, TransientError
from app.services.provider_events import pause

# From the third in a row on, what should pass by itself is told.
_PASSING = 2
_PARKED = timedelta(seconds=5)
_LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True)
class Setback:
    """`words` are for the account's users; none where there is nothing to be done about it.

    `is_counted` is false where it was only not the mailbox's turn.
    """

    wait: timedelta
    words: str | None = None
    is_counted: bool = True


def setback_of(error: ProviderError, *, before: int) -> Setback:
    """Judge an error, after so many in a row: 15 seconds at first, doubling to an hour."""
    asked = error.retry_after if isinstance(error, TransientError) else None
    if isinstance(error, ParkedError):
        return Setback(asked or _PARKED, is_counted=False)
    wait = max(pause(before), min(asked or timedelta(0), _LONGEST_WAIT))
    is_passing = isinstance(error, TransientError) and not isinstance(error, AccountError)
    return Setback(wait, None if is_passing and before < _PASSING else error.detail)
