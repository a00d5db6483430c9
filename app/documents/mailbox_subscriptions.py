from collections.abc import Collection
from datetime import datetime
from typing import Any, ClassVar, Self

from beanie import PydanticObjectId
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from app.documents.base import TenantDocument, object_id_of
from app.documents.vocabulary import ReceivingState

# What is known of the subscription; taken away when there is none any more.
_SUBSCRIPTION = ("subscriptionId", "clientState", "url", "expiresAt")


class LostLeaseError(Exception):
    """Another worker has taken what this one held."""


class MailboxSubscription(TenantDocument):
    """How the mail of a mailbox comes in: one for each account that receives, under its id.

    `place` names the mailbox, and the application that reads it, that all of this is about; mail is
    taken in that the mailbox received from `since` on.

    Of the subscription: `client_state` is the digest of the secret that Graph was given to prove
    its notifications by, `url` where it sends them, `notice_fault` why there are none, after so
    many `notice_faults` in a row. At `subscribe_at` it is made, or renewed.

    Of the looks at the Inbox: `link` is where the next request goes (Graph's own; none at first),
    `read_at` when all that was there then had been seen, `poll_at` when to look again.

    `due_at` is when anyone may take it next, under a `lease`: when it is due, or when the lease of
    the worker that holds it ends. `wanted_at` is set when all of it is to be done once more after
    that.
    """

    id: PydanticObjectId
    place: str
    since: datetime
    subscription_id: str | None = None
    client_state: str | None = None
    url: str | None = None
    expires_at: datetime | None = None
    notice_fault: str | None = None
    notice_faults: int = 0
    subscribe_at: datetime
    link: str | None = None
    read_at: datetime | None = None
    read_fault: str | None = None
    read_faults: int = 0
    poll_at: datetime
    last_received_at: datetime | None = None
    due_at: datetime
    wanted_at: datetime | None = None
    lease: str | None = None
    claims: int = 0

    class Settings:
        name = "mailboxSubscriptions"
        keep_nulls = False
        indexes: ClassVar = [IndexModel([("dueAt", ASCENDING)])]

    @property
    def state(self) -> ReceivingState:
        if self.read_fault is not None or self.notice_fault is not None:
            return ReceivingState.FAULTY
        is_pending = self.read_at is None or self.subscription_id is None
        return ReceivingState.PENDING if is_pending else ReceivingState.ACTIVE

    async def store_once(self) -> bool:
        """Insert; False when the account has its own already."""
        try:
            await self.insert()
        except DuplicateKeyError:
            return False
        return True

    @classmethod
    async def of_account(cls, id_: PydanticObjectId) -> Self | None:
        row = await cls.get_motor_collection().find_one({"_id": id_})
        return None if row is None else cls.model_validate(row)

    @classmethod
    async def known(cls, ids: Collection[PydanticObjectId]) -> set[PydanticObjectId]:
        """Tell which of these accounts have their own."""
        cursor = cls.get_motor_collection().find({"_id": {"$in": list(ids)}}, {"_id": 1})
        return {row["_id"] async for row in cursor}

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

    # Moves of whoever needs it looked after.

    @classmethod
    async def call(
        cls,
        id_: PydanticObjectId,
        *,
        now: datetime,
        renew: bool = False,
        look: bool = False,
        gone: str | None = None,
    ) -> Self | None:
        """Have it looked after now: to renew or make the subscription, or to `look` at the Inbox.

        `gone` is the id of a subscription that is no more. None while a worker holds it: come
        again then.
        """
        changes: dict[str, Any] = {"dueAt": now}
        if renew or gone is not None:
            changes["subscribeAt"] = now
        if look:
            changes["pollAt"] = now
        update: dict[str, Any] = {"$set": changes}
        leaving: dict[str, Any] = {"$or": [{"lease": None}, {"dueAt": {"$lte": now}}]}
        if gone is not None:
            leaving["subscriptionId"] = gone
            update["$unset"] = dict.fromkeys(_SUBSCRIPTION, "")
        return await cls.move(id_, leaving=leaving, update=update)

    @classmethod
    async def call_again(cls, id_: PydanticObjectId, *, now: datetime) -> bool:
        """Have all of it done once more when who holds it is done; False when nobody does."""
        leaving = {"lease": {"$exists": True}}
        return await cls.move(id_, leaving=leaving, update={"$set": {"wantedAt": now}}) is not None

    @classmethod
    async def note_received(cls, id_: PydanticObjectId, at: datetime) -> None:
        """Write down when the mailbox received the latest mail that was taken in."""
        await cls.get_motor_collection().update_one({"_id": id_}, {"$max": {"lastReceivedAt": at}})

    @classmethod
    async def forget(cls, id_: PydanticObjectId) -> None:
        """Remove it, whoever holds it."""
        await cls.get_motor_collection().delete_one({"_id": id_})

    # Moves of the worker that holds it; each raises LostLeaseError when another has it.

    @classmethod
    async def claim(cls, id_: str, *, lease: str, now: datetime, until: datetime) -> Self | None:
        """Take it until `until`; None when it is not due."""
        object_id = object_id_of(id_)
        if object_id is None:
            return None
        return await cls.move(
            object_id,
            leaving={"dueAt": {"$lte": now}},
            update={"$set": {"lease": lease, "dueAt": until}, "$inc": {"claims": 1}},
        )

    async def extend(self, until: datetime) -> Self:
        """Keep it until then."""
        return await self._set({"dueAt": until})

    async def restart(self, place: str, *, since: datetime, now: datetime) -> Self:
        """Begin anew, with the mail of this mailbox since then."""
        gone = () if place == self.place else (*_SUBSCRIPTION, "lastReceivedAt", "noticeFault")
        return await self._set(
            {"place": place, "since": since, "subscribeAt": now, "pollAt": now},
            gone=("link", "readAt", "readFault", *gone),
        )

    async def begin_subscribing(self, url: str, *, client_state: str) -> Self:
        """Keep what notifications will prove themselves by, before Graph is told."""
        return await self._set(
            {"url": url, "clientState": client_state}, gone=("subscriptionId", "expiresAt")
        )

    async def subscribed(
        self,
        id_: str,
        *,
        expires_at: datetime,
        renew_at: datetime,
        look_at: datetime | None = None,
    ) -> Self:
        """Write down that there is a subscription of this id; a new one calls for a look."""
        changes = {"subscriptionId": id_, "expiresAt": expires_at, "subscribeAt": renew_at}
        if look_at is not None:
            changes["pollAt"] = look_at
        return await self._set(changes, gone=("noticeFault", "noticeFaults"))

    async def unsubscribed(self) -> Self:
        """Write down that there is no subscription any more."""
        return await self._set({}, gone=_SUBSCRIPTION)

    async def not_subscribed(
        self, words: str | None, *, again_at: datetime, counted: int = 1
    ) -> Self:
        """Write down why the subscription was not made, or not renewed.

        Without words those that stand stay.
        """
        return await self._failed("notice", words, counted, {"subscribeAt": again_at})

    async def follow(self, link: str | None) -> Self:
        """Go on from there, since Graph answered; from the beginning without a link."""
        if link is None:
            return await self._set({}, gone=("link",))
        return await self._set({"link": link}, gone=("readFault", "readFaults"))

    async def has_read(self, at: datetime, *, again_at: datetime) -> Self:
        """Write down that all was seen that was there at `at`."""
        return await self._set({"readAt": at, "pollAt": again_at}, gone=("readFault", "readFaults"))

    async def not_read(self, words: str | None, *, again_at: datetime, counted: int = 1) -> Self:
        """Write down why nothing could be read; without words those that stand stay."""
        return await self._failed("read", words, counted, {"pollAt": again_at})

    async def release(self) -> Self | None:
        """Give it back until something is to be done; None when another has it by now."""
        wanted = {at: {"$ifNull": ["$wantedAt", f"${at}"]} for at in ("subscribeAt", "pollAt")}
        next_ = {"$min": ["$subscribeAt", "$pollAt"]}
        return await self.move(
            self.id,
            leaving={"lease": self.lease},
            update=[
                {"$set": wanted},
                {"$set": {"dueAt": next_}},
                {"$unset": ["lease", "wantedAt"]},
            ],
        )

    async def _failed(
        self, of: str, words: str | None, counted: int, changes: dict[str, Any]
    ) -> Self:
        told = {} if words is None else {f"{of}Fault": words}
        return await self._moved({"$set": {**changes, **told}, "$inc": {f"{of}Faults": counted}})

    async def _set(self, changes: dict[str, Any], gone: tuple[str, ...] = ()) -> Self:
        update: dict[str, Any] = {"$set": changes} if changes else {}
        if gone:
            update["$unset"] = dict.fromkeys(gone, "")
        return await self._moved(update)

    async def _moved(self, update: dict[str, Any]) -> Self:
        changed = await self.move(self.id, leaving={"lease": self.lease}, update=update)
        if changed is None:
            raise LostLeaseError
        return changed
