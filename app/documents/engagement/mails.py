"""Whose mail a tracking id stands in, and where its links lead."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from beanie import PydanticObjectId
from pymongo import ASCENDING

from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.vocabulary import RecipientStatus

# MongoDB reads a negative index from the end and refuses one beyond 32 bits.
_INDEXES = range(2**31)
READ = dict.fromkeys(
    [
        "tenantId",
        "communicationId",
        "recipients.address",
        "recipients.status",
        "recipients.date",
        "attempts.date",
        "sending",
    ],
    1,
)


@dataclass(frozen=True)
class Envelope:
    """The mail that carries a tracking id, and to whom, where that is one address.

    `moments` are those at which it was handed over or reported as delivered.
    """

    tenant_id: str
    communication_id: PydanticObjectId
    delivery_id: PydanticObjectId
    recipient: str | None
    moments: Sequence[datetime]


async def envelopes(tracking_ids: Collection[str]) -> dict[str, Envelope]:
    """Find the mails that carry these tracking ids, by them."""
    rows = await _rows(tracking_ids, READ)
    return {id_: envelope_of(row) for id_, row in rows.items()}


async def links(asked: Sequence[tuple[str, int]]) -> Sequence[str | None]:
    """Find where tracked links lead, by tracking ids and their numbers; None when there is none.

    A delivery whose links are not those of its record has them itself.
    """
    found: dict[tuple[str, int], str] = {}
    for index in {index for _, index in asked if index in _INDEXES}:
        ids = {id_ for id_, one in asked if one == index}
        found |= {(id_, index): url for id_, url in (await _links(ids, index)).items()}
    return [found.get(one) for one in asked]


async def _links(tracking_ids: Collection[str], index: int) -> dict[str, str]:
    one = {"$slice": [index, 1]}
    rows = await _rows(tracking_ids, {"communicationId": 1, "attempts.date": 1, "links": one})
    theirs = {row["communicationId"] for row in rows.values() if row.get("links") is None}
    cursor = Communication.get_motor_collection().find(
        {"_id": {"$in": list(theirs)}}, {"trackingId": 1, "clickedLinks": one}
    )
    records = {row["_id"]: row["clickedLinks"] for row in await cursor.to_list(None)}
    found: dict[str, str] = {}
    for id_, row in rows.items():
        own = row.get("links")
        links = [each["originalUrl"] for each in records.get(row["communicationId"], ())]
        if urls := links if own is None else own:
            found[id_] = urls[0]
    return found


async def counts_opens(communication_id: PydanticObjectId) -> bool:
    """Tell whether a mail has a picture by which its opens are counted."""
    tracked = {"_id": communication_id, "trackingEnabled": True}
    return await Communication.get_motor_collection().find_one(tracked, {"_id": 1}) is not None


async def _rows(
    tracking_ids: Collection[str], read: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Read the latest delivery with each tracking id that was handed over, else the latest."""
    cursor = Delivery.get_motor_collection().find(
        {"trackingId": {"$in": list(tracking_ids)}}, {**read, "trackingId": 1}
    )
    found: dict[str, dict[str, Any]] = {}
    for row in await cursor.sort("sending", ASCENDING).to_list(None):
        earlier = found.get(row["trackingId"])
        if earlier is None or row.get("attempts") or not earlier.get("attempts"):
            found[row["trackingId"]] = row
    return found


def envelope_of(row: Mapping[str, Any]) -> Envelope:
    """Make one of what is stored of a delivery."""
    recipients = row["recipients"]
    delivered = [
        one["date"]
        for one in recipients
        if one["status"] == RecipientStatus.DELIVERED and "date" in one
    ]
    handed_over = [one["date"] for one in row.get("attempts", ())[-1:]]
    return Envelope(
        tenant_id=row["tenantId"],
        communication_id=row["communicationId"],
        delivery_id=row["_id"],
        recipient=recipients[0]["address"] if len(recipients) == 1 else None,
        moments=[*handed_over, *delivered],
    )
