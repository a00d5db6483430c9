"""Received messages of which something could not be read."""

from beanie import PydanticObjectId
from pymongo import ASCENDING

from app.documents.base import Filter
from app.documents.inbound_messages import UNSEEN, InboundMessage

_FAULTY: Filter = {"parseFault": {"$exists": True}}


async def tenants() -> list[str]:
    """Those that have some, in the order of the alphabet."""
    found: list[str] = await InboundMessage.get_motor_collection().distinct("tenantId", _FAULTY)
    return sorted(found)


async def part(tenant: str, after: PydanticObjectId | None, limit: int) -> list[InboundMessage]:
    """Give some of a tenant's in the order they were stored, without what was read of them."""
    criteria = dict(_FAULTY) if after is None else {**_FAULTY, "_id": {"$gt": after}}
    cursor = (
        InboundMessage.get_motor_collection()
        .find(InboundMessage.owned(tenant, criteria), {**UNSEEN, "bodyText": 0, "bodyHtml": 0})
        .sort("_id", ASCENDING)
        .limit(limit)
    )
    return [InboundMessage.model_validate(row) async for row in cursor]
