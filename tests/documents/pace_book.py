"""Asking for a turn, and looking into what is kept of it."""

from datetime import timedelta
from typing import Any

from app.documents import paces
from app.documents.paces import Answer, Limits, Pace

LIMITS = Limits(at_once=2, sends=3, window=timedelta(seconds=60))
GRANTED = Answer(granted=True, wait=None)
BUSY = Answer(granted=False, wait=None)
SECOND = timedelta(seconds=1)


async def take(who: str, *, tenant: str = "acme", limits: Limits = LIMITS) -> Answer:
    """Asks as the holder `who`."""
    return await paces.take(tenant, "box", who=who, holder=who, limits=limits)


async def send(who: str) -> None:
    assert await take(who) == GRANTED
    assert await paces.begin_send("acme", "box", who)
    await paces.release("acme", "box", who, sent=True)


async def row() -> dict[str, Any]:
    found: dict[str, Any] | None = await Pace.get_motor_collection().find_one({})
    assert found is not None
    return found


async def earlier(array: str, field: str, by: timedelta) -> None:
    """Let these times lie further back, as if time had gone on."""
    ago = {"$subtract": [f"$$this.{field}", by.total_seconds() * 1000]}
    moved = {"$mergeObjects": ["$$this", {field: ago}]}
    await Pace.get_motor_collection().update_one(
        {}, [{"$set": {array: {"$map": {"input": f"${array}", "in": moved}}}}]
    )


def near(wait: timedelta | None, expected: timedelta) -> bool:
    """Whether it is that long, less what a busy machine needs for a test."""
    assert wait is not None
    return expected - 20 * SECOND < wait <= expected
