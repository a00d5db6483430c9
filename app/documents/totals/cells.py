"""The totals: how many of a tenant's records, of one type or one template, in a span of time."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, IndexModel

from app.documents.base import TenantDocument

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What became of a record that was handed over, each a bit of what is kept in it as counted.
FATES = (
    "opened", "clicked", "machineOpened", "machineClicked", "replied", "unsubscribed",
    "delivered", "bounced", "complained",
)  # fmt: skip
COUNTERS = ("sent", *FATES, "failed")


class Level(StrEnum):
    """How long the span of a total is: all time, or what begins at its `start` in UTC.

    A record fails in a period once, however often it does. PAIR takes from a period what it has
    twice: what failed in the quarter of an hour from `start`, and then in that from `until`.
    """

    EVER = "EVER"
    DAY = "DAY"
    HOUR = "HOUR"
    QUARTER = "QUARTER"
    PAIR = "PAIR"


STEPS = {
    Level.DAY: timedelta(days=1),
    Level.HOUR: timedelta(hours=1),
    Level.QUARTER: timedelta(minutes=15),
}
QUARTER = STEPS[Level.QUARTER]


class By(StrEnum):
    """What is counted together: everything, or the records of one type or template."""

    ALL = "ALL"
    TYPE = "TYPE"
    TEMPLATE = "TEMPLATE"


class Total(TenantDocument):
    """Counts of records by what became of them; one that is not there is 0.

    They stand where the records were handed over last, `failed` where they failed. `epoch` tells
    totals that were begun anew from those before.
    """

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    epoch: int
    level: Level
    by: By
    of: str | None = None
    start: datetime | None = None
    until: datetime | None = None

    class Settings:
        name = "totals"
        keep_nulls = False
        indexes: ClassVar = [
            IndexModel(
                [
                    (name, ASCENDING)
                    for name in ("tenantId", "level", "by", "start", "of", "until", "epoch")
                ],
                unique=True,
            ),
        ]


class Ledger(TenantDocument):
    """How far a tenant's records are counted; `whole` once all are that are not flagged.

    Until then `reached` tells where counting all of them, from the newest back, goes on.
    """

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    epoch: int
    whole: bool = False
    reached: datetime | None = None

    class Settings:
        name = "ledgers"
        keep_nulls = False
        indexes: ClassVar = [IndexModel([("tenantId", ASCENDING)], unique=True)]


def floor(moment: datetime, step: timedelta) -> datetime:
    """Give the latest begin of a span that is not after the moment."""
    return EPOCH + (moment - EPOCH) // step * step
