"""Opens and clicks, counted on the communication whose mail was opened or clicked."""

from dataclasses import dataclass
from datetime import datetime

from beanie import PydanticObjectId

from app.documents.communications import ClickedLink, Communication, Event
from app.documents.deliveries import Delivery
from app.documents.vocabulary import EventType

# Characters of an address that the audit trail repeats.
_DESCRIBED = 500
# MongoDB reads a negative index from the end and refuses one beyond 32 bits.
_INDEXES = range(2**31)
_LISTED = 1000


@dataclass(frozen=True)
class Link:
    """A tracked link as a mail has it, and where it leads."""

    communication_id: PydanticObjectId
    index: int
    url: str


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


async def link(tracking_id: str, index: int) -> Link | None:
    """Find where the tracked link `index` of a mail leads, None when there is none.

    A delivery whose links are not those of its record has them itself.
    """
    if index not in _INDEXES:
        return None
    row = await Delivery.get_motor_collection().find_one(
        {"trackingId": tracking_id}, {"communicationId": 1, "links": {"$slice": [index, 1]}}
    )
    if row is None:
        return None
    links = row.get("links")
    if links is None:
        record = await Communication.get_motor_collection().find_one(
            {"_id": row["communicationId"]}, {"clickedLinks": {"$slice": [index, 1]}}
        )
        links = [one["originalUrl"] for one in (record or {}).get("clickedLinks", [])]
    return Link(row["communicationId"], index, links[0]) if links else None


async def count_click(link: Link, *, now: datetime) -> None:
    """Count one click on the link of the record that leads to the same address.

    Only the first on each writes an event. A link of one member's own is listed on the record when
    it is followed first; so are at most 1,000.
    """
    place = await _place_of(link)
    if place is None:
        return
    event = Event(type=EventType.CLICK, date=now, description=link.url[:_DESCRIBED])
    path = f"clickedLinks.{place}"
    last = {f"{path}.lastClickedAt": now, "updated": now}
    collection = Communication.get_motor_collection()
    first = await collection.update_one(
        {"_id": link.communication_id, f"{path}.clickCount": 0},
        {
            "$inc": {f"{path}.clickCount": 1},
            "$set": {**last, f"{path}.clickedAt": now},
            "$push": {"events": event.stored()},
        },
    )
    if first.matched_count == 0:
        await collection.update_one(
            {"_id": link.communication_id, f"{path}.originalUrl": link.url},
            {"$inc": {f"{path}.clickCount": 1}, "$set": last},
        )


async def _place_of(link: Link) -> int | None:
    """Find the record's link with this address, the one of the same index first."""
    collection = Communication.get_motor_collection()
    same = {"_id": link.communication_id, f"clickedLinks.{link.index}.originalUrl": link.url}
    if await collection.find_one(same, {"_id": 1}) is not None:
        return link.index
    listed = ClickedLink(original_url=link.url, url=link.url)
    await collection.update_one(
        {
            "_id": link.communication_id,
            "clickedLinks.originalUrl": {"$ne": link.url},
            f"clickedLinks.{_LISTED - 1}": {"$exists": False},
        },
        {"$push": {"clickedLinks": listed.model_dump(by_alias=True, exclude_none=True)}},
    )
    row = await collection.find_one({"_id": link.communication_id}, {"clickedLinks.originalUrl": 1})
    urls = [one["originalUrl"] for one in (row or {}).get("clickedLinks", [])]
    return urls.index(link.url) if link.url in urls else None
