"""Opens and clicks, as mail clients report them by fetching what the mail points at."""

from app.context import Deps
from app.documents import engagement
from app.documents.deliveries import Delivery


async def record_open(deps: Deps, tracking_id: str) -> None:
    """Count an open of the mail with this tracking id, if there is one."""
    communication_id = await Delivery.communication_of(tracking_id)
    if communication_id is not None:
        await engagement.count_open(communication_id, now=deps.now())


async def follow_link(deps: Deps, tracking_id: str, index: int, *, count: bool) -> str | None:
    """Find where a tracked link leads, None for an unknown one; with `count` it is a click."""
    link = await engagement.link(tracking_id, index)
    if link is None:
        return None
    if count:
        await engagement.count_click(link, now=deps.now())
    return link.url
