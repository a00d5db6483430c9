"""Whose mail a tracking id stands in, and where its links lead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from beanie import PydanticObjectId
from pymongo import DESCENDING

from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.vocabulary import RecipientStatus

# MongoDB reads a negative index from the end and refuses one beyond 32 bits.
_INDEXES = range(2**31)
# Sendings of one mail, of which the latest that was handed over is taken.
_SENDINGS = 5
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


@dataclass(frozen=True)
class Link:
    """A tracked link as a mail has it, and where it leads."""

    envelope: Envelope
    index: int
    url: str


async def envelope(tracking_id: str) -> Envelope | None:
    """Find the mail that carries this tracking id."""
    row = await _row(tracking_id, READ)
    return None if row is None else envelope_of(row)


async def link(tracking_id: str, index: int) -> Link | None:
    """Find where the tracked link `index` of a mail leads, None when there is none.

    A delivery whose links are not those of its record has them itself.
    """
    if index not in _INDEXES:
        return None
    row = await _row(tracking_id, {**READ, "links": {"$slice": [index, 1]}})
    if row is None:
        return None
    links = row.get("links")
    if links is None:
        record = await Communication.get_motor_collection().find_one(
            {"_id": row["communicationId"]}, {"clickedLinks": {"$slice": [index, 1]}}
        )
        links = [one["originalUrl"] for one in (record or {}).get("clickedLinks", [])]
    return Link(envelope_of(row), index, links[0]) if links else None


async def counts_opens(communication_id: PydanticObjectId) -> bool:
    """Tell whether a mail has a picture by which its opens are counted."""
    tracked = {"_id": communication_id, "trackingEnabled": True}
    return await Communication.get_motor_collection().find_one(tracked, {"_id": 1}) is not None


async def _row(tracking_id: str, read: Mapping[str, Any]) -> dict[str, Any] | None:
    """Read the latest delivery with this tracking id that was handed over, else the latest."""
    cursor = (
        Delivery.get_motor_collection()
        .find({"trackingId": tracking_id}, read)
        .sort("sending", DESCENDING)
        .limit(_SENDINGS)
    )
    rows = [row async for row in cursor]
    return next((row for row in rows if row.get("attempts")), rows[0] if rows else None)


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
