"""What callers may know of who opened their mail."""

from collections.abc import Collection, Mapping

from app.context import Context, Scope
from app.documents.engagement.hits import Engagement
from app.services import engagements


async def engagements_with_ids(
    context: Context, ids: Collection[str], *, without: Collection[str] = ()
) -> Mapping[str, Engagement]:
    """Give the hits with these ids of the caller's mail."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await engagements.engagements_with_ids(caller, ids, without=without)
