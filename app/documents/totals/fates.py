"""What counts of a record, as it stands and as it was counted last, and into which totals."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple, Self

from app.documents.analytics import (
    CLICKED,
    IS_FAILURE,
    MACHINE_CLICKED,
    MACHINE_OPENED,
    OPENED,
    REPLIED,
    UNSUBSCRIBED,
)
from app.documents.totals.cells import FATES, QUARTER, STEPS, By, Level, floor
from app.documents.vocabulary import CommunicationStatus, EventType

Row = Mapping[str, Any]
_DELIVERED = [CommunicationStatus.DELIVERED, CommunicationStatus.COMPLAINED]
# What became of a record, by names of FATES: 1 or 0 each.
ONES: dict[str, Any] = {
    "opened": OPENED,
    "clicked": CLICKED,
    "machineOpened": MACHINE_OPENED,
    "machineClicked": MACHINE_CLICKED,
    "replied": REPLIED,
    "unsubscribed": UNSUBSCRIBED,
    # What was reported as spam was delivered before.
    "delivered": {"$cond": [{"$in": ["$status", _DELIVERED]}, 1, 0]},
    "bounced": {"$cond": [{"$eq": ["$status", CommunicationStatus.BOUNCED]}, 1, 0]},
    "complained": {"$cond": [{"$eq": ["$status", CommunicationStatus.COMPLAINED]}, 1, 0]},
}
_IS_FAILURE = {
    "$and": [
        {"$eq": [{"$ifNull": [f"${name}", None]}, value]} for name, value in IS_FAILURE.items()
    ]
}
_FAILS = {
    "$map": {
        "input": {
            "$filter": {
                "input": {"$ifNull": ["$events", []]},
                "cond": {"$eq": ["$$this.type", EventType.FAIL]},
            }
        },
        "in": "$$this.date",
    }
}
# A record as `Fate.of` and `Fate.counted` read it. Deleted ones and tests of templates count
# nowhere.
SHAPE: dict[str, Any] = {
    **ONES,
    "isReal": {
        "$and": [{"$eq": [{"$ifNull": [name, None]}, None]} for name in ("$deletedAt", "$isTest")]
    },
    "sentAt": 1,
    "type": 1,
    "templateId": 1,
    "failed": {"$cond": [_IS_FAILURE, _FAILS, []]},
    "counted": 1,
}


class Cell(NamedTuple):
    """The key of a total, within a tenant and an epoch."""

    level: Level
    by: By
    of: str | None
    start: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Fate:
    """When a record was handed over last, what became of it by names of FATES, when it failed."""

    sent_at: datetime | None = None
    type: str | None = None
    template: str | None = None
    became: frozenset[str] = field(default_factory=frozenset)
    failed: Sequence[datetime] = ()

    @classmethod
    def of(cls, row: Row) -> Self:
        """Read a row of SHAPE as the record stands."""
        sent_at = row.get("sentAt")
        failed = tuple(sorted(row["failed"]))
        if not row["isReal"] or (sent_at is None and not failed):
            return cls()
        became = () if sent_at is None else [name for name in FATES if row[name]]
        return cls(sent_at, row.get("type"), row.get("templateId"), frozenset(became), failed)

    @classmethod
    def counted(cls, row: Row, epoch: int) -> Self:
        """Read as what it was counted last in this epoch."""
        kept = row.get("counted")
        if kept is None or kept["epoch"] != epoch:
            return cls()
        became = frozenset(name for bit, name in enumerate(FATES) if kept["became"] >> bit & 1)
        return cls(
            kept.get("sentAt"),
            kept.get("type"),
            kept.get("templateId"),
            became,
            tuple(kept.get("failed", ())),
        )

    def stored(self, epoch: int) -> dict[str, Any]:
        """The stored field `counted`."""
        bits = sum(1 << bit for bit, name in enumerate(FATES) if name in self.became)
        kept = {"sentAt": self.sent_at, "type": self.type, "templateId": self.template}
        return {
            "epoch": epoch,
            **{name: value for name, value in kept.items() if value is not None},
            "became": bits,
            **({"failed": list(self.failed)} if self.failed else {}),
        }

    @property
    def groups(self) -> Iterator[tuple[By, str | None]]:
        """What it is counted by; one without a type or a template is in no group of them."""
        yield By.ALL, None
        if self.type is not None:
            yield By.TYPE, self.type
        if self.template is not None:
            yield By.TEMPLATE, self.template

    @property
    def counts(self) -> Iterator[tuple[Cell, Sequence[str], int]]:
        """Into which totals it counts, by which counters, and how much in each."""
        sent = ("sent", *self.became)
        quarters = sorted({floor(moment, QUARTER) for moment in self.failed})
        for by, of in self.groups:
            if self.sent_at is not None:
                yield Cell(Level.EVER, by, of), sent, 1
                for level, step in STEPS.items():
                    yield Cell(level, by, of, floor(self.sent_at, step)), sent, 1
            if quarters:
                yield Cell(Level.EVER, by, of), ("failed",), 1
            for quarter in quarters:
                for level, step in STEPS.items():
                    yield Cell(level, by, of, floor(quarter, step)), ("failed",), 1
            for one, then in pairwise(quarters):
                yield Cell(Level.PAIR, by, of, one, then), ("failed",), -1


def differences(changes: Sequence[tuple[Fate, Fate]]) -> dict[Cell, Counter[str]]:
    """Tell what to add to which totals for records that were counted so and stand so."""
    added: dict[Cell, Counter[str]] = {}
    for before, after in changes:
        if before == after:
            continue
        for fate, sign in ((before, -1), (after, 1)):
            for cell, names, amount in fate.counts:
                counter = added.setdefault(cell, Counter())
                for name in names:
                    counter[name] += sign * amount
    return {
        cell: Counter({name: amount for name, amount in counter.items() if amount})
        for cell, counter in added.items()
        if any(counter.values())
    }
