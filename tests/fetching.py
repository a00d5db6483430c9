"""Fetching what a mail points at, as its readers do, and having it counted, as a worker does."""

from uuid import uuid4

from app.context import Deps
from app.services import tracking
from app.services.tracking import Visit


async def count_all(deps: Deps) -> None:
    """Have every hit that waits counted, here or by whoever has begun with it."""
    holder = uuid4().hex
    while await tracking.count_waiting(deps, holder):
        pass


async def record_open(deps: Deps, tracking_id: str, visit: Visit) -> None:
    await tracking.record_open(deps, tracking_id, visit)
    await count_all(deps)


async def follow_link(deps: Deps, tracking_id: str, index: int, visit: Visit) -> str | None:
    url = await tracking.follow_link(deps, tracking_id, index, visit)
    await count_all(deps)
    return url
