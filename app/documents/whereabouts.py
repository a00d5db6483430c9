"""Places in conversations, as records and their deliveries tell them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from beanie import PydanticObjectId

from app.documents.base import Filter
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.documents.standings import OF_LIST_MAIL, Standing, member_conversation, standings

# What is read of a message, and of a delivery, to tell its place.
PLACE = {"conversationId": 1, "relatedEntityType": 1, "relatedEntityId": 1}
DELIVERED = {"communicationId": 1, "memberId": 1}


@dataclass(frozen=True)
class Place:
    """Where an answer belongs: its conversation, the record it answers, that record's entity."""

    conversation_id: str
    parent: PydanticObjectId | None
    related_entity_type: str | None
    related_entity_id: str | None

    @classmethod
    def of(cls, message: InboundMessage) -> "Place":
        return cls(
            message.conversation_id,
            message.parent_communication_id,
            message.related_entity_type,
            message.related_entity_id,
        )

    def give(self, message: InboundMessage) -> None:
        """Let a message that is not stored yet stand here."""
        message.conversation_id = self.conversation_id
        message.parent_communication_id = self.parent
        message.related_entity_type = self.related_entity_type
        message.related_entity_id = self.related_entity_id


async def places_of_deliveries(
    tenant: str, rows: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> Mapping[Any, Place]:
    if not rows:
        return {}
    criteria: Filter = {"_id": {"$in": [row["communicationId"] for row in rows]}}
    records = await _records(tenant, criteria, "_id")
    known = [row for row in rows if row["communicationId"] in records]
    places = {
        row["_id"]: _own(records[row["communicationId"]], row.get("memberId")) for row in known
    }
    of_members = [places[row["_id"]].conversation_id for row in known if "memberId" in row]
    decided = await standings(tenant, of_members) if of_members else {}
    return {
        row[name]: _standing(places[row["_id"]], decided)
        for row in known
        for name in names
        if name in row
    }


def _own(record: Mapping[str, Any], member_id: PydanticObjectId | None) -> Place:
    """A member of a list answers for itself: each has a conversation of its own."""
    place = place_in(record, record["_id"])
    if member_id is None:
        return place
    return replace(place, conversation_id=member_conversation(record, member_id))


def _standing(place: Place, decided: Mapping[str, Standing]) -> Place:
    standing = decided.get(place.conversation_id)
    if standing is None:
        return place
    moved = replace(place, conversation_id=standing.conversation_id)
    type_, id_ = standing.entity or (None, None)
    linked = replace(moved, related_entity_type=type_, related_entity_id=id_)
    return linked if standing.is_linked else moved


async def places_of_records(tenant: str, criteria: Filter, name: str) -> Mapping[Any, Place]:
    rows = await _records(tenant, criteria, name)
    return {key: place_in(row, row["_id"]) for key, row in rows.items()}


async def _records(tenant: str, criteria: Filter, name: str) -> Mapping[Any, Mapping[str, Any]]:
    cursor = Communication.get_motor_collection().find(
        Communication.owned(tenant, criteria), {**PLACE, **OF_LIST_MAIL, name: 1}
    )
    return {row[name]: row async for row in cursor}


def place_in(row: Mapping[str, Any], parent: PydanticObjectId | None) -> Place:
    return Place(
        row["conversationId"],
        None if parent is None else PydanticObjectId(parent),
        row.get("relatedEntityType"),
        row.get("relatedEntityId"),
    )
