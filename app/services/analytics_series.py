"""How a tenant's mail did day by day, as a dashboard draws it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic.alias_generators import to_snake

from app.context import Caller, Deps
from app.documents import analytics_series as documents
from app.documents.analytics import Period
from app.documents.totals import summaries
from app.documents.vocabulary import CommunicationType
from app.services.analytics import checked_timezone

# Of a longer period the last of it: what is counted, and what an answer holds, has an end.
LONGEST = timedelta(days=400)
TEMPLATES = 20


@dataclass(frozen=True)
class DayStats:
    """Counts of communications; `date` is YYYY-MM-DD.

    All but `failed` tell what became, up to now, of those handed over on that day.
    """

    date: str
    sent: int = 0
    opened: int = 0
    clicked: int = 0
    machine_opened: int = 0
    machine_clicked: int = 0
    replied: int = 0
    unsubscribed: int = 0
    delivered: int = 0
    bounced: int = 0
    complained: int = 0
    failed: int = 0


@dataclass(frozen=True)
class TypeSeries:
    type: CommunicationType
    days: Sequence[DayStats]


@dataclass(frozen=True)
class TemplateSeries:
    template_id: str
    template_name: str | None
    days: Sequence[DayStats]


@dataclass(frozen=True)
class Series:
    days: Sequence[DayStats]
    by_type: Sequence[TypeSeries]
    by_template: Sequence[TemplateSeries]


async def series(
    deps: Deps,
    caller: Caller,
    *,
    start: datetime | None,
    end: datetime | None,
    timezone: str | None,
) -> Series:
    """Reckon the days of a period, as `analytics.analytics` does its totals.

    Of a period of more than 400 days its last 400. A communication that stands as failed counts on
    the day when it failed last. Types are in their order, the 20 most used templates the most used
    first; days without mail are left out. Raises InvalidInputError as `analytics` does.
    """
    name = await checked_timezone(start, end, timezone)
    period = _last_of(deps, start, end)
    days = await summaries.days(caller.tenant, period, name, templates=TEMPLATES)
    sent, failed = (
        await documents.days(caller.tenant, period, name, TEMPLATES) if days is None else days
    )
    types = [type_ for type_ in CommunicationType if type_ in {*sent.by_type, *failed.by_type}]
    return Series(
        days=_days(sent.total, failed.total),
        by_type=[
            TypeSeries(type_, _days(sent.by_type.get(type_, ()), failed.by_type.get(type_, ())))
            for type_ in types
        ],
        by_template=_templates(sent, failed),
    )


def _last_of(deps: Deps, start: datetime | None, end: datetime | None) -> Period:
    last = deps.now() if end is None else end
    try:
        earliest = last - LONGEST
    except OverflowError:
        return Period(start, end)
    return Period(earliest if start is None else max(start, earliest), end)


def _templates(sent: documents.Days, failed: documents.Days) -> list[TemplateSeries]:
    lost = {id_: (name, rows) for id_, name, rows in failed.by_template}
    found = [
        TemplateSeries(id_, name, _days(rows, lost.pop(id_, (None, ()))[1]))
        for id_, name, rows in sent.by_template
    ]
    found += [TemplateSeries(id_, name, _days((), rows)) for id_, (name, rows) in lost.items()]
    return found[:TEMPLATES]


def _days(*rows: Iterable[Mapping[str, Any]]) -> list[DayStats]:
    """Put together what was counted of each day."""
    counts: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for row in (one for some in rows for one in some):
        counts[row["day"]] |= {
            to_snake(name): value for name, value in row.items() if name != "day"
        }
    return [DayStats(day, **counts[day]) for day in sorted(counts)]
