"""What is told of a mail that is out: one move of the recipient, and one of the record.

News comes late, twice and in any order. What each kind may leave stands here, once for a recipient
and once for a record; whatever is not left is a move that is not made.
"""

from datetime import datetime
from typing import Any

from beanie import PydanticObjectId
from pymongo import ASCENDING

from app.documents.base import Filter
from app.documents.communication_indexes import FLAG
from app.documents.communications import Communication, Event
from app.documents.deliveries import Delivery, DeliveryRecipient
from app.documents.vocabulary import CommunicationStatus, DeliveryStatus, NewsKind, RecipientStatus

_PENDING, _ACCEPTED = RecipientStatus.PENDING, RecipientStatus.ACCEPTED
_REFUSED, _DEFERRED = RecipientStatus.REFUSED, RecipientStatus.DEFERRED
_DELIVERED, _BOUNCED = RecipientStatus.DELIVERED, RecipientStatus.BOUNCED
# PENDING of a delivery that is settled: a worker died between the record and the delivery.
_UNDERWAY = [_PENDING, _ACCEPTED, _DEFERRED]

_STATUS = {
    NewsKind.DELIVERED: _DELIVERED,
    NewsKind.DEFERRED: _DEFERRED,
    NewsKind.BOUNCED: _BOUNCED,
    NewsKind.SOFT_BOUNCED: _BOUNCED,
    NewsKind.COMPLAINED: RecipientStatus.COMPLAINED,
    NewsKind.FAILED: _REFUSED,
}
_SENT, _FAILED = CommunicationStatus.SENT, CommunicationStatus.FAILED
_OUT = [_SENT, CommunicationStatus.DELIVERED, CommunicationStatus.BOUNCED, _FAILED]
# A record follows its recipients, which never go back; `reports` keeps older news from newer.
# CANCELLED stays, although a hand-over that was never confirmed may have reached somebody.
_LEFT_FOR = {
    _SENT: [_SENT],
    _FAILED: [_SENT, _FAILED],
    CommunicationStatus.DELIVERED: _OUT,
    CommunicationStatus.BOUNCED: _OUT,
    CommunicationStatus.COMPLAINED: [*_OUT, CommunicationStatus.COMPLAINED],
}


def _leaving(kind: NewsKind, date: datetime) -> Filter:
    """Tell which states of a recipient this news may leave. Who was left out never."""
    match kind:
        case NewsKind.DEFERRED:
            return {"status": {"$in": [_PENDING, _ACCEPTED]}}
        case NewsKind.FAILED:
            return {"status": {"$in": _UNDERWAY}}
        case NewsKind.DELIVERED:
            # REFUSED: given up because the provider never confirmed it; it knows better by now.
            # A bounce for good stays, a passing one does if it is the later of the two.
            return {
                "$or": [
                    {"status": {"$in": [*_UNDERWAY, _REFUSED]}},
                    {"status": _BOUNCED, "permanent": False, "date": {"$lt": date}},
                ]
            }
        case NewsKind.SOFT_BOUNCED:
            # Servers accept a mail and return it afterwards, so a bounce may follow a delivery.
            return {
                "$or": [
                    {"status": {"$in": [*_UNDERWAY, _REFUSED]}},
                    {"status": _DELIVERED, "date": {"$lt": date}},
                ]
            }
        case NewsKind.BOUNCED:
            return {
                "$or": [
                    {"status": {"$in": [*_UNDERWAY, _REFUSED, _DELIVERED]}},
                    {"status": _BOUNCED, "permanent": False},
                ]
            }
        case NewsKind.COMPLAINED:
            # Whoever complains has it, whatever was told before.
            return {"status": {"$in": [*_UNDERWAY, _REFUSED, _DELIVERED, _BOUNCED]}}


async def move_recipient(
    delivery_id: PydanticObjectId,
    address: str,
    kind: NewsKind,
    *,
    date: datetime,
    words: str | None,
    news_id: str,
) -> Delivery | None:
    """Let one address of a settled delivery follow the news; None where it may not."""
    moved = DeliveryRecipient(
        address=address,
        status=_STATUS[kind],
        reply=words,
        date=date,
        permanent={NewsKind.BOUNCED: True, NewsKind.SOFT_BOUNCED: False}.get(kind),
        news_id=news_id,
    )
    return await Delivery.move(
        delivery_id,
        leaving={
            "status": {"$ne": DeliveryStatus.QUEUED},
            "recipients": {"$elemMatch": {"address": address, **_leaving(kind, date)}},
        },
        update={
            "$set": {"recipients.$": moved.model_dump(by_alias=True, exclude_none=True)},
            "$inc": {"reports": 1},
        },
    )


async def await_settling(delivery_id: PydanticObjectId) -> bool:
    """Have whoever settles the delivery wake the news that waits; False when it is settled."""
    marked = await Delivery.move(
        delivery_id,
        leaving={"status": DeliveryStatus.QUEUED},
        update={"$set": {"newsWaits": True}},
    )
    return marked is not None


async def follow(
    delivery: Delivery,
    status: CommunicationStatus,
    *,
    remark: str | None,
    event: Event,
    now: datetime,
) -> Communication | None:
    """Let the record follow its delivery, and write the event into its audit trail.

    Another sending of the record is left alone, and one that knows more of this one keeps its
    status. List mail is left alone too: one member in 100,000 says nothing of it. Done twice, it is
    done once: None then.
    """
    told: Filter = {
        "sending": delivery.sending,
        "recipientListId": None,
        "events.id": {"$ne": event.id},
    }
    changes: dict[str, Any] = {"updated": now}
    removed = {"updatedBy": ""}
    written = {"$push": {"events": event.stored()}}
    standing = {**changes, **FLAG, "status": status, "reports": delivery.reports}
    cleared = dict(removed)
    if remark is None:
        cleared["errorMessage"] = ""
    else:
        standing["errorMessage"] = remark
    moved = await Communication.move(
        delivery.communication_id,
        leaving={
            **told,
            "status": {"$in": _LEFT_FOR[status]},
            "reports": {"$not": {"$gte": delivery.reports}},
        },
        update={"$set": standing, "$unset": cleared, **written},
    )
    if moved is not None:
        if moved.sent_at is None and status is not _FAILED:
            # Given up as never confirmed; by this news it went out all the same.
            out = {"$set": {**FLAG, "sentAt": event.date}}
            moved = await Communication.move(moved.id, leaving={"sentAt": None}, update=out)
        return moved
    # Overtaken by later news, or called off: it happened all the same.
    return await Communication.move(
        delivery.communication_id,
        leaving=told,
        # What failed before may fail once more.
        update={"$set": {**FLAG, **changes}, "$unset": removed, **written},
    )


async def named(
    tenant: str, *, provider_id: str | None = None, message_ids: list[str] | None = None
) -> Delivery | None:
    """Find the tenant's delivery by what a provider calls it, or by its Message-ID."""
    names: dict[str, Any] = {}
    if provider_id is not None:
        names["providerId"] = provider_id
    if message_ids:
        names["messageId"] = names["internetMessageId"] = {"$in": message_ids}
    for name, wanted in names.items():
        row = await Delivery.get_motor_collection().find_one(
            Delivery.owned(tenant, {name: wanted}),
            # Any index begins with the tenant: with few mails MongoDB would try one after another.
            hint=[("tenantId", ASCENDING), (name, ASCENDING)],
        )
        if row is not None:
            found: Delivery = Delivery.model_validate(row)
            return found
    return None
