"""Opens and clicks, counted on the communication whose mail was opened or clicked."""

from datetime import datetime

from beanie import PydanticObjectId

from app.documents.communications import Communication, Event
from app.documents.vocabulary import EventType

# Characters of an address that the audit trail repeats.
_DESCRIBED = 500
# MongoDB reads a negative index from the end and refuses one beyond 32 bits.
_INDEXES = range(2**31)


async def count_open(communication_id: PydanticObjectId, *, now: datetime) -> None:
    """Count one open of a mail that carries a pixel.

    Only the first open writes an event; later ones only count.
    """
    event = Event(type=EventType.OPEN, date=now)
    last = {"lastOpenedAt": now, "updated": now}
    tracked = {"_id": communication_id, "trackingEnabled": True}
    collection = Communication.get_motor_collection()
    first = await collection.update_one(
        {**tracked, "opened": False},
        {
            "$inc": {"openCount": 1},
            "$set": {**last, "opened": True, "openedAt": now},
            "$push": {"events": event.stored()},
        },
    )
    if first.matched_count == 0:
        await collection.update_one(tracked, {"$inc": {"openCount": 1}, "$set": last})


async def link(communication_id: PydanticObjectId, index: int) -> str | None:
    """Find the original address of the tracked link `index`, None when there is none."""
    if index not in _INDEXES:
        return None
    row = await Communication.get_motor_collection().find_one(
        {"_id": communication_id}, {"clickedLinks": {"$slice": [index, 1]}}
    )
    links = [] if row is None else row.get("clickedLinks", [])
    return links[0]["originalUrl"] if links else None


async def count_click(
    communication_id: PydanticObjectId, index: int, *, now: datetime, url: str
) -> None:
    """Count one click on link `index`; only the first on each link writes an event."""
    event = Event(type=EventType.CLICK, date=now, description=url[:_DESCRIBED])
    path = f"clickedLinks.{index}"
    last = {f"{path}.lastClickedAt": now, "updated": now}
    collection = Communication.get_motor_collection()
    first = await collection.update_one(
        {"_id": communication_id, f"{path}.clickCount": 0},
        {
            "$inc": {f"{path}.clickCount": 1},
            "$set": {**last, f"{path}.clickedAt": now},
            "$push": {"events": event.stored()},
        },
    )
    if first.matched_count == 0:
        await collection.update_one(
            {"_id": communication_id, f"{path}.originalUrl": url},
            {"$inc": {f"{path}.clickCount": 1}, "$set": last},
        )
