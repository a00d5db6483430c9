"""The two public resolvers: whoever holds a tracking id may open and click."""

from app.context import Context
from app.errors import NotFoundError
from app.services import tracking


async def track_open(context: Context, tracking_id: str) -> None:
    """Count an open; an unknown id counts nowhere."""
    await tracking.record_open(context.deps, tracking_id)


async def tracked_link(context: Context, tracking_id: str, index: int, *, count: bool) -> str:
    """Give the address a tracked link leads to, and with `count` record the click.

    Raises NotFoundError.
    """
    url = await tracking.follow_link(context.deps, tracking_id, index, count=count)
    if url is None:
        raise NotFoundError("No mail has this link.")
    return url
