"""Finding out under which Message-ID a mail went out, where the provider makes it.

Answers name it, so without it they would not find their conversation.
"""

from datetime import datetime, timedelta

import structlog

from app.context import Deps
from app.documents import identification
from app.documents.deliveries import Delivery
from app.documents.provider_accounts import ProviderAccount
from app.providers.base import PermanentError, ProviderError, TransientError
from app.services.account_providers import lent_provider
from app.services.receiving import settling

log = structlog.get_logger()

SHORTEST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)
# A provider that has not told by now never will.
GIVE_UP_AFTER = timedelta(days=1)


async def identify(deps: Deps, delivery_id: str) -> None:
    """Ask the provider of a delivery that is out, and write down what it tells.

    The pauses between two askings grow with the time since the mail went out. Does nothing for a
    delivery that is not due to be asked about.
    """
    now = deps.now()
    delivery = await identification.take(
        delivery_id, now=now, until=now + max(deps.settings.lease, SHORTEST_PAUSE)
    )
    if delivery is None:
        return
    told = delivery.internet_message_id
    wait = SHORTEST_PAUSE
    if told is None:
        try:
            told = await _ask(deps, delivery)
        except PermanentError as error:
            await _give_up(delivery, error.detail)
            return
        except ProviderError as error:
            wait = (isinstance(error, TransientError) and error.retry_after) or wait
    if told is not None:
        await record(deps, delivery, told)
    elif now - _out_since(delivery) >= GIVE_UP_AFTER:
        await _give_up(delivery, "not told within a day")
    else:
        pause = min(max(now - _out_since(delivery), wait), LONGEST_PAUSE)
        await identification.put_off(delivery.id, now + pause)


async def record(deps: Deps, delivery: Delivery, internet_message_id: str) -> None:
    """Write the Message-ID, however it came to be known, on the delivery and on its record.

    Answers that came before it was known join the conversation. Done twice it is the same.
    """
    named = await identification.name_delivery(delivery.id, internet_message_id) or delivery
    await identification.name_record(named, internet_message_id, now=deps.now())
    await settling.settle_answers(deps, delivery.tenant_id, internet_message_id)
    # Last: cut off before it, all of this is done again.
    await identification.end(delivery.id)
    log.info("delivery.identified", delivery_id=str(delivery.id))


async def _ask(deps: Deps, delivery: Delivery) -> str | None:
    """Raises ProviderError."""
    if delivery.provider_id is None:
        return None
    if delivery.account_id is not None:
        account = await ProviderAccount.by_id(delivery.account_id)
        if account is None:
            raise PermanentError("the provider account that it went by was deleted")
        async with lent_provider(deps, account) as provider:
            return await provider.identify(delivery.provider_id)
    type_ = await identification.provider_type_of(delivery)
    own = None if type_ is None else deps.providers.get(type_)
    return None if own is None else await own.identify(delivery.provider_id)


async def _give_up(delivery: Delivery, reason: str) -> None:
    await identification.end(delivery.id)
    log.warning("delivery.unidentified", delivery_id=str(delivery.id), reason=reason)


def _out_since(delivery: Delivery) -> datetime:
    return delivery.attempts[-1].date if delivery.attempts else delivery.created
