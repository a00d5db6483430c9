"""Envelopes as their tenant may see them."""

from collections.abc import Collection

from app.context import Caller
from app.documents import nodes
from app.documents.communications import Communication
from app.documents.deliveries import Delivery


async def deliveries_with_ids(
    caller: Caller, ids: Collection[str], *, without: Collection[str]
) -> dict[str, Delivery]:
    """Give the caller's envelopes by their ids; those of deleted records are gone with them."""
    unread = set(without) - {"communicationId"}
    found = await Delivery.with_ids(caller.tenant, ids, without=unread)
    records = {str(delivery.communication_id) for delivery in found.values()}
    there = await nodes.kinds_of(caller.tenant, records, [Communication])
    return {id_: one for id_, one in found.items() if str(one.communication_id) in there}
