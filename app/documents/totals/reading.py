"""Reading totals: exact at the moment of reading, whatever is not counted yet."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo.read_concern import ReadConcern

from app.documents.analytics import Period
from app.documents.searching import SEARCH_TIME
from app.documents.totals.cells import COUNTERS, By, Ledger
from app.documents.totals.fates import Fate, Row
from app.documents.totals.spans import HOURS, QUARTERS, UTC_DAYS, Cover
from app.documents.totals.stages import UNCOUNTED_LIMIT, Asked, stages

_UTC = "UTC"
# What was counted of a type or template, None for all, and on a day where those are asked for.
Key = tuple[str | None, str | None]
Counts = Mapping[str, int]
Figures = Mapping[Asked, Mapping[Key, Counts]]


@dataclass(frozen=True)
class _Reader:
    """Adds up what is read of a period; `covers` are by what is asked, None for all time."""

    period: Period
    covers: Mapping[Asked, Cover | None]
    sums: Mapping[Asked, defaultdict[Key, Counter[str]]]

    def add(self, asked: Asked, of: str | None, day: str | None, counts: Mapping[str, int]) -> None:
        self.sums[asked][of, day if asked.daily else None].update(counts)

    def add_edge(self, row: Row) -> None:
        """Add records that were handed over at an edge of the period, and are not flagged."""
        key = row["_id"]
        fate = Fate(type=key.get("type"), template=key.get("templateId"))
        counts = {name: row[name] for name in COUNTERS if name in row}
        for by, of in fate.groups:
            for asked in self._by(by):
                self.add(asked, of, key["day"], counts)

    def add_record(self, row: Row, epoch: int, *, is_counted: bool) -> None:
        """Add what the totals have not of a record, and take away what they have too much.

        Of one that is not flagged only what failed is missing.
        """
        stands = Fate.of(row)
        before = stands if is_counted else Fate.counted(row, epoch)
        days = {one["at"]: one["day"] for one in row["days"]}
        for asked, cover in self.covers.items():
            inner = Period(None, None) if cover is None else cover.inner
            for fate, period, sign in ((stands, self.period, 1), (before, inner, -1)):
                if period is None:
                    continue
                for by, of in fate.groups:
                    if by is asked.by:
                        for moment, counts in _within(fate, period, sent=not is_counted):
                            self.add(asked, of, days[moment], dict.fromkeys(counts, sign))

    def _by(self, by: By) -> Iterator[Asked]:
        return (asked for asked in self.covers if asked.by is by)


def _within(fate: Fate, period: Period, *, sent: bool) -> Iterator[tuple[datetime, Sequence[str]]]:
    """Tell what counts of a record in a period, and by which time it has its day."""
    if sent and fate.sent_at is not None and period.holds(fate.sent_at):
        yield fate.sent_at, ("sent", *fate.became)
    if failed := [moment for moment in fate.failed if period.holds(moment)]:
        yield failed[-1], ("failed",)


async def read(tenant: str, period: Period, zone: str, asked: Sequence[Asked]) -> Figures | None:
    """Count a period's records as they stand; None where only the records themselves can tell.

    That is where they were never counted as a whole, where too many wait to be counted, and where
    days of the time zone do not begin with a quarter of an hour. Counts that are 0 are left out.
    """
    for levels in (UTC_DAYS,) if zone == _UTC else (HOURS, QUARTERS):
        covers: dict[Asked, Cover | None] = {}
        for one in asked:
            is_ever = not one.daily and period == Period(None, None)
            covers[one] = None if is_ever else Cover.of(period, levels if one.daily else UTC_DAYS)
        reader = _Reader(period, covers, {one: defaultdict(Counter) for one in asked})
        rows = await _rows(tenant, covers, zone)
        if rows is None:
            return None
        if not any(row.get("isCut") for row in rows):
            return _sums(reader, rows)
    return None


async def _rows(
    tenant: str, covers: Mapping[Asked, Cover | None], zone: str
) -> Sequence[Row] | None:
    # Of one period: whatever the longest totals are, the shortest leave the same.
    edges = next((cover.edges for cover in covers.values() if cover is not None), ())
    # One moment, or what is counted in between would be missing, or there twice.
    ledgers = Ledger.get_motor_collection().with_options(read_concern=ReadConcern("snapshot"))
    rows: Sequence[Row] = []
    for uncounted in (False, True):
        pipeline = stages(tenant, [*covers.items()], edges, zone, uncounted=uncounted)
        cursor = ledgers.aggregate(pipeline, batchSize=10_000, **SEARCH_TIME.of_command())
        rows = await cursor.to_list(None)
        if not rows or rows[0]["part"] != "ledger":
            return None
        found = sum(row["part"] == "uncounted" for row in rows)
        if not found:
            break
        if found > UNCOUNTED_LIMIT:
            return None
    return rows


def _sums(reader: _Reader, rows: Sequence[Row]) -> Figures:
    epoch = rows[0]["epoch"]
    asked = [*reader.covers]
    for row in rows[1:]:
        match row["part"]:
            case "sent":
                reader.add_edge(row)
            case "uncounted" | "failed" as part:
                reader.add_record(row, epoch, is_counted=part == "failed")
            case number if row["epoch"] == epoch:
                counts = {name: row[name] for name in COUNTERS if row.get(name)}
                reader.add(asked[number], row.get("of"), row.get("day"), counts)
    return {
        one: {
            key: {name: amount for name, amount in counts.items() if amount}
            for key, counts in sums.items()
            if any(counts.values())
        }
        for one, sums in reader.sums.items()
    }
