"""The two public resolvers: whoever holds a tracking id may open and click."""

from app.context import Context
from app.errors import NotFoundError
from app.services import tracking
from app.services.tracking import Visit


async def track_open(context: Context, tracking_id: str, visit: Visit) -> None:
    """Keep an open; one of an unknown id is kept nowhere."""
    await tracking.record_open(context.deps, tracking_id, visit)


async def tracked_link(context: Context, tracking_id: str, index: int, visit: Visit) -> str:
    """Give the address a tracked link leads to, and keep the click. Raises NotFoundError."""
    url = await tracking.follow_link(context.deps, tracking_id, index, visit)
    if url is None:
        raise NotFoundError("No mail has this link.")
    return url
