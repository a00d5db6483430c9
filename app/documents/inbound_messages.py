import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, ClassVar, Self

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import DESCENDING
from pymongo.errors import BulkWriteError, DuplicateKeyError

from app.documents import content
from app.documents.attachments import ReceivedAttachment
from app.documents.base import Filter, object_id_of, write_faults
from app.documents.calendar_events import CalendarEvent
from app.documents.communications import Event
from app.documents.inbound_indexes import FLAG, INDEXES
from app.documents.outsourcing import OutsourcingDocument
from app.documents.searching import SEARCH_TIME
from app.documents.vocabulary import InboundStatus, ProviderType
from app.mail.kinds import InboundKind

# Up to this size a message stands beside what was read from it.
RAW_INLINE_LIMIT = 64 * 1024
# What is never shown: the octets, and what the inbox notes.
_UNSEEN = ("raw", *FLAG, "countedIn", "countedUnread")
UNSEEN = dict.fromkeys(_UNSEEN, 0)

# What a message has for itself, however much of its content is there.
_OWN = {
    "id", "revision_id", "tenant_id", "key", "status", "conversation_id", "parent_communication_id",
    "related_entity_type", "related_entity_id", "events", "created", "created_by",
    "provider_type", "provider_message_id", "provider_account_id", "provider_keys",
    "envelope_recipients", "graph_message_id", "graph_conversation_id", "graph_mailbox",
    "is_uncounted", "is_placed",
}  # fmt: skip
_CONTENT = {
    "fetchError", "parseFault", "recipientCount", "raw", "rawId", "contentId", "bodyText",
    "bodyHtml", "attachments", "attachmentsOmitted", "hasAttachments", "calendar",
}  # fmt: skip


class InboundMessage(OutsourcingDocument):
    """A received mail: the documented fields, and the octets it came as.

    `key` makes it one however often it is delivered, and each of `provider_keys`, by which the
    providers it came from know it (`Origin.key`). Of several that were sent with one Message-ID,
    the first has it as its `key`; by their `fingerprint` they are told apart. `provider_type` and
    what follows it tell of the first provider, `envelope_recipients` whom it was delivered to, by
    all ways it came; `fetch_error` why its content is not here, `parse_fault` what of it was not
    read. `recipient_count` is of all in To and Cc where not all are kept. `answered` are the
    Message-IDs it answers, nearest first; the report of a mail server is about them;
    `answered_delivery_id` is what the address names that it was sent to, and `leaving_id` which
    mail's recipient that address is to unsubscribe, until that is done. `kind` is what wrote it.
    One that `is_placed` stands where a user put it, whatever it answers; one that `is_uncounted`
    changed since the inbox counted it. `attachments` are its files, None while nobody looked for
    them (`attach`), `attachments_omitted` how many are not among them; `has_attachments` is True
    where one is not only shown by the HTML, and else None. `received_at` is when the tenant's mail
    server took it, `created` when we did, `date` what its author's clock said.
    """

    unseen: ClassVar = _UNSEEN

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    key: str
    status: InboundStatus = InboundStatus.NEW
    subject: str | None = None
    from_email: str
    from_name: str | None = None
    recipients: list[str] = Field(default_factory=list)
    cc: list[str] = Field(default_factory=list)
    body_html: str | None = None
    body_text: str | None = None
    conversation_id: str
    parent_communication_id: PydanticObjectId | None = None
    related_entity_type: str | None = None
    related_entity_id: str | None = None
    internet_message_id: str | None = None
    in_reply_to: str | None = None
    graph_message_id: str | None = None
    graph_conversation_id: str | None = None
    graph_mailbox: str | None = None
    provider_type: ProviderType | None = None
    provider_message_id: str | None = None
    provider_account_id: PydanticObjectId | None = None
    provider_keys: list[str] = Field(default_factory=list)
    envelope_recipients: list[str] = Field(default_factory=list)
    fetch_error: str | None = None
    parse_fault: str | None = None
    recipient_count: int | None = None
    fingerprint: str | None = None
    answered: list[str] = Field(default_factory=list)
    answered_delivery_id: PydanticObjectId | None = None
    leaving_id: PydanticObjectId | None = None
    is_placed: bool = False
    is_uncounted: bool | None = None
    kind: InboundKind = InboundKind.PERSONAL
    attachments: list[ReceivedAttachment] | None = None
    attachments_omitted: int = 0
    has_attachments: bool | None = None
    calendar: CalendarEvent | None = None
    date: datetime | None = None
    received_at: datetime
    events: list[Event] = Field(default_factory=list)
    created_by: str
    updated: datetime
    updated_by: str | None = None

    raw: bytes | None = None
    raw_id: PydanticObjectId | None = None

    class Settings:
        name = "inboundMessages"
        keep_nulls = False
        indexes: ClassVar = INDEXES

    async def complete(self, whole: Self, raw: bytes) -> Self | None:
        """Take what it says from `whole`, where only what was told, or could be read, was kept.

        Whose it is, where it stands and what happened to it stay. None when it is whole already.
        """
        stored = await whole.outsourced(raw)
        said = stored.model_dump(by_alias=True, exclude=_OWN, exclude_none=True)
        gone = dict.fromkeys(_CONTENT - said.keys(), "")
        update = {"$set": {**said, **FLAG}, "$unset": gone}
        lacking = [{name: {"$exists": True}} for name in ("fetchError", "parseFault")]
        after = await self.move(self.id, leaving={"$or": lacking}, update=update)
        if after is None:
            await stored.drop_files()
        else:
            await self.drop_files()
        return after

    async def rename(self, key: str) -> None:
        """Let it be known by another key, unless the tenant has a message with that already."""
        with suppress(DuplicateKeyError):
            await self.move(self.id, leaving={"key": self.key}, update={"$set": {"key": key}})

    def give_files(self, files: Sequence[ReceivedAttachment], *, omitted: int) -> None:
        """Let it have these attachments, and tell how many more there are."""
        self.attachments = list(files)
        self.attachments_omitted = omitted
        self.has_attachments = not all(file.is_inline for file in files) or None

    async def attach(self) -> Self | None:
        """Store the files it was given, unless it has had some by now: then None."""
        files: dict[str, Any] = {
            "attachments": [
                file.model_dump(by_alias=True, exclude_none=True) for file in self.attachments or ()
            ],
            "attachmentsOmitted": self.attachments_omitted,
        }
        if self.has_attachments:
            files["hasAttachments"] = True
        return await self.move(self.id, leaving={"attachments": None}, update={"$set": files})

    async def outsourced(self, raw: bytes) -> Self:
        """Put elsewhere what is too large to stand in the document; how it is to be stored."""
        changes: dict[str, Any] = {"is_uncounted": True}
        if len(raw) > RAW_INLINE_LIMIT:
            changes["raw_id"] = await content.put(InboundMessage, raw)
        else:
            changes["raw"] = raw
        bodies = [self.body_text, self.body_html]
        if sum(len((body or "").encode()) for body in bodies) > content.INLINE_LIMIT:
            octets = json.dumps(bodies).encode()
            changes["content_id"] = await content.put(InboundMessage, octets)
            changes["body_text"] = changes["body_html"] = None
        stored: Self = self.model_copy(update=changes)
        return stored

    async def drop_files(self) -> None:
        """Remove what `outsourced` put elsewhere."""
        for file_id in (self.raw_id, self.content_id):
            if file_id is not None:
                await content.remove(InboundMessage, file_id)

    async def done_leaving(self) -> None:
        """Write down that its author was unsubscribed: that is asked for once."""
        await self.move(self.id, leaving={}, update={"$unset": {"leavingId": ""}})

    @classmethod
    async def store_once(cls, messages: Sequence[Self]) -> list[bool | Exception]:
        """Insert messages; False for each that the tenant has already, or what went wrong.

        It has when one of its has this `key`, or one of these `provider_keys`.
        """
        rows = [message.model_dump(by_alias=True, exclude_none=True) for message in messages]
        stored: list[bool | Exception] = [True] * len(rows)
        try:
            await cls.get_motor_collection().insert_many(rows, ordered=False)
        except BulkWriteError as error:
            for index, is_duplicate in write_faults(error).items():
                stored[index] = False if is_duplicate else error
        return stored

    @property
    def all_recipients(self) -> int:
        """How many To and Cc name, whether they are kept or not."""
        return self.recipient_count or len(self.recipients) + len(self.cc)

    @property
    def is_reply(self) -> bool:
        """Whether a person wrote it, so that it counts as an answer."""
        return self.kind is InboundKind.PERSONAL

    @property
    def tells_of_another(self) -> bool:
        """Whether it tells anything of mail that was there before it."""
        return bool(self.answered or self.answered_delivery_id or self.graph_conversation_id)

    @property
    def filled(self) -> bool:
        return self.body_text is not None or self.body_html is not None

    def fill(self, octets: bytes) -> None:
        self.body_text, self.body_html = json.loads(octets)

    @classmethod
    async def of_tenant(cls, tenant: str, id_: str) -> Self | None:
        object_id = object_id_of(id_)
        if object_id is None:
            return None
        row = await cls.get_motor_collection().find_one(
            cls.owned(tenant, {"_id": object_id}), UNSEEN
        )
        return None if row is None else cls.model_validate(row)

    @classmethod
    async def of_key(cls, tenant: str, key: str) -> Self | None:
        return await cls.one(tenant, {"key": key})

    @classmethod
    async def one(cls, tenant: str, criteria: Filter) -> Self | None:
        """The tenant's message that matches; its octets and outsourced bodies are not read."""
        row = await cls.get_motor_collection().find_one(cls.owned(tenant, criteria), UNSEEN)
        return None if row is None else cls.model_validate(row)

    @classmethod
    async def octets(cls, id_: PydanticObjectId | None) -> bytes | None:
        """What a message came as; None when there is no such message."""
        row = await cls.get_motor_collection().find_one({"_id": id_}, {"raw": 1, "rawId": 1})
        if row is None:
            return None
        if "rawId" in row:
            return await content.get(InboundMessage, row["rawId"])
        return bytes(row["raw"])

    @classmethod
    async def graph_id(cls, tenant: str, message_id: str | None) -> str | None:
        """Graph's id of the tenant's message with this Message-ID, where it came over Graph."""
        if message_id is None:
            return None
        row = await cls.get_motor_collection().find_one(
            cls.owned(tenant, {"internetMessageId": message_id}), {"graphMessageId": 1}
        )
        return None if row is None else row.get("graphMessageId")

    @classmethod
    async def newest(cls, tenant: str, status: InboundStatus | None, limit: int) -> list[Self]:
        """The tenant's latest messages in full, of one status or of all, newest first."""
        criteria: Filter = {} if status is None else {"status": status}
        cursor = (
            cls.get_motor_collection()
            .find(cls.owned(tenant, criteria), UNSEEN, **SEARCH_TIME.of_find())
            .sort("receivedAt", DESCENDING)
            .limit(limit)
        )
        found = [cls.model_validate(row) async for row in cursor]
        for message in found:
            await message.load_content()
        return found
