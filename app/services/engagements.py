"""Opens and clicks as their tenant may see them."""

from collections.abc import Collection

from app.context import Caller
from app.documents import nodes
from app.documents.communications import Communication
from app.documents.engagement.hits import Engagement


async def engagements_with_ids(
    caller: Caller, ids: Collection[str], *, without: Collection[str]
) -> dict[str, Engagement]:
    """Give hits of the caller's mail by their ids; those of deleted records are gone with them."""
    found = await Engagement.with_ids(caller.tenant, ids, without=without)
    records = {str(hit.communication_id) for hit in found.values()}
    there = await nodes.kinds_of(caller.tenant, records, [Communication])
    return {id_: one for id_, one in found.items() if str(one.communication_id) in there}
