"""What is asked of MongoDB to read totals: one aggregation, so that all is of one moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.documents.analytics import REAL, Period
from app.documents.base import Filter, TenantDocument
from app.documents.communication_indexes import FLAG
from app.documents.communications import Communication
from app.documents.totals.cells import COUNTERS, STEPS, By, Ledger, Level, Total
from app.documents.totals.fates import ONES, SHAPE
from app.documents.totals.spans import Cover

# A reader adds up no more of them: beyond it, as while no worker runs, the records tell themselves.
UNCOUNTED_LIMIT = 5_000
_UNFLAGGED: Filter = dict.fromkeys(FLAG)
_SUMS = {name: {"$sum": f"${name}"} for name in COUNTERS}


@dataclass(frozen=True)
class Asked:
    """Totals `by` something; `daily` ones stand with their days."""

    by: By
    daily: bool = False


def stages(
    tenant: str,
    asked: Sequence[tuple[Asked, Cover | None]],
    edges: Sequence[Period],
    zone: str,
    *,
    uncounted: bool,
) -> list[dict[str, Any]]:
    """Read the ledger if it is whole, and rows with the `part` that they are of.

    A part is the number of what is asked, for which no cover is all time; or `uncounted`, `sent`
    and `failed`: records that are flagged, and those at the edges of the period that are not.
    Without `uncounted`, it is only told whether there are any: most often there are none, and
    MongoDB takes longer to understand what is asked of them than for all the rest.
    """
    totals, records = (one.Settings.name for one in (Total, Communication))
    parts: list[tuple[object, str, list[dict[str, Any]]]] = [
        (number, totals, [*_sums(tenant, one, cover, zone)])
        for number, (one, cover) in enumerate(asked)
    ]
    parts.append(("uncounted", records, _uncounted(tenant, zone, whole=uncounted)))
    parts += [("sent", records, _sent(tenant, edge, zone)) for edge in edges]
    if edges:
        within = [{"counted.failed": {"$elemMatch": edge.criteria()}} for edge in edges]
        there = {"$match": Communication.owned(tenant, {"$or": within, **_UNFLAGGED})}
        parts.append(("failed", records, [there, *_shaped(zone)]))
    return [
        {"$match": Ledger.owned(tenant, {"whole": True})},
        {"$project": {"epoch": 1, "part": "ledger"}},
        *(
            {"$unionWith": {"coll": name, "pipeline": [*pipeline, {"$set": {"part": part}}]}}
            for part, name, pipeline in parts
        ),
    ]


def _uncounted(tenant: str, zone: str, *, whole: bool) -> list[dict[str, Any]]:
    flagged = {"$match": TenantDocument.owned(tenant, FLAG)}
    if not whole:
        return [flagged, {"$limit": 1}, {"$project": {"_id": 1}}]
    return [flagged, {"$limit": UNCOUNTED_LIMIT + 1}, *_shaped(zone)]


def _sums(tenant: str, asked: Asked, cover: Cover | None, zone: str) -> Sequence[dict[str, Any]]:
    if cover is None:
        of_all_time = Total.owned(tenant, {"level": Level.EVER, "by": asked.by})
        return [{"$match": of_all_time}, {"$set": {"isCut": False}}]
    if cover.inner is None:
        return [{"$match": Total.owned(tenant, {"level": {"$in": []}})}]
    spans = [
        {"level": span.level, "start": _between(Period(span.start, span.end))}
        for span in cover.spans
    ]
    inner = cover.inner
    pairs: Filter = {"level": Level.PAIR, "start": _between(inner)}
    if inner.end is not None:
        pairs["until"] = {"$lt": inner.end}
    key = {"of": "$of", "epoch": "$epoch"}
    cut = _is_cut(zone) if asked.daily else False
    return [
        {"$match": Total.owned(tenant, {"by": asked.by, "$or": [*spans, pairs]})},
        {"$set": {"isCut": cut, **({"day": day("$start", zone)} if asked.daily else {})}},
        {
            "$group": {
                "_id": {**key, "day": "$day"} if asked.daily else key,
                "isCut": {"$max": "$isCut"},
                **_SUMS,
            }
        },
        {"$set": {"of": "$_id.of", "epoch": "$_id.epoch", "day": "$_id.day"}},
    ]


def _between(period: Period) -> Filter:
    # All totals but those of all time have one.
    start: Filter = {"$gte": period.start} if period.start else Period(None, None).criteria()
    return start if period.end is None else {**start, "$lt": period.end}


def _is_cut(zone: str) -> dict[str, Any]:
    """Whether a day of the zone may begin within the span of a total.

    None does in one that begins with an hour, or a quarter of one, of the zone's clock and ends on
    the same day.
    """
    minutes = {level: int(step.total_seconds()) // 60 for level, step in STEPS.items()}
    branches = [
        {"case": {"$eq": ["$level", level]}, "then": length} for level, length in minutes.items()
    ]
    length = {"$switch": {"branches": branches, "default": minutes[Level.QUARTER]}}
    last = {"$add": ["$start", {"$subtract": [{"$multiply": [length, 60_000]}, 1]}]}
    minute = {"$minute": {"date": "$start", "timezone": zone}}
    return {
        "$or": [
            {"$ne": [{"$mod": [minute, {"$min": [length, 60]}]}, 0]},
            {"$ne": [day("$start", zone), day(last, zone)]},
        ]
    }


def _sent(tenant: str, edge: Period, zone: str) -> list[dict[str, Any]]:
    criteria = {"sentAt": edge.criteria(), **_UNFLAGGED, **REAL}
    key = {"type": "$type", "templateId": "$templateId", "day": day("$sentAt", zone)}
    return [
        {"$match": Communication.owned(tenant, criteria)},
        {"$project": {**ONES, "type": 1, "templateId": 1, "sentAt": 1}},
        {
            "$group": {
                "_id": key,
                "sent": {"$sum": 1},
                **{name: {"$sum": f"${name}"} for name in ONES},
            }
        },
    ]


def _shaped(zone: str) -> Sequence[dict[str, Any]]:
    """Read records as `Fate` does, and tell the days of all their times, by them."""
    times = {
        "$concatArrays": [
            ["$sentAt", "$counted.sentAt"],
            "$failed",
            {"$ifNull": ["$counted.failed", []]},
        ]
    }
    days = {"$map": {"input": times, "in": {"at": "$$this", "day": day("$$this", zone)}}}
    return [{"$project": SHAPE}, {"$set": {"days": days}}]


def day(date: Any, zone: str) -> dict[str, Any]:
    """Give the day of a time, YYYY-MM-DD, as the zone has it."""
    return {"$dateToString": {"date": date, "format": "%Y-%m-%d", "timezone": zone}}
