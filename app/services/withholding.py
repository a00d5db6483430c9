"""Whom a mail is not handed over to although it is addressed to them, each with why."""

from collections.abc import Sequence

from app.context import Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.vocabulary import RecipientStatus
from app.services import consent, suppressions
from app.services.outcomes import left_out


async def withhold(
    deps: Deps, communication: Communication, deliveries: Sequence[Delivery]
) -> None:
    """Take who is suppressed or unsubscribed out of those that these deliveries wait for.

    Nothing is stored.
    """
    suppressed = await suppressions.words_for(deps, communication.tenant_id, _addresses(deliveries))
    for one in deliveries:
        one.recipients = left_out(one.recipients, suppressed)
    words = await unsubscribed(deps, communication, deliveries)
    for one in deliveries:
        one.recipients = left_out(one.recipients, words, RecipientStatus.UNSUBSCRIBED)


async def unsubscribed(
    deps: Deps, communication: Communication, deliveries: Sequence[Delivery]
) -> dict[str, str]:
    """Tell who of those that these deliveries wait for does not want the mail, as `words_for`."""
    return await consent.words_for(deps, communication, _addresses(deliveries))


def _addresses(deliveries: Sequence[Delivery]) -> list[str]:
    return [address for one in deliveries for address in one.waiting()]
