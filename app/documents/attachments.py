"""What is attached to mails: the same octets are kept once for each tenant.

A content is referenced by every record that names its digest. Nobody counts these: a crash would
leave the count wrong. Instead a content has a time for a look (`check_at`) for as long as nobody
may name it: a while after it was handed in, and after a record that named it was purged. Whoever
hands the same octets in again puts that time off before its record is written, so a content that
is about to be named is never removed.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import BinaryIO, ClassVar, Self

from beanie import PydanticObjectId
from gridfs.errors import NoFile
from pydantic import Field
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from app.documents import content
from app.documents.base import Filter, StoredModel, TenantDocument

# Far longer than a record takes to be written once its attachments are there.
GRACE = timedelta(days=1)


class Attachment(StoredModel):
    """A file of a mail; `digest` is the SHA-256 of its content in hexadecimal, `size` its octets.

    With a `content_id` it is an image that the HTML shows as `cid:ID`.
    """

    filename: str
    media_type: str
    size: int
    digest: str
    content_id: str | None = None

    @property
    def is_inline(self) -> bool:
        return self.content_id is not None


class ReceivedAttachment(StoredModel):
    """A file of a received mail; as an Attachment, but for what its author wrote of it.

    `is_inline` says that the HTML shows it. One without a `digest` is not kept, and `missing` is
    why.
    """

    filename: str
    media_type: str
    size: int
    digest: str | None = None
    content_id: str | None = None
    is_inline: bool = False
    missing: str | None = None


class AttachmentContent(TenantDocument):
    """Octets in GridFS under the same id, written after this row and removed before it.

    `digest` is set while they are whole: without it nobody finds them.
    """

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    digest: str | None = None
    size: int
    check_at: datetime | None = None

    class Settings:
        name = "attachments"
        keep_nulls = False
        indexes: ClassVar = [
            IndexModel(
                [("tenantId", ASCENDING), ("digest", ASCENDING)],
                unique=True,
                partialFilterExpression={"digest": {"$exists": True}},
            ),
            # Sparse: what records name, and nobody asked for lately, costs a purge nothing.
            IndexModel([("checkAt", ASCENDING)], sparse=True),
        ]

    @classmethod
    async def keep(
        cls, tenant: str, octets: BinaryIO, *, digest: str, size: int, now: datetime
    ) -> None:
        """Store them, unless the tenant has them; they stay for a while even if nobody names them.

        Of two at once one stores them.
        """
        until = now + GRACE
        while not await cls.hold(tenant, [digest], until):
            row = cls(tenant_id=tenant, created=now, size=size, check_at=until)
            await row.insert()
            octets.seek(0)
            await content.put_as(cls, row.id, octets)
            if await row._publish(digest):
                return
            await row.discard()

    @classmethod
    async def hold(cls, tenant: str, digests: list[str], until: datetime) -> int:
        """Look at these contents no earlier than `until`; how many of them the tenant has."""
        held = await cls.get_motor_collection().update_many(
            cls.owned(tenant, {"digest": {"$in": digests}}), {"$max": {"checkAt": until}}
        )
        return int(held.matched_count)

    @classmethod
    async def octets_of(cls, tenant: str, digest: str) -> bytes:
        """The content with this digest. Raises gridfs.NoFile when the tenant has none."""
        return await content.get(cls, await cls._id_of(tenant, digest))

    @classmethod
    async def stream_of(cls, tenant: str, digest: str) -> AsyncIterator[bytes]:
        """As `octets_of`, a piece at a time. Raises gridfs.NoFile before there is any."""
        return await content.stream(cls, await cls._id_of(tenant, digest))

    @classmethod
    async def _id_of(cls, tenant: str, digest: str) -> PydanticObjectId:
        row = await cls.get_motor_collection().find_one(
            cls.owned(tenant, {"digest": digest}), {"_id": 1}
        )
        if row is None:
            raise NoFile(f"no attachment has the digest {digest}")
        id_: PydanticObjectId = row["_id"]
        return id_

    @classmethod
    async def due(cls, now: datetime, limit: int) -> list[Self]:
        """Those to look at, first due first."""
        cursor = (
            cls.get_motor_collection()
            .find({"checkAt": {"$lte": now}})
            .sort("checkAt", ASCENDING)
            .limit(limit)
        )
        return [cls.model_validate(row) async for row in cursor]

    # Moves. Each leaves the content as `due` found it, or does nothing: it was asked for since.

    async def leave(self) -> bool:
        """Look at it no more: a record names it."""
        moved = await self.move(
            self.id, leaving=self._as_found(), update={"$unset": {"checkAt": ""}}
        )
        return moved is not None

    async def withdraw(self) -> bool:
        """Let nobody find it any more; it is still to be discarded."""
        moved = await self.move(
            self.id, leaving=self._as_found(), update={"$unset": {"digest": ""}}
        )
        return moved is not None

    async def discard(self) -> None:
        """Remove one that nobody finds. Cut off in between, it is found again by its time."""
        await content.remove(AttachmentContent, self.id)
        await self.get_motor_collection().delete_one({"_id": self.id, "digest": None})

    async def _publish(self, digest: str) -> bool:
        """Let it be found; False when the tenant has the same from another by now."""
        try:
            moved = await self.move(
                self.id, leaving={"digest": None}, update={"$set": {"digest": digest}}
            )
        except DuplicateKeyError:
            return False
        return moved is not None

    def _as_found(self) -> Filter:
        return {"digest": self.digest, "checkAt": self.check_at}
