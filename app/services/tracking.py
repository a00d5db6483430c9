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
    communication_id = await Delivery.communication_of(tracking_id)
    if communication_id is None:
        return None
    url = await engagement.link(communication_id, index)
    if url is not None and count:
        await engagement.count_click(communication_id, index, now=deps.now(), url=url)
    return url
