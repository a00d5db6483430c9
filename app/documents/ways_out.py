"""Whom a link to unsubscribe names. It must name them for years, whatever became of the mail."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, IndexModel

from app.documents.base import TenantDocument, object_id_of
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.mail.addresses import parse_mailbox

_OF_RECORD = ["tenantId", "topicId", "senderName", "senderEmail", "recipients", "cc", "bcc"]
# What of a record must be read to keep its ways out.
TO_BE_KEPT = [*_OF_RECORD, "created", "unsubscribable", "unsubscribeId"]


@dataclass(frozen=True)
class Holder:
    """The one recipient of a mail, and what the mail was about; without a topic, everything.

    `sender` is what the mail's sender is called. `communication_id` is None once it is purged.
    """

    tenant: str
    address: str
    sender: str
    topic_id: PydanticObjectId | None = None
    communication_id: PydanticObjectId | None = None


class WayOut(TenantDocument):
    """What is left of a mail whose record was purged, for as long as somebody may have it.

    `id` is what its token names: the delivery to a member of a list, or the `unsubscribe_id` of
    a record. `created` is when the record was made.
    """

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    address: str
    sender: str
    topic_id: PydanticObjectId | None = None

    class Settings:
        name = "waysOut"
        keep_nulls = False
        indexes: ClassVar = [IndexModel([("created", ASCENDING)])]


async def holder_of(mail_id: str) -> Holder | None:
    """Find whom a token names; None for an id of no mail that one could be unsubscribed from."""
    id_ = object_id_of(mail_id)
    if id_ is None:
        return None
    return await _member(id_) or await _recipient(id_) or await _kept(id_)


async def _member(id_: PydanticObjectId) -> Holder | None:
    of_member = {"_id": id_, "memberId": {"$exists": True}}
    row = await Delivery.get_motor_collection().find_one(
        of_member, ["communicationId", "recipients.address"]
    )
    if row is None:
        return None
    record = await Communication.get_motor_collection().find_one(
        {"_id": row["communicationId"]}, _OF_RECORD
    )
    return None if record is None else _holder(record, row["recipients"][0]["address"])


async def _recipient(id_: PydanticObjectId) -> Holder | None:
    record = await Communication.get_motor_collection().find_one({"unsubscribeId": id_}, _OF_RECORD)
    return None if record is None else _holder(record, _address(record))


async def _kept(id_: PydanticObjectId) -> Holder | None:
    row = await WayOut.get_motor_collection().find_one({"_id": id_})
    if row is None:
        return None
    way = WayOut.model_validate(row)
    return Holder(way.tenant_id, way.address, way.sender, way.topic_id)


async def keep(record: dict[str, Any]) -> None:
    """Keep the ways out of a record that is about to be purged, given with TO_BE_KEPT.

    Once or several times: what is kept already stays.
    """
    if not record.get("unsubscribable"):
        return
    id_ = record.get("unsubscribeId")
    way = WayOut(
        tenant_id=record["tenantId"],
        created=record["created"],
        address="" if id_ is None else _address(record),
        sender=_sender(record),
        topic_id=record.get("topicId"),
    ).model_dump(by_alias=True, exclude={"id"}, exclude_none=True)
    if id_ is None:
        await _keep_members(record["_id"], way)
    else:
        await WayOut.get_motor_collection().update_one(
            {"_id": id_}, {"$setOnInsert": way}, upsert=True
        )


async def forget(made_before: datetime) -> int:
    """Remove what was kept of mail made before then; how much that was."""
    gone = await WayOut.get_motor_collection().delete_many({"created": {"$lt": made_before}})
    return int(gone.deleted_count)


async def _keep_members(communication_id: PydanticObjectId, way: dict[str, Any]) -> None:
    """Keep one for each member to whom the mail may be out.

    Within MongoDB: a list may have a hundred thousand members.
    """
    criteria = {
        "communicationId": communication_id,
        "memberId": {"$exists": True},
        "attempts.0": {"$exists": True},
    }
    same = {name: {"$literal": value} for name, value in way.items()}
    address = {"$first": "$recipients.address"}
    into = {"into": WayOut.get_motor_collection().name, "whenMatched": "keepExisting"}
    stages: list[dict[str, Any]] = [
        {"$match": criteria},
        {"$project": {**same, "address": address}},
        {"$merge": into},
    ]
    await Delivery.get_motor_collection().aggregate(stages).to_list(None)


def _holder(record: dict[str, Any], address: str) -> Holder:
    return Holder(
        tenant=record["tenantId"],
        address=address,
        sender=_sender(record),
        topic_id=record.get("topicId"),
        communication_id=record["_id"],
    )


def _sender(record: dict[str, Any]) -> str:
    named: str | None = record.get("senderName")
    return named or parse_mailbox(record["senderEmail"]).address.rpartition("@")[2]


def _address(record: dict[str, Any]) -> str:
    return next(parse_mailbox(text).address for text in _addresses(record))


def _addresses(record: dict[str, Any]) -> Iterator[str]:
    for name in ("recipients", "cc", "bcc"):
        yield from record.get(name, ())
