"""What became of a tenant's mail in a period, counted from its records by MongoDB."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from pydantic.alias_generators import to_snake
from pymongo.errors import OperationFailure

from app.documents.base import Filter
from app.documents.communications import Communication
from app.documents.searching import SEARCH_TIME
from app.documents.vocabulary import CommunicationStatus, CommunicationType, EventType

# MongoDB's code for a name that its time zone database lacks.
_UNKNOWN_TIMEZONE = 40485
# Before all mail, and still a date that MongoDB can hold.
_EVER = datetime(1, 1, 1, tzinfo=UTC)
# Tests of templates count nowhere.
REAL: Filter = {"isTest": None}
# What nobody wanted was kept back as they asked: no failure.
IS_FAILURE: Filter = {"status": CommunicationStatus.FAILED, "isWithheld": None}
OPENED = {"$cond": ["$opened", 1, 0]}
CLICKED = {"$cond": [{"$gt": [{"$sum": "$clickedLinks.clickCount"}, 0]}, 1, 0]}
# By machines, whether or not people did so too.
MACHINE_OPENED = {"$cond": [{"$gt": ["$machineOpenCount", 0]}, 1, 0]}
MACHINE_CLICKED = {"$cond": [{"$gt": [{"$sum": "$clickedLinks.machineClickCount"}, 0]}, 1, 0]}
REPLIED = {"$cond": [{"$gt": ["$replyCount", 0]}, 1, 0]}
UNSUBSCRIBED = {"$cond": [{"$gt": ["$unsubscribeCount", 0]}, 1, 0]}
# What is counted by, small before it is handed to each of the groups.
_COUNTED = {
    "type": 1,
    "templateId": 1,
    "templateName": 1,
    "sentAt": 1,
    "opened": OPENED,
    "clicked": CLICKED,
    "machineOpened": MACHINE_OPENED,
    "machineClicked": MACHINE_CLICKED,
    "replied": REPLIED,
    "unsubscribed": UNSUBSCRIBED,
}
_COUNTS = {
    "sent": {"$sum": 1},
    "opened": {"$sum": "$opened"},
    "clicked": {"$sum": "$clicked"},
    "machineOpened": {"$sum": "$machineOpened"},
    "machineClicked": {"$sum": "$machineClicked"},
    "replied": {"$sum": "$replied"},
    "unsubscribed": {"$sum": "$unsubscribed"},
}


_ATTRIBUTES = {name: to_snake(name) for name in _COUNTS}


@dataclass(frozen=True)
class Period:
    """From `start` up to, not including, `end`; None is open."""

    start: datetime | None
    end: datetime | None

    def criteria(self) -> Filter:
        """Hold a stored time, which has whole milliseconds, against the bounds.

        MongoDB cuts the bounds down to milliseconds too: the moment before one is then outside.
        """
        start, end = self.start or _EVER, self.end
        bounds: Filter = {"$gt" if _is_cut(start) else "$gte": start}
        return bounds if end is None else {**bounds, "$lte" if _is_cut(end) else "$lt": end}

    def holds(self, moment: datetime) -> bool:
        """Tell whether a time is in the period."""
        is_after = self.start is None or self.start <= moment
        return is_after and (self.end is None or moment < self.end)


def _is_cut(moment: datetime) -> bool:
    return moment.microsecond % 1000 != 0


@dataclass(frozen=True)
class Counts:
    """How many communications were handed over, and to how many something happened."""

    sent: int = 0
    opened: int = 0
    clicked: int = 0
    machine_opened: int = 0
    machine_clicked: int = 0
    replied: int = 0
    unsubscribed: int = 0


class Part(Enum):
    """What a tally may be asked for beside its totals."""

    TYPES = "TYPES"
    TEMPLATES = "TEMPLATES"
    DAYS = "DAYS"


@dataclass(frozen=True)
class Tally:
    """Templates come with their latest name, the most used first; so do types; days in order.

    `failed` are those that stand as failed and failed in the period.
    """

    total: Counts
    failed: int
    by_template: Sequence[tuple[str, str | None, Counts]]
    by_type: Sequence[tuple[CommunicationType, Counts]]
    by_day: Sequence[tuple[str, int]]


async def tally(tenant: str, period: Period, timezone: str) -> Tally:
    """Count what was handed over and failed in the period, by all records of it.

    Days are those of `timezone`. Communications without a template or without a type stand in the
    total only, deleted ones nowhere, days without mail nowhere.
    """
    cursor = Communication.get_motor_collection().aggregate(
        [
            {"$match": Communication.owned(tenant, {"sentAt": period.criteria(), **REAL})},
            {"$project": _COUNTED},
            {"$facet": _facets(timezone)},
        ],
        **SEARCH_TIME.of_command(),
    )
    rows = (await cursor.to_list(1))[0]
    return Tally(
        total=counts_of(rows["total"][0]) if rows["total"] else Counts(),
        failed=await failures(tenant, period),
        by_template=[(row["_id"], row.get("name"), counts_of(row)) for row in rows["byTemplate"]],
        by_type=[(CommunicationType(row["_id"]), counts_of(row)) for row in rows["byType"]],
        by_day=[(row["_id"], row["sent"]) for row in rows["byDay"]],
    )


def _facets(timezone: str) -> Mapping[str, Any]:
    day = {"$dateToString": {"date": "$sentAt", "format": "%Y-%m-%d", "timezone": timezone}}
    name = {"$top": {"sortBy": {"sentAt": -1, "_id": -1}, "output": "$templateName"}}
    most_first = {"$sort": {"sent": -1, "_id": 1}}
    return {
        "total": [{"$group": {"_id": None, **_COUNTS}}],
        "byTemplate": [
            {"$match": {"templateId": {"$ne": None}}},
            {"$group": {"_id": "$templateId", "name": name, **_COUNTS}},
            most_first,
        ],
        "byType": [
            {"$match": {"type": {"$ne": None}}},
            {"$group": {"_id": "$type", **_COUNTS}},
            most_first,
        ],
        "byDay": [{"$group": {"_id": day, "sent": {"$sum": 1}}}, {"$sort": {"_id": 1}}],
    }


async def failures(tenant: str, period: Period) -> int:
    """Count the communications that stand as failed and failed in the period."""
    failed = {"type": EventType.FAIL, "date": period.criteria()}
    criteria = {**IS_FAILURE, "events": {"$elemMatch": failed}, **REAL}
    counted: int = await Communication.get_motor_collection().count_documents(
        Communication.owned(tenant, criteria), **SEARCH_TIME.of_command()
    )
    return counted


async def knows_timezone(name: str) -> bool:
    """Ask MongoDB, whose own time zone database it is that days are reckoned by."""
    day = {"$dateToString": {"date": "$date", "timezone": name}}
    database: Any = Communication.get_motor_collection().database
    cursor = database.aggregate([{"$documents": [{"date": _EVER}]}, {"$project": {"day": day}}])
    try:
        await cursor.to_list(1)
    except OperationFailure as error:
        if error.code == _UNKNOWN_TIMEZONE:
            return False
        raise
    return True


def counts_of(row: Mapping[str, Any]) -> Counts:
    """Read counts; those that are not there are 0."""
    return Counts(**{attribute: row.get(name, 0) for name, attribute in _ATTRIBUTES.items()})
