import json
from datetime import datetime
from typing import Any, ClassVar, Self

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from app.documents import content
from app.documents.attachments import Attachment
from app.documents.base import Change, Filter, StoredModel
from app.documents.communication_indexes import FLAG, INDEXES
from app.documents.list_progress import FanOut, Progress
from app.documents.outsourcing import OutsourcingDocument
from app.documents.vocabulary import (
    CommunicationStatus,
    CommunicationType,
    EventType,
    ProviderType,
)


class Event(StoredModel):
    """One line of the audit trail; `author_id` is None for what the service did by itself."""

    type: EventType
    date: datetime
    author_id: str | None = None
    description: str | None = None
    id: str = Field(default_factory=lambda: str(PydanticObjectId()))

    def stored(self) -> dict[str, Any]:
        return self.model_dump(by_alias=True, exclude_none=True)


class ClickedLink(StoredModel):
    """A tracked link: `url` is the tracking address; `clicked_at` is the first click.

    `click_count` and its times are of people, `machine_click_count` of scanners and the like.
    """

    original_url: str
    url: str
    click_count: int = 0
    machine_click_count: int = 0
    clicked_at: datetime | None = None
    last_clicked_at: datetime | None = None


class Communication(OutsourcingDocument):
    """What the caller sees of a mail; the 37 documented fields and a few of our own.

    `account_id` is the provider account by which it goes; None: the service's own provider.
    `dispatch_at` is when the sweep must see to it; absent once its delivery exists and is moving.
    `in_reply_to` is the Message-ID of the mail it answers, where it answers a certain one; another
    continues its conversation. `text` is its text part, where it has one of its own, and `locale`
    the language of its template that it is in. `reports` is how many news of that delivery its
    status reckons with. `unsubscribable` mail lets its recipients leave; by `unsubscribe_id` their
    links know it, where it goes to one. `is_withheld` of one that failed as nobody wanted it.
    """

    # Deleting hides the record at once; it is purged later.
    visible: ClassVar[Filter] = {"deletedAt": None}
    unseen: ClassVar = ("searchText", "counted")

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    status: CommunicationStatus
    type: CommunicationType | None = None
    subject: str
    body: str = ""
    original_body: str = ""
    variables: dict[str, Any] | None = None
    template_id: str | None = None
    template_name: str | None = None
    template_version: int | None = None
    template_version_id: PydanticObjectId | None = None
    locale: str | None = None
    text: str | None = None
    is_test: bool | None = None
    is_withheld: bool | None = None
    sender_email: str
    sender_name: str | None = None
    reply_to: str | None = None
    recipients: list[str]
    cc: list[str] = Field(default_factory=list)
    bcc: list[str] = Field(default_factory=list)
    attachments: list[Attachment] = Field(default_factory=list)
    recipient_list_id: str | None = None
    provider_type: ProviderType
    account_id: PydanticObjectId | None = None
    related_entity_type: str | None = None
    related_entity_id: str | None = None
    conversation_id: str
    in_reply_to: str | None = None
    message_id: str | None = None
    internet_message_id: str | None = None
    scheduled_at: datetime | None = None
    cancel_on_reply: bool = False
    topic_id: PydanticObjectId | None = None
    unsubscribable: bool = False
    unsubscribe_id: PydanticObjectId | None = None
    sent_at: datetime | None = None
    error_message: str | None = None
    tracking_enabled: bool
    link_tracking_enabled: bool
    opened: bool = False
    opened_at: datetime | None = None
    last_opened_at: datetime | None = None
    open_count: int = 0
    machine_open_count: int = 0
    reply_count: int = 0
    replied_at: datetime | None = None
    unsubscribe_count: int = 0
    unsubscribed_at: datetime | None = None
    clicked_links: list[ClickedLink] = Field(default_factory=list)
    events: list[Event] = Field(default_factory=list)
    created_by: str
    updated: datetime
    updated_by: str | None = None

    tracking_id: str
    search_text: str | None = None
    dispatch_at: datetime | None = None
    dispatches: int = 0
    faults: int = 0
    sending: int = 1
    reports: int = 0
    resend_keys: list[str] = Field(default_factory=list)
    fan_out: FanOut | None = None
    progress: Progress | None = None
    paused_at: datetime | None = None
    deleted_at: datetime | None = None
    purge_at: datetime | None = None

    class Settings:
        name = "communications"
        keep_nulls = False
        indexes: ClassVar = INDEXES

    async def store(self) -> bool:
        """Insert; False when a record with this id is there already."""
        stored = await self.outsourced()
        try:
            await Communication.get_motor_collection().insert_one(stored.written())
        except DuplicateKeyError:
            await stored.discard()
            return False
        return True

    async def discard(self) -> None:
        """Remove what was put aside of a record that is not to be inserted."""
        if self.content_id is not None:
            await content.remove(Communication, self.content_id)

    async def outsourced(self) -> Self:
        """The record as it is to be inserted: bodies too large to stand in it are put aside."""
        bodies = [self.body, self.original_body, *([] if self.text is None else [self.text])]
        if sum(len(body.encode()) for body in bodies) <= content.INLINE_LIMIT:
            return self
        # Orphaned by a crash before the insert, never the other way round.
        content_id = await content.put(Communication, json.dumps(bodies).encode())
        aside = {"body": "", "original_body": "", "text": None, "content_id": content_id}
        outsourced: Self = self.model_copy(update=aside)
        return outsourced

    @property
    def asks_consent(self) -> bool:
        """Whether it does not go to who does not want it: mail to lists, of a topic, and asked so.

        Also where it is not `unsubscribable` because no links can be signed.
        """
        is_bulk = self.topic_id is not None or self.recipient_list_id is not None
        return is_bulk or self.unsubscribable

    @property
    def filled(self) -> bool:
        return bool(self.body)

    def fill(self, octets: bytes) -> None:
        self.body, self.original_body, *text = json.loads(octets)
        self.text = text[0] if text else None

    @classmethod
    async def any_waits_for(cls, tenant: str, account_id: PydanticObjectId) -> bool:
        """Whether any mail of the tenant is still to go out by this account."""
        waiting = [
            CommunicationStatus.SCHEDULED,
            CommunicationStatus.PENDING,
            CommunicationStatus.SENDING,
        ]
        criteria = cls.owned(tenant, {"status": {"$in": waiting}, "accountId": account_id})
        return await cls.get_motor_collection().find_one(criteria, {"_id": 1}) is not None

    @classmethod
    async def status_of(cls, id_: PydanticObjectId) -> CommunicationStatus | None:
        row = await cls.get_motor_collection().find_one({"_id": id_}, {"status": 1})
        return None if row is None else CommunicationStatus(row["status"])

    @classmethod
    async def due(cls, by: datetime, limit: int) -> list[tuple[str, int, datetime, bool]]:
        """Ids to be seen to by then, first due first.

        With each how often it was begun, its time, and whether it is list mail.
        """
        cursor = (
            cls.get_motor_collection()
            .find(
                {"dispatchAt": {"$lte": by}},
                {"dispatches": 1, "dispatchAt": 1, "recipientListId": 1},
            )
            .sort("dispatchAt", ASCENDING)
            .limit(limit)
        )
        return [
            (
                str(row["_id"]),
                row.get("dispatches", 0),
                row["dispatchAt"],
                "recipientListId" in row,
            )
            async for row in cursor
        ]

    # Moves. Each names the states it leaves; a None means that another mover was first.

    @classmethod
    async def wait_for_retry(
        cls, id_: PydanticObjectId, *, now: datetime, reason: str, cancellable: bool
    ) -> Self | None:
        """Show why it is not out yet; when `cancellable`, PENDING again."""
        waiting = CommunicationStatus.PENDING if cancellable else CommunicationStatus.SENDING
        return await cls.move(
            id_,
            leaving={"status": CommunicationStatus.SENDING},
            update={
                "$set": {"status": waiting, "errorMessage": reason, "updated": now},
                "$unset": {"dispatchAt": ""},
            },
        )

    @staticmethod
    def sent(
        *, now: datetime, message_id: str, internet_message_id: str | None, remark: str | None
    ) -> Change:
        """Work out the move to SENT.

        `remark` tells of recipients that were refused while others were taken. The
        `internet_message_id` is None where the provider tells it later.
        """
        event = Event(type=EventType.SEND, date=now, description=remark)
        settled = {"status": CommunicationStatus.SENT, "sentAt": now, "messageId": message_id}
        # What is not known of this sending is not left standing of an earlier one.
        told = {"internetMessageId": internet_message_id, "errorMessage": remark}
        known = {name: value for name, value in told.items() if value is not None}
        # PENDING too: the mail is out, whatever a slower worker wrote in the meantime.
        leaving = [CommunicationStatus.SENDING, CommunicationStatus.PENDING]
        return Change(
            {"status": {"$in": leaving}},
            {
                "$set": {**FLAG, **settled, **known, "updated": now},
                "$unset": dict.fromkeys(["dispatchAt", *(told.keys() - known.keys())], ""),
                "$push": {"events": event.stored()},
            },
        )

    @classmethod
    async def mark_failed(
        cls, id_: PydanticObjectId, *, now: datetime, reason: str, is_withheld: bool = False
    ) -> Self | None:
        """Settle it as FAILED; `is_withheld` when nobody wanted it, which is no fault of mail."""
        event = Event(type=EventType.FAIL, date=now, description=reason)
        leaving = [CommunicationStatus.SENDING, CommunicationStatus.PENDING]
        return await cls.move(
            id_,
            leaving={"status": {"$in": leaving}},
            update={
                "$set": {
                    **FLAG,
                    "status": CommunicationStatus.FAILED,
                    "errorMessage": reason,
                    "updated": now,
                    **({"isWithheld": True} if is_withheld else {}),
                },
                "$unset": {"dispatchAt": ""},
                "$push": {"events": event.stored()},
            },
        )
