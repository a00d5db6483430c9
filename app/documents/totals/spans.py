"""Which totals make up a period, and what of it no total is as short as."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.documents.analytics import Period
from app.documents.totals.cells import STEPS, Level, floor

# From the longest on.
UTC_DAYS = (Level.DAY, Level.HOUR, Level.QUARTER)
HOURS = (Level.HOUR, Level.QUARTER)
QUARTERS = (Level.QUARTER,)


@dataclass(frozen=True)
class Span:
    """From `start` up to, not including, `end`; None is open. Without a level none has it."""

    level: Level | None
    start: datetime | None
    end: datetime | None


@dataclass(frozen=True)
class Cover:
    """`inner` is what totals tell of a period: its `spans`; `edges` are for records to tell."""

    spans: Sequence[Span]
    edges: Sequence[Period]
    inner: Period | None

    @classmethod
    def of(cls, period: Period, levels: Sequence[Level]) -> "Cover":
        """Use totals of these levels, from the longest on."""
        whole = _cover(period.start, period.end, levels)
        spans = [span for span in whole if span.level is not None]
        edges = [Period(span.start, span.end) for span in whole if span.level is None]
        inner = Period(spans[0].start, spans[-1].end) if spans else None
        return cls(spans, edges, inner)


def _cover(start: datetime | None, end: datetime | None, levels: Sequence[Level]) -> list[Span]:
    if start is not None and end is not None and start >= end:
        return []
    if not levels:
        return [Span(None, start, end)]
    level, shorter = levels[0], levels[1:]
    step = STEPS[level]
    try:
        first = None if start is None else _ceil(start, step)
    except OverflowError:
        return [Span(None, start, end)]
    last = None if end is None else floor(end, step)
    if first is not None and last is not None and first >= last:
        return _cover(start, end, shorter)
    head = [] if start == first else _cover(start, first, shorter)
    tail = [] if end == last else _cover(last, end, shorter)
    return [*head, Span(level, first, last), *tail]


def _ceil(moment: datetime, step: timedelta) -> datetime:
    before = floor(moment, step)
    return before if before == moment else before + step
