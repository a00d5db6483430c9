"""By which way a received message came, as far as the message itself does not say."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from beanie import PydanticObjectId

from app.documents.base import stored_name
from app.documents.inbound_messages import InboundMessage
from app.documents.vocabulary import ProviderType


@dataclass(frozen=True)
class Origin:
    """What a door tells of a message beside its octets; nothing for one that was handed in.

    `provider` took it, under the id `provider_id` and for `account_id`. `recipients` are the
    envelope's (RFC 5321 section 2.3.1): whom it was really delivered to, whatever To says.
    `conversation_id` is Graph's, and means something within `mailbox` only. `taken_at` is when the
    provider took it, aware UTC. `fetch_error` says why the octets are only those of what was told
    of it: the provider has it, or had it, and does not give it.
    """

    provider: ProviderType | None = None
    provider_id: str | None = None
    account_id: PydanticObjectId | None = None
    recipients: tuple[str, ...] = ()
    conversation_id: str | None = None
    mailbox: str | None = None
    taken_at: datetime | None = None
    fetch_error: str | None = None

    @property
    def key(self) -> str | None:
        """What makes it one message however often the provider tells of it, within a tenant.

        An account that was made anew finds it again: ids of Graph are of its mailbox, those of
        Resend of the world.
        """
        if self.provider is None or self.provider_id is None:
            return None
        place = "" if self.mailbox is None else f"{self.mailbox.lower()}:"
        return f"{self.provider}:{place}{self.provider_id}"


HANDED_IN = Origin()
# What the first way that tells it tells, all of it.
_FIRSTS = (
    ("provider_type", "provider_message_id", "provider_account_id"),
    ("graph_message_id", "graph_conversation_id", "graph_mailbox"),
)


def told(origin: Origin) -> dict[str, Any]:
    """Give the fields of a message that came by this way, by their names in Python."""
    graph = origin.provider is ProviderType.GRAPH
    return {
        "provider_type": origin.provider,
        "provider_message_id": origin.provider_id,
        "provider_account_id": origin.account_id,
        "provider_keys": [] if origin.key is None else [origin.key],
        "fetch_error": origin.fetch_error,
        "envelope_recipients": list(dict.fromkeys(origin.recipients)),
        "graph_message_id": origin.provider_id if graph else None,
        "graph_conversation_id": origin.conversation_id if graph else None,
        "graph_mailbox": origin.mailbox if graph else None,
    }


async def known(tenant: str, origin: Origin) -> InboundMessage | None:
    """Find the tenant's message that a provider told of before."""
    if origin.key is None:
        return None
    return await InboundMessage.one(tenant, {"providerKeys": origin.key})


async def known_keys(tenant: str, keys: Collection[str]) -> set[str]:
    """Tell which of these the tenant has a message under (`Origin.key`)."""
    wanted = set(keys)
    cursor = InboundMessage.get_motor_collection().find(
        InboundMessage.owned(tenant, {"providerKeys": {"$in": list(wanted)}}), {"providerKeys": 1}
    )
    return {key async for row in cursor for key in row["providerKeys"] if key in wanted}


async def learn(message: InboundMessage, origin: Origin) -> None:
    """Write down that a message came by this way too; what earlier ways told stays."""
    fields = told(origin)
    added = {}
    for name in ("provider_keys", "envelope_recipients"):
        there = getattr(message, name)
        if new := [one for one in fields[name] if one not in there]:
            added[stored_name(name)] = {"$each": new}
    if added:
        await message.move(message.id, leaving={}, update={"$addToSet": added})
    for first, *others in _FIRSTS:
        if getattr(message, first) is None and fields[first] is not None:
            values = {stored_name(name): fields[name] for name in (first, *others)}
            kept = {name: value for name, value in values.items() if value is not None}
            await message.move(
                message.id, leaving={stored_name(first): None}, update={"$set": kept}
            )
