"""What callers may know of the envelopes of their mail."""

from collections.abc import Collection, Mapping

from app.context import Context, Scope
from app.documents.deliveries import Delivery
from app.services import deliveries


async def deliveries_with_ids(
    context: Context, ids: Collection[str], *, without: Collection[str] = ()
) -> Mapping[str, Delivery]:
    """Give the envelopes with these ids of the caller's mail."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await deliveries.deliveries_with_ids(caller, ids, without=without)
