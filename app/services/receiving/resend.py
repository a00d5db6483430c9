"""Mail that Resend received: an event tells of it, and what came is fetched.

Nothing that was told of is lost: what can never be fetched is kept as it was told, with the reason.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
import structlog

from app.context import Caller, Deps
from app.documents import origins
from app.documents.inbound_messages import InboundMessage
from app.documents.origins import Origin
from app.documents.provider_accounts import ProviderAccount
from app.documents.provider_events import ProviderEvent
from app.documents.vocabulary import EventVerdict, ProviderType
from app.errors import AppError
from app.mail.received_text import on_one_line, storable
from app.providers.base import PermanentError
from app.providers.resend import ResendProvider
from app.providers.resend_receiving import Received, moment_of, texts, written
from app.services import inbound
from app.services.account_providers import lent_provider
from app.services.news import Effect
from app.settings import MEBIBYTE

log = structlog.get_logger()

RECEIVED = "email.received"
# Once an hour in the end: Resend may be away for two days.
FAULT_LIMIT = 55
# Of the room for what is large: how large a message is shows only when it is here.
_SHARE = 8 * MEBIBYTE
_MAX_WORDS = 500
_MAX_RECIPIENTS = 1000


async def take_in(deps: Deps, event: ProviderEvent) -> Effect:
    """Fetch the mail that an event tells of, and keep it as its tenant's.

    Raises TransientError while it cannot be had.
    """
    told = data_of(event)
    id_ = told.get("email_id")
    if not isinstance(id_, str) or not id_:
        return Effect(EventVerdict.FAILED, "it names no mail")
    origin = _origin(event, told, storable(id_))
    known = await origins.known(event.tenant_id, origin)
    if known is not None and known.fetch_error is None:
        await origins.learn(known, origin)
        event.inbound_id = known.id
        return Effect(EventVerdict.APPLIED)
    try:
        message = await _fetched(deps, event, origin)
    except (PermanentError, AppError) as error:
        return await keep_as_told(deps, event, error.detail)
    event.inbound_id = message.id
    return Effect(EventVerdict.APPLIED)


async def keep_as_told(deps: Deps, event: ProviderEvent, reason: str) -> Effect:
    """Keep what an event tells of a mail whose content cannot be had, and why it cannot."""
    told = data_of(event)
    words = on_one_line(storable(reason))[:_MAX_WORDS]
    id_ = told.get("email_id")
    if not isinstance(id_, str) or not id_:
        return Effect(EventVerdict.FAILED, words)
    origin = _origin(event, told, storable(id_), words)
    message = await inbound.ingest(deps, _caller(event), written(told, text=None), origin=origin)
    event.inbound_id = message.id
    log.warning("received.not_fetched", event_id=str(event.id), inbound_id=str(message.id))
    return Effect(EventVerdict.FAILED, words)


def data_of(event: ProviderEvent) -> Mapping[str, Any]:
    """Give what an event tells of its mail. Never raises."""
    try:
        body = orjson.loads(event.raw)
    except orjson.JSONDecodeError:
        return {}
    data = body.get("data") if isinstance(body, dict) else None
    return data if isinstance(data, dict) else {}


async def _fetched(deps: Deps, event: ProviderEvent, origin: Origin) -> InboundMessage:
    account = await ProviderAccount.by_id(str(event.account_id))
    if account is None:
        raise PermanentError("the account was deleted")
    async with lent_provider(deps, account) as provider:
        if not isinstance(provider, ResendProvider):
            raise PermanentError("the account is none of Resend any more")
        limit = deps.settings.inbound_limit
        async with deps.room.taken(_SHARE):
            fetched = await provider.received(str(origin.provider_id), limit=limit)
    whole = _with_recipients(origin, fetched)
    return await inbound.ingest(deps, _caller(event), fetched.raw, origin=whole)


def _with_recipients(origin: Origin, fetched: Received) -> Origin:
    found = dict.fromkeys((*origin.recipients, *_addresses(fetched.recipients)))
    return replace(origin, recipients=tuple(found)[:_MAX_RECIPIENTS])


def _origin(
    event: ProviderEvent, told: Mapping[str, Any], id_: str, error: str | None = None
) -> Origin:
    return Origin(
        provider=ProviderType.RESEND,
        provider_id=id_,
        account_id=event.account_id,
        recipients=_addresses(texts(told.get("received_for"))),
        taken_at=moment_of(told),
        fetch_error=error,
    )


def _addresses(told: tuple[str, ...]) -> tuple[str, ...]:
    bare = (storable(one.rpartition("<")[2].removesuffix(">").strip()) for one in told)
    return tuple(one for one in bare if one)[:_MAX_RECIPIENTS]


def _caller(event: ProviderEvent) -> Caller:
    return Caller.of_door(event.tenant_id, f"account:{event.account_id}")
