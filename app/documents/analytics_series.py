"""What became of a tenant's mail day by day, counted by MongoDB."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.documents.analytics import IS_FAILURE, REAL, Period
from app.documents.base import Filter
from app.documents.communications import Communication
from app.documents.searching import SEARCH_TIME
from app.documents.totals.fates import ONES
from app.documents.vocabulary import CommunicationType, EventType

Row = Mapping[str, Any]
# What is counted of the mails that were handed over.
COUNTED = (
    "sent", "opened", "clicked", "machineOpened", "machineClicked", "replied", "unsubscribed",
    "delivered", "bounced", "complained",
)  # fmt: skip
_ONES = {"sent": {"$literal": 1}, **ONES}
_NAME = {"$top": {"sortBy": {"at": -1, "_id": -1}, "output": "$templateName"}}


@dataclass(frozen=True)
class Days:
    """Rows of `day` (YYYY-MM-DD) and counts: of all mail, by its type, and by its template.

    Templates come as (id, latest name, rows), the most used first.
    """

    total: Sequence[Row]
    by_type: Mapping[CommunicationType, Sequence[Row]]
    by_template: Sequence[tuple[str, str | None, Sequence[Row]]]


async def days(tenant: str, period: Period, timezone: str, templates: int) -> tuple[Days, Days]:
    """Count the days of what was handed over, and of what failed, by all records of the period."""
    sent = await handed_over(tenant, period, timezone, templates=templates)
    used = [id_ for id_, _, _ in sent.by_template]
    return sent, await failed(tenant, period, timezone, first=used, templates=templates)


async def handed_over(tenant: str, period: Period, timezone: str, *, templates: int) -> Days:
    """Count what was handed over on each day, COUNTED of each, of so many templates at most."""
    projected = {**_ONES, "at": "$sentAt", "type": 1, "templateId": 1, "templateName": 1}
    counts = {name: {"$sum": f"${name}"} for name in COUNTED}
    return await _days(
        [
            {"$match": Communication.owned(tenant, {"sentAt": period.criteria(), **REAL})},
            {"$project": {**projected, "day": _day("$sentAt", timezone)}},
        ],
        counts,
        {"sent": -1, "_id": 1},
        templates,
    )


async def failed(
    tenant: str, period: Period, timezone: str, *, first: Sequence[str], templates: int
) -> Days:
    """Count what stands as failed by the day it failed on last in the period, as `failed`.

    Of the templates those in `first` go before others.
    """
    criteria, at = _failing(period)
    kept = {"type": 1, "templateId": 1, "templateName": 1}
    return await _days(
        [
            {"$match": Communication.owned(tenant, criteria)},
            {"$project": {**kept, "at": at}},
            {"$set": {"day": _day("$at", timezone), "failed": 1}},
        ],
        {"failed": {"$sum": "$failed"}},
        {"isFirst": -1, "failed": -1, "_id": 1},
        templates,
        first,
    )


async def names_of_failed(
    tenant: str, period: Period, templates: Sequence[str]
) -> Mapping[str, str | None]:
    """Give the names of templates, as the last mail had it that failed in the period."""
    criteria, at = _failing(period)
    these = {**criteria, "templateId": {"$in": list(templates)}}
    cursor = Communication.get_motor_collection().aggregate(
        [
            {"$match": Communication.owned(tenant, these)},
            {"$project": {"templateId": 1, "templateName": 1, "at": at}},
            {"$group": {"_id": "$templateId", "name": _NAME}},
        ],
        **SEARCH_TIME.of_command(),
    )
    return {row["_id"]: row.get("name") async for row in cursor}


def _failing(period: Period) -> tuple[Filter, Row]:
    """Match what stands as failed and failed in the period, and tell when it did so last."""
    within = {"type": EventType.FAIL, "date": period.criteria()}
    criteria = {**IS_FAILURE, "events": {"$elemMatch": within}, **REAL}
    bounds = [{bound: ["$$event.date", at]} for bound, at in period.criteria().items()]
    is_one = {"$and": [{"$eq": ["$$event.type", EventType.FAIL]}, *bounds]}
    those = {"$filter": {"input": "$events", "as": "event", "cond": is_one}}
    return criteria, {"$max": {"$map": {"input": those, "in": "$$this.date"}}}


async def _days(
    stages: Sequence[Row],
    counts: Row,
    order: Row,
    templates: int,
    first: Sequence[str] = (),
) -> Days:
    cursor = Communication.get_motor_collection().aggregate(
        [*stages, {"$facet": _facets(counts, order, templates, first)}],
        **SEARCH_TIME.of_command(),
    )
    rows = (await cursor.to_list(1))[0]
    return Days(
        total=rows["total"],
        by_type={CommunicationType(row["_id"]): row["days"] for row in rows["byType"]},
        by_template=[(row["_id"], row.get("name"), row["days"]) for row in rows["byTemplate"]],
    )


def _facets(counts: Row, order: Row, templates: int, first: Sequence[str]) -> Row:
    most = next(iter(counts))
    day_first = {"$sort": {"_id": 1}}
    days = {"$push": {"day": "$_id.day", **{name: f"${name}" for name in counts}}}
    whole = {most: {"$sum": f"${most}"}, "days": days}
    return {
        "total": [
            {"$group": {"_id": "$day", **counts}},
            day_first,
            {"$project": {"_id": 0, "day": "$_id", **dict.fromkeys(counts, 1)}},
        ],
        "byType": [
            {"$match": {"type": {"$ne": None}}},
            {"$group": {"_id": {"of": "$type", "day": "$day"}, **counts}},
            day_first,
            {"$group": {"_id": "$_id.of", **whole}},
            {"$sort": {most: -1, "_id": 1}},
        ],
        "byTemplate": [
            {"$match": {"templateId": {"$ne": None}}},
            {
                "$group": {
                    "_id": {"of": "$templateId", "day": "$day"},
                    "name": _NAME,
                    **counts,
                }
            },
            day_first,
            {"$group": {"_id": "$_id.of", "name": {"$last": "$name"}, **whole}},
            {"$set": {"isFirst": {"$in": ["$_id", {"$literal": list(first)}]}}},
            {"$sort": order},
            {"$limit": templates},
        ],
    }


def _day(date: str, timezone: str) -> Row:
    return {"$dateToString": {"date": date, "format": "%Y-%m-%d", "timezone": timezone}}
