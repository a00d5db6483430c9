"""All mail of a CRM entity, of both directions, as one list, the latest first.

When a mail counts is worked out by MongoDB for each (it went out, or is to, or was accepted), so
that a part costs what the entity has, which is little.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.documents.base import Filter
from app.documents.communications import Communication
from app.documents.fields import Kind
from app.documents.inbound_messages import InboundMessage
from app.documents.keyset import ID, Key, Order, Position, Row
from app.documents.searching import SEARCH_TIME
from app.documents.volume import counted

Entry = Communication | InboundMessage
_LATEST_FIRST = (Key("at", Kind.INSTANT, ascending=False), ID.turned)
_AT = {"$ifNull": ["$sentAt", "$scheduledAt", "$created"]}
# What no entry shows, and long.
_OUTBOUND = ("searchText", "originalBody", "variables", "events")


@dataclass(frozen=True)
class Timeline:
    """A tenant's entity; what is in `without` is not read.

    That may be `bodyHtml`, `bodyText`, `clickedLinks` and `attachments`.
    """

    entity_type: str
    entity_id: str
    without: frozenset[str] = frozenset()
    order: Order = _LATEST_FIRST
    name: str = "timeline"

    def position(self, row: Mapping[str, Any]) -> Position:
        return tuple(row[key.path] for key in self.order)

    @property
    def turned(self) -> "Timeline":
        return replace(self, order=[key.turned for key in self.order])


async def read(
    timeline: Timeline,
    tenant: str,
    *,
    after: Position | None,
    before: Position | None,
    limit: int,
) -> list[Row]:
    """Read the first entries behind `after` that stand before `before`, in order."""
    bounds = [] if after is None else [_behind(timeline.order, after)]
    bounds += [] if before is None else [_behind(timeline.turned.order, before)]
    sort = {key.path: 1 if key.ascending else -1 for key in timeline.order}
    stages: list[Filter] = [
        *({"$match": bound} for bound in bounds),
        {"$sort": sort},
        {"$limit": limit},
    ]
    return await _rows(timeline, tenant, stages, limit)


async def reaches(timeline: Timeline, tenant: str, position: Position) -> bool:
    """Tell whether an entry stands at `position` or behind it."""
    inclusive = _behind(timeline.order, position, here=True)
    return bool(await _rows(timeline, tenant, [{"$match": inclusive}, {"$limit": 1}], 1))


async def count(timeline: Timeline, tenant: str) -> int:
    """How many entries there are."""
    rows = await _rows(timeline, tenant, [{"$count": "entries"}], 1)
    return sum(row["entries"] for row in rows)


async def shown(_timeline: Timeline, rows: Sequence[Row]) -> list[Entry]:
    """Make records of rows, with bodies that stand elsewhere. Raises NoFile for one that is lost.

    Of those whose bodies were not read they are not fetched either.
    """
    sent: dict[str, Communication] = {}
    received: dict[str, InboundMessage] = {}
    for row in rows:
        if row["inbound"]:
            received[str(row["_id"])] = InboundMessage.model_validate(row)
        else:
            sent[str(row["_id"])] = Communication.model_validate(row)
    found: dict[str, Any] = {
        **await Communication.load_contents(sent),
        **await InboundMessage.load_contents(received),
    }
    for one in found.values():
        if isinstance(one, Exception):
            raise one
    return [found[str(row["_id"])] for row in rows]


def _behind(order: Order, position: Position, *, here: bool = False) -> Filter:
    (at, id_), (moment, record) = order, position
    last = ("$gte" if id_.ascending else "$lte") if here else "$gt" if id_.ascending else "$lt"
    far = "$gt" if at.ascending else "$lt"
    return {"$or": [{"at": {far: moment}}, {"at": {"$eq": moment}, "_id": {last: record}}]}


async def _rows(timeline: Timeline, tenant: str, stages: list[Filter], limit: int) -> list[Row]:
    """Read both directions by one command."""
    entity = {
        "relatedEntityType": timeline.entity_type,
        "relatedEntityId": timeline.entity_id,
    }
    bodiless = {"bodyHtml", "bodyText"} <= timeline.without
    outbound = [*_OUTBOUND, *timeline.without]
    outbound += ["body", "contentId"] if "bodyHtml" in timeline.without else []
    inbound = [*InboundMessage.unseen, "events", *timeline.without]
    inbound += ["contentId"] if bodiless else []
    received = [
        {"$match": InboundMessage.owned(tenant, entity)},
        {"$unset": inbound},
        {"$set": {"at": "$receivedAt", "inbound": True}},
    ]
    cursor = Communication.get_motor_collection().aggregate(
        [
            {"$match": Communication.owned(tenant, entity)},
            {"$unset": outbound},
            {"$set": {"at": _AT, "inbound": False}},
            {
                "$unionWith": {
                    "coll": InboundMessage.get_motor_collection().name,
                    "pipeline": received,
                }
            },
            *stages,
        ],
        batchSize=limit + 1,
        **SEARCH_TIME.of_command(),
    )
    return [counted(row) async for row in cursor]
