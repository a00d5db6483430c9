import hmac
from datetime import datetime, timedelta
from typing import ClassVar, Self

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel

from app.documents.base import Filter, TenantDocument


class ApiKey(TenantDocument):
    """A key that a program calls with; of its secret only a hash is kept.

    The hash is a plain SHA-256: the secret is 256 random bits, so there is nothing to guess, salt
    or slow down, and the hash itself is what a key is looked up by. `prefix` holds the secret's
    first characters, for people to tell keys apart. After a rotation the `previous_hash` works
    until `previous_until`.
    """

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    name: str
    hash: str = Field(repr=False)
    prefix: str
    previous_hash: str | None = Field(default=None, repr=False)
    previous_until: datetime | None = None
    scopes: list[str]
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    created_by: str
    rotated_at: datetime | None = None
    rotated_by: str | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None

    class Settings:
        name = "apiKeys"
        keep_nulls = False
        indexes: ClassVar = [
            IndexModel([("hash", ASCENDING)], unique=True),
            IndexModel([("previousHash", ASCENDING)], sparse=True),
            IndexModel([("tenantId", ASCENDING), ("created", DESCENDING), ("_id", DESCENDING)]),
        ]

    @staticmethod
    def live(now: datetime) -> Filter:
        """What a key that is neither revoked nor expired matches."""
        return {"revokedAt": None, "expiresAt": {"$not": {"$lte": now}}}

    def ends(self, hash_: str) -> datetime | None:
        """When the secret with this hash ends to work, if it does; one of its two it must be."""
        ends = [] if self.expires_at is None else [self.expires_at]
        if not hmac.compare_digest(hash_, self.hash):
            # Without a time it would be no secret of this key.
            ends.append(self.previous_until or self.created)
        return min(ends, default=None)

    @classmethod
    async def of_hash(cls, hash_: str) -> Self | None:
        """The key of whichever tenant whose secret, or the one before it, has this hash."""
        row = await cls.get_motor_collection().find_one(
            {"$or": [{"hash": hash_}, {"previousHash": hash_}]}
        )
        return None if row is None else cls.model_validate(row)

    @classmethod
    async def count_live(cls, tenant: str, now: datetime) -> int:
        """How many of the tenant's keys work."""
        return await cls.get_motor_collection().count_documents(cls.owned(tenant, cls.live(now)))

    async def note_use(self, now: datetime, *, pause: timedelta) -> None:
        """Keep when it was used last, unless that was noted less than `pause` ago."""
        if self.last_used_at is None or self.last_used_at <= now - pause:
            await self.get_motor_collection().update_one(
                {"_id": self.id, "lastUsedAt": {"$not": {"$gt": now - pause}}},
                {"$set": {"lastUsedAt": now}},
            )

    # Moves.

    async def rotate(
        self, hash_: str, prefix: str, *, previous_until: datetime, now: datetime, author: str
    ) -> Self | None:
        """Give it another secret; None when it is not live, or was rotated meanwhile."""
        changes = {
            "hash": hash_,
            "prefix": prefix,
            "previousHash": self.hash,
            "previousUntil": previous_until,
            "rotatedAt": now,
            "rotatedBy": author,
        }
        return await self.move(
            self.id, leaving={**self.live(now), "hash": self.hash}, update={"$set": changes}
        )

    @classmethod
    async def revoke_once(
        cls, tenant: str, id_: PydanticObjectId, *, now: datetime, author: str
    ) -> Self | None:
        """End it; None when it is gone or revoked already."""
        return await cls.move(
            id_,
            leaving=cls.owned(tenant, {"revokedAt": None}),
            update={"$set": {"revokedAt": now, "revokedBy": author}},
        )
