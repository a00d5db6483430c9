"""Message-IDs that a provider makes and tells only afterwards: what is due, and the moves."""

from datetime import datetime

from beanie import PydanticObjectId
from pymongo import ASCENDING

from app.documents.base import object_id_of
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.vocabulary import DeliveryStatus, ProviderType


async def due(by: datetime, limit: int) -> list[tuple[str, int, datetime]]:
    """Deliveries whose provider is to be asked by then, first due first, as `Delivery.due` does."""
    cursor = (
        Delivery.get_motor_collection()
        .find({"identifyAt": {"$lte": by}}, {"identifyAt": 1})
        .sort("identifyAt", ASCENDING)
        .limit(limit)
    )
    return [
        (str(row["_id"]), round(row["identifyAt"].timestamp() * 1000), row["identifyAt"])
        async for row in cursor
    ]


async def take(id_: str, *, now: datetime, until: datetime) -> Delivery | None:
    """Take it for asking until `until`, when it is due again; None when it is not due."""
    object_id = object_id_of(id_)
    if object_id is None:
        return None
    return await Delivery.move(
        object_id,
        leaving={"identifyAt": {"$lte": now}},
        update={"$set": {"identifyAt": until}},
    )


async def put_off(id_: PydanticObjectId, until: datetime) -> None:
    """Ask again at `until`, unless it was found out meanwhile."""
    await Delivery.move(
        id_, leaving={"identifyAt": {"$exists": True}}, update={"$set": {"identifyAt": until}}
    )


async def end(id_: PydanticObjectId) -> None:
    """Ask no more."""
    await Delivery.move(id_, leaving={}, update={"$unset": {"identifyAt": ""}})


async def provider_type_of(delivery: Delivery) -> ProviderType | None:
    """Tell what carried it; None when its record is gone."""
    row = await Communication.get_motor_collection().find_one(
        {"_id": delivery.communication_id}, {"providerType": 1}
    )
    return None if row is None else ProviderType(row["providerType"])


async def name_delivery(id_: PydanticObjectId, internet_message_id: str) -> Delivery | None:
    """Write the Message-ID on a delivery, in any state; None when it has one."""
    return await Delivery.move(
        id_,
        leaving={"internetMessageId": None},
        update={"$set": {"internetMessageId": internet_message_id}},
    )


async def name_record(
    delivery: Delivery, internet_message_id: str, *, now: datetime
) -> Communication | None:
    """Write the Message-ID on the record whose last sending this delivery is, in any state.

    None when it has one, or was sent again since.
    """
    return await Communication.move(
        delivery.communication_id,
        leaving={
            "sending": delivery.sending,
            "messageId": delivery.provider_id,
            "internetMessageId": None,
        },
        update={"$set": {"internetMessageId": internet_message_id, "updated": now}},
    )


async def adopt(delivery: Delivery) -> None:
    """Take over the ids that stand on the record: the worker that wrote them died just after."""
    row = await Communication.get_motor_collection().find_one(
        {"_id": delivery.communication_id, "sending": delivery.sending},
        {"messageId": 1, "internetMessageId": 1},
    )
    if row is None or "messageId" not in row:
        return
    if "internetMessageId" in row:
        found = {"internetMessageId": row["internetMessageId"]}
    else:
        found = {"identifyAt": delivery.created}
    await Delivery.move(
        delivery.id,
        leaving={"status": DeliveryStatus.QUEUED, "providerId": None},
        update={"$set": {"providerId": row["messageId"], **found}},
    )
