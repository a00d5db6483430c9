"""What became of a mail at each of its addresses, as one list over its envelopes.

Envelopes of list mail stand in the order of their members, which an index has; any other mail has
one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from beanie import PydanticObjectId

from app.documents.base import Filter
from app.documents.deliveries import Delivery, DeliveryRecipient
from app.documents.fields import Kind
from app.documents.keyset import Key, Order, Position, Row
from app.documents.searching import SEARCH_TIME
from app.documents.vocabulary import RecipientStatus

_IN_TURN = (Key("memberId", Kind.ID, nullable=True), Key("place", Kind.NUMBER))


@dataclass(frozen=True)
class RecipientStates:
    """The addresses of one sending of a mail, those in any of `statuses`, or all without any."""

    communication_id: PydanticObjectId
    sending: int
    statuses: Sequence[RecipientStatus] = ()
    order: Order = _IN_TURN
    name: str = "recipientStates"

    def position(self, row: Mapping[str, Any]) -> Position:
        return tuple(row[key.path] for key in self.order)

    @property
    def turned(self) -> "RecipientStates":
        return replace(self, order=[key.turned for key in self.order])

    @property
    def ascending(self) -> bool:
        return self.order[0].ascending

    def criteria(self, tenant: str) -> Filter:
        envelopes: Filter = {"communicationId": self.communication_id, "sending": self.sending}
        if self.statuses:
            envelopes["recipients.status"] = {"$in": list(self.statuses)}
        return Delivery.owned(tenant, envelopes)


async def read(
    states: RecipientStates,
    tenant: str,
    *,
    after: Position | None,
    before: Position | None,
    limit: int,
) -> list[Row]:
    """Read the first addresses behind `after` that stand before `before`, in order."""
    criteria = states.criteria(tenant)
    if after is not None and after[0] is not None:
        criteria["memberId"] = {"$gte" if states.ascending else "$lte": after[0]}
    cursor = (
        Delivery.get_motor_collection()
        .find(criteria, {"recipients": 1, "memberId": 1}, **SEARCH_TIME.of_find())
        .sort("memberId", 1 if states.ascending else -1)
        # Each has one at least, and the first may have none behind `after`.
        .limit(limit + 1)
    )
    rows: list[Row] = []
    async for envelope in cursor:
        rows += _addresses(states, envelope)
    inside = [row for row in rows if _between(states, row, after, before)]
    return inside[:limit]


async def reaches(states: RecipientStates, tenant: str, position: Position) -> bool:
    """Tell whether an address stands at `position` or behind it."""
    member, place = position
    nearly = (member, place - 1 if states.ascending else place + 1)
    return bool(await read(states, tenant, after=nearly, before=None, limit=1))


async def count(states: RecipientStates, tenant: str) -> int:
    """How many addresses there are."""
    stages: list[Filter] = [{"$match": states.criteria(tenant)}, {"$unwind": "$recipients"}]
    if states.statuses:
        stages.append({"$match": {"recipients.status": {"$in": list(states.statuses)}}})
    stages.append({"$count": "addresses"})
    cursor = Delivery.get_motor_collection().aggregate(stages, **SEARCH_TIME.of_command())
    return sum([row["addresses"] async for row in cursor])


async def shown(_states: RecipientStates, rows: Sequence[Row]) -> list[DeliveryRecipient]:
    """Make states of rows."""
    return [DeliveryRecipient.model_validate(row["recipient"]) for row in rows]


def _addresses(states: RecipientStates, envelope: Row) -> list[Row]:
    rows = [
        {"memberId": envelope.get("memberId"), "place": place, "recipient": recipient}
        for place, recipient in enumerate(envelope["recipients"])
        if not states.statuses or recipient["status"] in states.statuses
    ]
    return rows if states.ascending else rows[::-1]


def _between(
    states: RecipientStates, row: Row, after: Position | None, before: Position | None
) -> bool:
    def rank(position: Position) -> tuple[str, int]:
        member, place = position
        return ("" if member is None else str(member), place)

    low, high = (after, before) if states.ascending else (before, after)
    at = rank(states.position(row))
    return (low is None or rank(low) < at) and (high is None or at < rank(high))
