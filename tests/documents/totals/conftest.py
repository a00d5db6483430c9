from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from app.context import Deps
from app.documents import analytics, analytics_series
from app.documents.analytics import Part, Period
from app.documents.totals import counting, summaries


@pytest.fixture
def count_all(deps: Deps) -> Callable[[], Awaitable[int]]:
    """Counts all records of acme anew; how many those were."""

    async def count() -> int:
        ledger = await counting.begin("acme", now=deps.now())
        return sum([counted async for counted in counting.go_on(ledger, now=deps.now())])

    return count


@pytest.fixture
def agree(deps: Deps) -> Callable[..., Awaitable[None]]:
    """Holds what totals tell of a period against what its records tell."""

    async def compare(period: Period, zone: str = "UTC") -> None:
        told = await summaries.tally("acme", period, zone, [*Part])
        assert told == await analytics.tally("acme", period, zone)
        days = await summaries.days("acme", period, zone, templates=3)
        assert days is not None
        sent, failed = await analytics_series.days("acme", period, zone, 3)
        assert days[0] == sent
        # That is shown with the names of what was sent.
        names = {of: name for of, name, _ in sent.by_template}
        renamed = [(of, names.get(of, name), rows) for of, name, rows in failed.by_template]
        assert days[1] == replace(failed, by_template=renamed)

    return compare
