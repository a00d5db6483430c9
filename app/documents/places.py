"""Where a received message belongs, by what it tells of what it answers."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from pymongo import DESCENDING

from app.documents.base import Filter
from app.documents.conversation_changes import holds_placed
from app.documents.deliveries import Delivery
from app.documents.inbound_messages import InboundMessage
from app.documents.whereabouts import (
    DELIVERED,
    PLACE,
    Place,
    place_in,
    places_of_deliveries,
    places_of_records,
)

_RECEIVED = {**PLACE, "parentCommunicationId": 1}
# Of a conversation in a mailbox, so many mails are asked who took part in it.
_LATEST = 100


@dataclass(frozen=True)
class _Evidence:
    """Where mail stands, by its Message-ID and by the id of its delivery; `placed` by users.

    `loose` is received mail that answers nothing of ours, and stands where no user put it.
    """

    placed: dict[Any, Place] = field(default_factory=dict)
    loose: dict[Any, Place] = field(default_factory=dict)
    found: dict[Any, Place] = field(default_factory=dict)

    def add(self, message: InboundMessage) -> None:
        """Take a message that comes for one that is there, unless one with its id is."""
        id_ = message.internet_message_id
        if id_ is not None and id_ not in self.found:
            place = self.found[id_] = Place.of(message)
            if place.parent is None:
                self.loose[id_] = place

    def leads_elsewhere(self, message: InboundMessage, place: Place | None) -> bool:
        """Whether loose mail that it answers stands at another than its place."""
        loose = [self.loose[id_] for id_ in message.answered if id_ in self.loose]
        others = {one.conversation_id for one in loose}
        return place is not None and not others <= {place.conversation_id}


async def place_of(message: InboundMessage) -> Place | None:
    """Find where a message belongs by its evidence, the surest first; None when it tells nothing.

    What it answers nearest, where a user put that where it stands; an address of ours that names
    what is answered; the Message-IDs that it answers, the nearest first, but those that belong to a
    record before others, unless a user had a hand in where the nearest is; Graph's conversation,
    within its mailbox. Only mail of its tenant counts: what was sent (also by an earlier sending of
    a record that was sent again) and what was received. Never its subject: two people may write the
    same.
    """
    [(place, _)] = await places_and_others(message.tenant_id, [message])
    return place


async def places_and_others(
    tenant: str, messages: Sequence[InboundMessage]
) -> list[tuple[Place | None, bool]]:
    """Do what `place_of` does for messages of one tenant, in as few questions as for one.

    Tells with each place whether loose mail that it answers stands elsewhere.
    """
    evidence = await _evidence(tenant, messages)
    found = []
    for message in messages:
        place = await _told(evidence, message) or await _of_graph(message)
        found.append((place, evidence.leads_elsewhere(message, place)))
    return found


async def give_places(tenant: str, messages: Sequence[InboundMessage]) -> list[bool]:
    """Let messages that are not stored yet stand where they belong; as `places_and_others`.

    Where one answers another of them it stands beside that. Tells of which more must be looked
    into, once they are stored: loose mail that they answer stands elsewhere, or others that come
    are of the same conversation of Graph.
    """
    evidence = await _evidence(tenant, messages)
    places: dict[int, Place | None] = {}
    for message in _answered_first(messages):
        place = await _told(evidence, message) or await _of_graph(message)
        if place is not None:
            place.give(message)
        places[id(message)] = place
        evidence.add(message)
    in_graph = Counter(one.graph_conversation_id for one in messages)
    return [
        evidence.leads_elsewhere(message, places[id(message)])
        or (
            message.graph_conversation_id is not None
            and in_graph[message.graph_conversation_id] > 1
        )
        for message in messages
    ]


def _answered_first(messages: Sequence[InboundMessage]) -> Iterable[InboundMessage]:
    """Order them so that what is answered comes before its answer; anyhow where that cannot be."""
    by_id = {one.internet_message_id: number for number, one in enumerate(messages)}
    answered = {
        number: [by_id[id_] for id_ in one.answered if id_ in by_id]
        for number, one in enumerate(messages)
    }
    try:
        return [messages[number] for number in TopologicalSorter(answered).static_order()]
    except CycleError:
        return messages


async def _told(evidence: _Evidence, message: InboundMessage) -> Place | None:
    nearest = message.answered[:1]
    places = [
        *(evidence.placed.get(id_) for id_ in nearest),
        *(evidence.found.get(id_) for id_ in (message.answered_delivery_id, *message.answered)),
    ]
    known = [place for place in places if place is not None]
    first = known[0] if known else None
    of_record = next((place for place in known if place.parent is not None), None)
    if first is None or first.parent is not None or of_record is None:
        return first
    is_kept = await holds_placed(message.tenant_id, first.conversation_id)
    return first if is_kept else of_record


async def _evidence(tenant: str, messages: Sequence[InboundMessage]) -> _Evidence:
    ids = {id_ for message in messages for id_ in message.answered}
    deliveries = {message.answered_delivery_id for message in messages} - {None}
    if not ids and not deliveries:
        return _Evidence()
    named: Filter = {"$in": list(ids)}
    # The id under which it went out may be ours, or one that the provider made.
    names: dict[str, set[Any]] = {"messageId": ids, "internetMessageId": ids, "_id": deliveries}
    either = [
        Delivery.owned(tenant, {name: {"$in": list(some)}}) for name, some in names.items() if some
    ]
    (placed, loose, received), sent, delivered = await asyncio.gather(
        _received(tenant, named),
        places_of_records(tenant, {"internetMessageId": named}, "internetMessageId"),
        _delivered(tenant, {"$or": either}, [*names]),
    )
    # Last: a record keeps the id of its last sending only, and knows of no members.
    return _Evidence(placed, loose, {**received, **sent, **delivered})


async def _of_graph(message: InboundMessage) -> Place | None:
    """Find mail of the same conversation in the same mailbox, of which its author was a part.

    Exchange joins by subject, too, where it knows nothing better. Only the latest mails are looked
    at, so that it takes no longer in a conversation that never ends.
    """
    if message.graph_conversation_id is None or message.graph_mailbox is None:
        return None
    author = message.from_email
    there = {
        "graphConversationId": message.graph_conversation_id,
        "graphMailbox": message.graph_mailbox,
    }
    rows = await _latest(
        InboundMessage,
        InboundMessage.owned(message.tenant_id, there),
        {
            "_id": {"$ne": message.id},
            "$or": [{name: author} for name in ("fromEmail", "recipients", "cc")],
        },
        _RECEIVED,
    )
    if rows:
        return place_in(rows[0], rows[0].get("parentCommunicationId"))
    sent: Filter = {
        "providerConversationId": message.graph_conversation_id,
        "accountId": message.provider_account_id,
    }
    rows = await _latest(
        Delivery,
        Delivery.owned(message.tenant_id, sent),
        {"recipients.address": author},
        {**DELIVERED, "providerConversationId": 1},
    )
    found = await places_of_deliveries(message.tenant_id, rows, ("providerConversationId",))
    return found.get(message.graph_conversation_id)


async def _latest(
    document: type[InboundMessage] | type[Delivery], there: Filter, wanted: Filter, shown: Filter
) -> list[dict[str, Any]]:
    """Find the latest that is wanted, among the latest that are there."""
    time = "receivedAt" if document is InboundMessage else "_id"
    stages: list[dict[str, Any]] = [
        {"$match": there},
        {"$sort": {time: DESCENDING}},
        {"$limit": _LATEST},
        {"$match": wanted},
        {"$limit": 1},
        {"$project": shown},
    ]
    found: list[dict[str, Any]] = (
        await document.get_motor_collection().aggregate(stages).to_list(None)
    )
    return found


async def _received(
    tenant: str, ids: Filter
) -> tuple[dict[Any, Place], dict[Any, Place], dict[Any, Place]]:
    """Find received mail: what users placed, what is loose, and all."""
    cursor = InboundMessage.get_motor_collection().find(
        InboundMessage.owned(tenant, {"internetMessageId": ids}),
        {**_RECEIVED, "internetMessageId": 1, "isPlaced": 1},
    )
    placed, loose, found = dict[Any, Place](), dict[Any, Place](), dict[Any, Place]()
    async for row in cursor:
        place = place_in(row, row.get("parentCommunicationId"))
        found[row["internetMessageId"]] = place
        if row.get("isPlaced"):
            placed[row["internetMessageId"]] = place
        elif place.parent is None:
            loose[row["internetMessageId"]] = place
    return placed, loose, found


async def _delivered(tenant: str, criteria: Filter, names: Sequence[str]) -> Mapping[Any, Place]:
    """Find by deliveries, under each of their `names`."""
    rows = [
        row
        async for row in Delivery.get_motor_collection().find(
            criteria, {**DELIVERED, **dict.fromkeys(names, 1)}
        )
    ]
    return await places_of_deliveries(tenant, rows, names)
