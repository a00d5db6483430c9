"""How far the lists of what accounts received have been looked through."""

from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from app.documents.base import TenantDocument
from app.documents.provider_accounts import ProviderAccount
from app.documents.vocabulary import ProviderType


class Backfill(TenantDocument):
    """Of one account, all that its provider took up to `since` has been looked at.

    A look goes from the latest back to there, page by page: it has come to the one with the id
    `after`, and began at `newest`, which is `since` once it is through. `due_at` is when anyone may
    go on.
    """

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    account_id: PydanticObjectId
    since: datetime
    newest: datetime | None = None
    after: str | None = None
    due_at: datetime
    claims: int = 0
    faults: int = 0

    class Settings:
        name = "backfills"
        keep_nulls = False
        indexes: ClassVar = [
            IndexModel([("accountId", ASCENDING)], unique=True),
            IndexModel([("dueAt", ASCENDING)]),
        ]

    @classmethod
    async def begin(cls, now: datetime) -> None:
        """Make one for each account of Resend that takes webhooks and has none yet.

        What was received before there was such an account is no business of ours.
        """
        accounts = ProviderAccount.get_motor_collection().aggregate(
            [
                {
                    "$match": {
                        "providerType": ProviderType.RESEND,
                        "secrets.webhook_secret": {"$exists": True},
                    }
                },
                {
                    "$lookup": {
                        "from": cls.get_motor_collection().name,
                        "localField": "_id",
                        "foreignField": "accountId",
                        "as": "known",
                    }
                },
                {"$match": {"known": []}},
                {"$project": dict.fromkeys(("tenantId", "created"), 1)},
            ]
        )
        async for row in accounts:
            new = cls(
                tenant_id=row["tenantId"],
                account_id=row["_id"],
                since=row["created"],
                created=now,
                due_at=now,
            )
            try:
                await new.insert()
            except DuplicateKeyError:
                continue

    # Moves.

    @classmethod
    async def claim(cls, now: datetime, until: datetime) -> Self | None:
        """Take the one that is due longest, until then; None when none is."""
        row = await cls.get_motor_collection().find_one_and_update(
            {"dueAt": {"$lte": now}},
            {"$set": {"dueAt": until}, "$inc": {"claims": 1}},
            sort=[("dueAt", ASCENDING)],
            return_document=ReturnDocument.AFTER,
        )
        return None if row is None else cls.model_validate(row)

    async def go_on(self, after: str, newest: datetime | None, *, until: datetime) -> Self | None:
        """Write down how far it came, and keep it; None when another has it."""
        return await self._held({"after": after, "newest": newest, "dueAt": until})

    async def finish(self, since: datetime, *, due_at: datetime) -> Self | None:
        """Write down that all up to `since` was looked at."""
        return await self._held(
            {"since": since, "dueAt": due_at, "faults": 0}, cleared=("after", "newest")
        )

    async def put_off(
        self, wait: timedelta, *, now: datetime, faults: int, anew: bool = False
    ) -> Self | None:
        """Give it back for a while: to go on from where it is, or from the latest `anew`."""
        changes = {"dueAt": now + wait, "faults": self.faults + faults}
        return await self._held(changes, cleared=("after", "newest") if anew else ())

    async def _held(self, changes: dict[str, Any], cleared: tuple[str, ...] = ()) -> Self | None:
        update: dict[str, Any] = {
            "$set": {name: value for name, value in changes.items() if value is not None}
        }
        if cleared:
            update["$unset"] = dict.fromkeys(cleared, "")
        return await self.move(self.id, leaving={"claims": self.claims}, update=update)
