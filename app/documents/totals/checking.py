"""Comparing totals with the records, a day at a time, so that it takes as much memory as a day."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import Any

from pymongo.read_concern import ReadConcern

from app.documents.analytics import REAL, Period
from app.documents.base import Filter, TenantDocument
from app.documents.communication_indexes import FLAG
from app.documents.communications import Communication
from app.documents.totals.cells import COUNTERS, FATES, STEPS, Ledger, Level, Total, floor
from app.documents.totals.fates import ONES, SHAPE, Cell, Fate, Row
from app.documents.vocabulary import CommunicationStatus

_DAY = STEPS[Level.DAY]
_UNFLAGGED: Filter = dict.fromkeys(FLAG)
_Cells = dict[Cell, Counter[str]]


async def days(tenant: str) -> list[datetime]:
    """Name the days, in UTC, of which totals or records tell."""
    sent = {"sentAt": Period(None, None).criteria()}
    of_records = _dates(Communication, Communication.owned(tenant, sent), "$sentAt")
    of_totals = _dates(Total, Total.owned(tenant, {"level": {"$ne": Level.EVER}}), "$start")
    found = {day async for day in of_totals} | {day async for day in of_records}
    async for row in _failed(tenant):
        found |= {floor(moment, _DAY) for moment in row["failed"]}
    return sorted(found)


async def _dates(document: Any, criteria: Filter, date: str) -> AsyncIterator[datetime]:
    day = {"$dateTrunc": {"date": date, "unit": "day"}}
    stages = [{"$match": criteria}, {"$group": {"_id": day}}]
    async for row in document.get_motor_collection().aggregate(stages):
        yield row["_id"]


async def wrong_records(tenant: str, epoch: int) -> int:
    """Tell how many records are not flagged, and counted as failed where they did not, or not so.

    Others are found by their days.
    """
    wrong = 0
    async for row in _failed(tenant):
        wrong += Fate.of(row).failed != Fate.counted(row, epoch).failed
    return wrong


async def _failed(tenant: str) -> AsyncIterator[Row]:
    either: list[Filter] = [
        {"status": CommunicationStatus.FAILED},
        {"counted.failed": {"$exists": True}},
    ]
    for criteria in either:
        cursor = Communication.get_motor_collection().aggregate(
            [
                {"$match": TenantDocument.owned(tenant, {**criteria, **_UNFLAGGED})},
                {"$project": SHAPE},
            ]
        )
        async for row in cursor:
            yield row


async def wrong_totals(tenant: str, day: datetime) -> list[str]:
    """Tell which totals of a day are not what its records come to."""
    period = Period(day, day + _DAY)
    stored: _Cells = {}
    expected: _Cells = {}
    ledgers = Ledger.get_motor_collection().with_options(read_concern=ReadConcern("snapshot"))
    epoch = None
    async for row in ledgers.aggregate(_stages(tenant, period)):
        match row["part"]:
            case "ledger":
                epoch = row["epoch"]
            case "total" if row["epoch"] == epoch:
                stored[_cell(row)] = Counter({name: row.get(name, 0) for name in COUNTERS})
            case "sent":
                fate = Fate(row["_id"]["quarter"], row["_id"].get("type"), row["_id"].get("of"))
                counts = {name: row[name] for name in ("sent", *FATES)}
                _expect(expected, ((cell, counts) for cell, _, _ in fate.counts), period)
            case "failed":
                _expect(expected, _counts(Fate.of(row), {"failed"}), period)
            case "flagged" if epoch is not None:
                _expect(expected, _counts(Fate.counted(row, epoch), {*COUNTERS}), period)
    return [
        f"{' '.join(str(part) for part in cell if part is not None)}: "
        f"{_told(stored.get(cell))}, records say {_told(expected.get(cell))}"
        for cell in sorted({*stored, *expected}, key=str)
        if +stored.get(cell, Counter()) != +expected.get(cell, Counter())
        or -stored.get(cell, Counter()) != -expected.get(cell, Counter())
    ]


def _stages(tenant: str, period: Period) -> list[dict[str, Any]]:
    day = {"$gte": period.start, "$lt": period.end}
    quarter = {"$dateTrunc": {"date": "$sentAt", "unit": "minute", "binSize": 15}}
    sent = [
        {
            "$match": Communication.owned(
                tenant, {"sentAt": period.criteria(), **_UNFLAGGED, **REAL}
            )
        },
        {"$project": {**ONES, "type": 1, "templateId": 1, "sentAt": 1}},
        {
            "$group": {
                "_id": {"type": "$type", "of": "$templateId", "quarter": quarter},
                "sent": {"$sum": 1},
                **{name: {"$sum": f"${name}"} for name in ONES},
            }
        },
    ]
    failed = {"counted.failed": {"$elemMatch": day}, **_UNFLAGGED}
    shape = {"$project": SHAPE}
    parts: Sequence[tuple[str, str, list[dict[str, Any]]]] = [
        ("total", Total.Settings.name, [{"$match": Total.owned(tenant, {"start": day})}]),
        ("sent", Communication.Settings.name, sent),
        (
            "failed",
            Communication.Settings.name,
            [{"$match": Communication.owned(tenant, failed)}, shape],
        ),
        (
            "flagged",
            Communication.Settings.name,
            [{"$match": TenantDocument.owned(tenant, FLAG)}, shape],
        ),
    ]
    return [
        {"$match": Ledger.owned(tenant, {})},
        {"$project": {"epoch": 1, "part": "ledger"}},
        *(
            {"$unionWith": {"coll": name, "pipeline": [*pipeline, {"$set": {"part": part}}]}}
            for part, name, pipeline in parts
        ),
    ]


def _cell(row: Row) -> Cell:
    return Cell(row["level"], row["by"], *(row.get(name) for name in ("of", "start", "until")))


def _counts(fate: Fate, names: set[str]) -> Iterator[tuple[Cell, dict[str, int]]]:
    for cell, counted, amount in fate.counts:
        yield cell, {name: amount for name in counted if name in names}


def _expect(
    expected: _Cells, counts: Iterator[tuple[Cell, dict[str, int]]], period: Period
) -> None:
    for cell, added in counts:
        if cell.start is not None and period.holds(cell.start):
            expected.setdefault(cell, Counter()).update(added)


def _told(counts: Counter[str] | None) -> str:
    return " ".join(f"{name} {n}" for name, n in (counts or {}).items() if n) or "nothing"


async def wrong_sums(tenant: str) -> list[str]:
    """Tell of which types and templates the totals of all time are not those of all days."""
    ledger = await Ledger.get_motor_collection().find_one(Ledger.owned(tenant, {}))
    levels = [Level.EVER, Level.DAY, Level.PAIR]
    epoch = None if ledger is None else ledger["epoch"]
    sign = {"$cond": [{"$eq": ["$level", Level.EVER]}, 1, -1]}
    sums = {name: {"$sum": {"$multiply": [sign, f"${name}"]}} for name in COUNTERS}
    cursor = (
        Total.get_motor_collection()
        .with_options(read_concern=ReadConcern("snapshot"))
        .aggregate(
            [
                {"$match": Total.owned(tenant, {"level": {"$in": levels}, "epoch": epoch})},
                {"$group": {"_id": {"by": "$by", "of": "$of"}, **sums}},
                {"$match": {"$or": [{name: {"$ne": 0}} for name in COUNTERS]}},
            ]
        )
    )
    return [
        f"EVER {' '.join(str(part) for part in row['_id'].values() if part)}: "
        f"{_told(Counter({name: row[name] for name in COUNTERS}))} more than all days"
        async for row in cursor
    ]
