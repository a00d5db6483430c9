"""A period as analytics shows it, from totals: what `analytics` counts from records."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from app.documents import analytics, analytics_series
from app.documents.analytics import REAL, Part, Period, Tally
from app.documents.analytics_series import Days
from app.documents.communications import Communication
from app.documents.searching import SEARCH_TIME
from app.documents.totals.cells import By
from app.documents.totals.reading import Counts, Figures, read
from app.documents.totals.stages import Asked
from app.documents.vocabulary import CommunicationType

_ASKED = {
    Part.TYPES: Asked(By.TYPE),
    Part.TEMPLATES: Asked(By.TEMPLATE),
    Part.DAYS: Asked(By.ALL, daily=True),
}
_DAILY = {by: Asked(by, daily=True) for by in By}
_NONE: Counts = {}


async def tally(
    tenant: str, period: Period, timezone: str, parts: Collection[Part]
) -> Tally | None:
    """Do what `analytics.tally` does; None where only the records can tell, see `read`.

    What is not among `parts` is left empty.
    """
    whole = Asked(By.ALL)
    wanted = [whole, *(asked for part, asked in _ASKED.items() if part in parts)]
    found = await read(tenant, period, timezone, wanted)
    if found is None:
        return None
    total = found[whole].get((None, None), _NONE)
    templates = _most_first(found, _ASKED[Part.TEMPLATES])
    names = await _names(tenant, period, [of for of, _ in templates])
    days = {day: counts for (_, day), counts in found.get(_ASKED[Part.DAYS], {}).items() if day}
    return Tally(
        total=analytics.counts_of(total),
        failed=total.get("failed", 0),
        by_template=[(of, names.get(of), analytics.counts_of(row)) for of, row in templates],
        by_type=[
            (CommunicationType(of), analytics.counts_of(row))
            for of, row in _most_first(found, _ASKED[Part.TYPES])
        ],
        by_day=[(day, days[day]["sent"]) for day in sorted(days) if "sent" in days[day]],
    )


def _most_first(found: Figures, asked: Asked) -> Sequence[tuple[str, Counts]]:
    """Those of which anything was handed over, the most used first."""
    rows = [
        (of, counts) for (of, _), counts in found.get(asked, {}).items() if of and "sent" in counts
    ]
    return sorted(rows, key=lambda row: (-row[1]["sent"], row[0]))


async def days(
    tenant: str, period: Period, timezone: str, *, templates: int
) -> tuple[Days, Days] | None:
    """Do what `analytics_series` does: days of what was handed over, and of what failed.

    None where only the records can tell, see `read`.
    """
    found = await read(tenant, period, timezone, [*_DAILY.values()])
    if found is None:
        return None
    sent, failed = [
        {by: _rows(found[asked], names) for by, asked in _DAILY.items()}
        for names in (analytics_series.COUNTED, ("failed",))
    ]
    used = _used(sent[By.TEMPLATE], "sent", ())[:templates]
    lost = _used(failed[By.TEMPLATE], "failed", used)[:templates]
    names = await _names(tenant, period, used)
    lost_only = [of for of in lost if of not in names]
    lost_names = {
        **names,
        **(await analytics_series.names_of_failed(tenant, period, lost_only) if lost_only else {}),
    }
    return _days(sent, used, names), _days(failed, lost, lost_names)


_Rows = Mapping[str | None, Sequence[dict[str, Any]]]


def _rows(figures: Mapping[tuple[str | None, str | None], Counts], names: Sequence[str]) -> _Rows:
    """Give rows of days, those on which any of these counts, by what they are of."""
    rows: defaultdict[str | None, list[dict[str, Any]]] = defaultdict(list)
    for (of, day), counts in figures.items():
        if names[0] in counts:
            kept = {name: counts.get(name, 0) for name in names}
            rows[of].append({"day": day, **kept})
    return {of: sorted(some, key=lambda row: str(row["day"])) for of, some in rows.items()}


def _used(rows: _Rows, name: str, first: Sequence[str]) -> list[str]:
    """Name the templates: those in `first`, then others, the most used first."""
    used = Counter({of: sum(row[name] for row in some) for of, some in rows.items() if of})
    return sorted(used, key=lambda of: (of not in first, -used[of], of))


def _days(rows: Mapping[By, _Rows], templates: Sequence[str], names: Mapping[str, Any]) -> Days:
    return Days(
        total=rows[By.ALL].get(None, []),
        by_type={CommunicationType(of): some for of, some in rows[By.TYPE].items() if of},
        by_template=[(of, names.get(of), rows[By.TEMPLATE][of]) for of in templates],
    )


async def _names(tenant: str, period: Period, templates: Sequence[str]) -> Mapping[str, str | None]:
    """Give the names of templates, as the last mail had it that was handed over in the period."""
    if not templates:
        return {}
    collection = Communication.get_motor_collection()
    criteria = Communication.owned(tenant, {"sentAt": period.criteria(), **REAL})
    latest = [
        {"$match": criteria},
        {"$sort": {"sentAt": -1, "_id": -1}},
        {"$limit": 1},
        {"$project": {"templateName": 1}},
    ]
    # The database itself has no documents to begin with.
    cursor = collection.database.aggregate(
        [
            {"$documents": [{"of": of} for of in templates]},
            {
                "$lookup": {
                    "from": collection.name,
                    "localField": "of",
                    "foreignField": "templateId",
                    "pipeline": latest,
                    "as": "latest",
                }
            },
        ],
        batchSize=len(templates) + 1,
        **SEARCH_TIME.of_command(),
    )
    rows = await cursor.to_list(None)
    return {row["of"]: name for row in rows for name in _name(row["latest"])}


def _name(latest: Sequence[Mapping[str, Any]]) -> Sequence[str | None]:
    return [row.get("templateName") for row in latest]
