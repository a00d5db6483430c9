"""The attachments of records, each found by where it stands."""

from dataclasses import dataclass
from enum import IntEnum

from beanie import PydanticObjectId

from app.documents.attachments import Attachment, ReceivedAttachment
from app.documents.base import TenantDocument
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage


class Noun(IntEnum):
    """What has attachments. The numbers stand in links that were given out: they never change."""

    COMMUNICATION = 1
    INBOUND_MESSAGE = 2


_DOCUMENTS: dict[Noun, type[TenantDocument]] = {
    Noun.COMMUNICATION: Communication,
    Noun.INBOUND_MESSAGE: InboundMessage,
}


@dataclass(frozen=True)
class Place:
    """Where an attachment stands: `index` counts those of its record from 0."""

    tenant: str
    noun: Noun
    record_id: PydanticObjectId
    index: int


async def attached(place: Place) -> ReceivedAttachment | None:
    """Give what stands there; None where nothing does, or its record was deleted."""
    document = _DOCUMENTS[place.noun]
    row = await document.get_motor_collection().find_one(
        document.owned(place.tenant, {"_id": place.record_id}),
        {"attachments": {"$slice": [place.index, 1]}},
    )
    [found] = ((row or {}).get("attachments") or [None])[:1]
    if found is None:
        return None
    if place.noun is Noun.COMMUNICATION:
        sent = Attachment.model_validate(found)
        return ReceivedAttachment(**sent.model_dump(), is_inline=sent.is_inline)
    return ReceivedAttachment.model_validate(found)
