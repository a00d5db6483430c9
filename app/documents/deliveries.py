from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from app.documents import content
from app.documents.base import Change, StoredModel, TenantDocument, object_id_of
from app.documents.delivery_indexes import INDEXES
from app.documents.vocabulary import AttemptOutcome, DeliveryStatus, RecipientStatus

# When a provider that does not tell a mail's Message-ID at once is asked for it.
FIRST_ASKED = timedelta(seconds=5)


class DeliveryRecipient(StoredModel):
    """An address of the envelope; `reply` holds the provider's words about it.

    Of the latest news after the hand-over: `date` is when it happened, `permanent` whether a
    bounce is for good, `news_id` the event that told.
    """

    address: str
    status: RecipientStatus = RecipientStatus.PENDING
    reply: str | None = None
    date: datetime | None = None
    permanent: bool | None = None
    news_id: str | None = None


class Attempt(StoredModel):
    """One hand-over that was tried; `detail` holds the provider's words."""

    date: datetime
    outcome: AttemptOutcome
    detail: str | None = None


class Delivery(TenantDocument):
    """One envelope to hand to a provider: the outbox of record.

    A mail has one of each sending, list mail one of each sending and `member_id`. That of a member
    has `batch_at` in place of `due_at`, because it is taken together with others, and its message
    only from its first attempt until it is settled. `links` are where its tracked links lead, where
    they are not those of its record, and `locale` is the language of its template that it is in.

    `due_at` is the next time anyone may take it: when it is due, or when the lease of the worker
    that holds it ends; absent once it is settled. `message` is worked out once, so that every
    attempt sends the same. `account_id` is the provider account of the latest hand-over; None: the
    service's own provider. `provider_state` tells how far a hand-over in steps came. `identify_at`
    is when the provider is to be asked for the Message-ID; absent once it is known. `reports`
    counts the news that moved a recipient; `news_waits` when some came before it was settled.
    """

    unseen: ClassVar = ("message", "links")

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    communication_id: PydanticObjectId
    account_id: PydanticObjectId | None = None
    sending: int = 1
    status: DeliveryStatus = DeliveryStatus.QUEUED
    tracking_id: str
    recipients: list[DeliveryRecipient]
    message_id: str
    provider_id: str | None = None
    provider_conversation_id: str | None = None
    internet_message_id: str | None = None
    provider_state: str | None = None
    message: bytes | None = None
    content_id: PydanticObjectId | None = None
    attempts: list[Attempt] = Field(default_factory=list)
    due_at: datetime | None = None
    member_id: PydanticObjectId | None = None
    batch_at: datetime | None = None
    links: list[str] | None = None
    locale: str | None = None
    identify_at: datetime | None = None
    lease: str | None = None
    claims: int = 0
    reports: int = 0
    news_waits: bool = False
    abandoned: bool = False

    class Settings:
        name = "deliveries"
        keep_nulls = False
        indexes: ClassVar = INDEXES

    def hold(self, *, lease: str, until: datetime) -> None:
        """Have it stored as claimed, under `lease` until `until`."""
        self.lease, self.due_at, self.claims = lease, until, 1

    async def store_once(self) -> Self:
        """Insert, unless this sending of the communication has its delivery already.

        Returns the stored delivery, this or the earlier one.
        """
        stored = await self.outsourced()
        try:
            await stored.insert()
        except DuplicateKeyError:
            return await stored.earlier()
        return stored

    async def outsourced(self) -> Self:
        """The delivery as it is to be inserted: a message too large to stand in it is put aside."""
        if self.message is None or len(self.message) <= content.INLINE_LIMIT:
            return self
        content_id = await content.put(Delivery, self.message)
        outsourced: Self = self.model_copy(update={"message": None, "content_id": content_id})
        return outsourced

    async def earlier(self) -> Self:
        """The delivery for which this could not be inserted, of which nothing stays."""
        if self.content_id is not None:
            await content.remove(Delivery, self.content_id)
        earlier = await self.of_communication(self.communication_id, self.sending)
        if earlier is None:
            raise RuntimeError(f"delivery {self.id} was neither inserted nor there before")
        return earlier

    @classmethod
    async def tenant_of(cls, id_: PydanticObjectId) -> str | None:
        """Whose it is; for where mail comes in, before anybody is known."""
        row = await cls.get_motor_collection().find_one({"_id": id_}, ["tenantId"])
        return None if row is None else row["tenantId"]

    @classmethod
    async def of_communication(cls, id_: PydanticObjectId, sending: int) -> Self | None:
        criteria = {"communicationId": id_, "sending": sending}
        row = await cls.get_motor_collection().find_one(criteria)
        return None if row is None else cls.model_validate(row)

    async def stored_message(self) -> bytes:
        """The message as `app.mail.stored` writes it."""
        if self.message is not None:
            return self.message
        if self.content_id is None:
            raise RuntimeError(f"delivery {self.id} has no message")
        return await content.get(Delivery, self.content_id)

    def waiting(self) -> list[str]:
        """Addresses that were neither accepted nor refused yet."""
        return [r.address for r in self.recipients if r.status == RecipientStatus.PENDING]

    @property
    def may_be_out(self) -> bool:
        """Whether an earlier hand-over may have put it out, for all that is known."""
        open_ends = {AttemptOutcome.UNCERTAIN, AttemptOutcome.INTERRUPTED}
        unknown = any(attempt.outcome in open_ends for attempt in self.attempts)
        return self.abandoned or unknown or bool(self.provider_state)

    @classmethod
    async def due(cls, by: datetime, limit: int) -> list[tuple[str, int, datetime]]:
        """Ids to be taken by then, first due first; how often each was claimed, and its time."""
        cursor = (
            cls.get_motor_collection()
            .find({"dueAt": {"$lte": by}}, {"claims": 1, "dueAt": 1})
            .sort("dueAt", ASCENDING)
            .limit(limit)
        )
        return [(str(row["_id"]), row.get("claims", 0), row["dueAt"]) async for row in cursor]

    @classmethod
    async def with_news(cls, ids: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
        """Those of these deliveries that news came for before they were settled."""
        criteria = {"_id": {"$in": list(ids)}, "newsWaits": True}
        cursor = cls.get_motor_collection().find(criteria, {"_id": 1})
        return {row["_id"] async for row in cursor}

    @classmethod
    async def communication_of(cls, tracking_id: str) -> PydanticObjectId | None:
        """The communication whose mail carries this tracking id."""
        row = await cls.get_motor_collection().find_one(
            {"trackingId": tracking_id}, {"communicationId": 1}
        )
        return None if row is None else PydanticObjectId(row["communicationId"])

    # Moves.

    @classmethod
    async def claim(cls, id_: str, *, lease: str, now: datetime, until: datetime) -> Self | None:
        """Take it under `lease` until `until`; None when it is settled, not due, or held."""
        object_id = object_id_of(id_)
        if object_id is None:
            return None
        return await cls.move(
            object_id,
            leaving={"status": DeliveryStatus.QUEUED, "dueAt": {"$lte": now}},
            update=[
                {
                    "$set": {
                        "dueAt": until,
                        "lease": {"$literal": lease},
                        "claims": {"$add": [{"$ifNull": ["$claims", 0]}, 1]},
                        # Its worker never gave it back: it may have died in a hand-over.
                        "abandoned": {"$or": ["$abandoned", "$lease"]},
                    }
                }
            ],
        )

    async def extend(self, until: datetime) -> bool:
        """Keep it until `until`; False when the lease was lost to another worker."""
        held = await self.move(
            self.id,
            leaving={"status": DeliveryStatus.QUEUED, "lease": self.lease},
            update={"$set": {"dueAt": until}},
        )
        return held is not None

    async def close(self, status: DeliveryStatus) -> Self | None:
        return await self.make(self.id, self.settling(status, self.recipients))

    async def wait(
        self, due_at: datetime, recipients: list[DeliveryRecipient], attempt: Attempt
    ) -> Self | None:
        """Give it back until `due_at`; None when the lease was lost."""
        return await self.make(self.id, self.giving_back(due_at, recipients, attempt))

    async def postpone(self, due_at: datetime) -> Self | None:
        """Give it back until `due_at` without an attempt; None when the lease was lost."""
        return await self.make(self.id, self.giving_back(due_at, self.recipients))

    def settling(
        self,
        status: DeliveryStatus,
        recipients: list[DeliveryRecipient],
        attempt: Attempt | None = None,
    ) -> Change:
        # Not bound to the lease: what happened at the provider happened, whoever holds it now.
        update = self._after(recipients, attempt)
        update["$set"]["status"] = status
        if attempt is not None and self.provider_id and self.internet_message_id is None:
            update["$set"]["identifyAt"] = attempt.date + FIRST_ASKED
        update["$unset"] = {"dueAt": "", "lease": ""}
        if self.member_id is not None:
            # A campaign's messages would fill the store.
            update["$unset"] = {"batchAt": "", "lease": "", "message": "", "contentId": ""}
        return Change({"status": DeliveryStatus.QUEUED}, update)

    def giving_back(
        self,
        due_at: datetime,
        recipients: list[DeliveryRecipient],
        attempt: Attempt | None = None,
    ) -> Change:
        update = self._after(recipients, attempt)
        update["$set"]["dueAt" if self.member_id is None else "batchAt"] = due_at
        update["$unset"] = {"lease": ""}
        return Change({"status": DeliveryStatus.QUEUED, "lease": self.lease}, update)

    def _after(
        self, recipients: list[DeliveryRecipient], attempt: Attempt | None
    ) -> dict[str, Any]:
        changed = attempt is not None or recipients is not self.recipients
        update: dict[str, Any] = {"$set": self._progress(recipients) if changed else {}}
        if attempt is not None:
            update["$push"] = {"attempts": _stored([attempt])[0]}
        return update

    async def carry_by(self, account_id: PydanticObjectId | None) -> None:
        """Write down by which account it is handed over now."""
        if account_id != self.account_id:
            change = {"$unset" if account_id is None else "$set": {"accountId": account_id or ""}}
            await self.move(self.id, leaving={}, update=change)
            self.account_id = account_id

    async def save_state(self, state: str) -> None:
        """Write down how far the provider came, whoever holds the lease: it happened."""
        await self.move(self.id, leaving={}, update={"$set": {"providerState": state}})

    def _progress(self, recipients: list[DeliveryRecipient]) -> dict[str, Any]:
        return {
            "recipients": _stored(recipients),
            "providerId": self.provider_id,
            "internetMessageId": self.internet_message_id,
            **(
                {}
                if self.provider_conversation_id is None
                else {"providerConversationId": self.provider_conversation_id}
            ),
        }


def _stored(models: list[Any]) -> list[dict[str, Any]]:
    return [model.model_dump(by_alias=True, exclude_none=True) for model in models]
