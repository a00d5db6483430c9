from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Self

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, IndexModel
from pymongo.errors import BulkWriteError, DuplicateKeyError

from app.documents.base import TenantDocument, object_id_of, write_faults
from app.documents.vocabulary import EventSource, EventVerdict


class ProviderEvent(TenantDocument):
    """What a provider told, as it came, and what came of it.

    `event_id` is the provider's, which makes it one however often it is told. `kind` is the
    provider's word for what happened. `raw` is what came. `inbound_id` is the received message
    that a report is, or that a notification led to. `due_at` is when anyone may take it next,
    absent once it has its verdict; `reason` says why nothing moved.
    """

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    source: EventSource
    account_id: PydanticObjectId | None = None
    event_id: str
    kind: str | None = None
    raw: bytes = b""
    inbound_id: PydanticObjectId | None = None
    verdict: EventVerdict | None = None
    reason: str | None = None
    delivery_id: PydanticObjectId | None = None
    communication_id: PydanticObjectId | None = None
    settled_at: datetime | None = None
    due_at: datetime | None = None
    claims: int = 0
    faults: int = 0
    expires: datetime

    class Settings:
        name = "providerEvents"
        keep_nulls = False
        indexes: ClassVar = [
            IndexModel(
                [
                    ("tenantId", ASCENDING),
                    ("source", ASCENDING),
                    ("accountId", ASCENDING),
                    ("eventId", ASCENDING),
                ],
                unique=True,
            ),
            # Sparse: its size, and so the sweep's cost, follows what is unsettled.
            IndexModel([("dueAt", ASCENDING)], sparse=True),
            IndexModel([("deliveryId", ASCENDING)], sparse=True),
            IndexModel([("expires", ASCENDING)], expireAfterSeconds=0),
        ]

    async def store_once(self) -> bool:
        """Insert; False when it was told before."""
        try:
            await self.insert()
        except DuplicateKeyError:
            return False
        return True

    @classmethod
    async def store_new(cls, events: Sequence[Self]) -> list[Self]:
        """Insert those that were not told before, in one call; gives them."""
        if not events:
            return []
        rows = [event.model_dump(by_alias=True, exclude_none=True) for event in events]
        known: set[int] = set()
        try:
            await cls.get_motor_collection().insert_many(rows, ordered=False)
        except BulkWriteError as error:
            faults = write_faults(error)
            if not all(faults.values()):
                raise
            known = set(faults)
        return [event for index, event in enumerate(events) if index not in known]

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
    async def waiting_for(cls, delivery_id: PydanticObjectId, now: datetime) -> list[Self]:
        """Make due what waits for this delivery to be settled, and give it."""
        waiting = {"deliveryId": delivery_id, "verdict": None}
        await cls.get_motor_collection().update_many(waiting, {"$set": {"dueAt": now}})
        cursor = cls.get_motor_collection().find(waiting)
        return [cls.model_validate(row) async for row in cursor]

    # Moves.

    @classmethod
    async def claim(cls, id_: str, *, now: datetime, until: datetime) -> Self | None:
        """Take it until `until`; None when it has its verdict, is not due, or held."""
        object_id = object_id_of(id_)
        if object_id is None:
            return None
        return await cls.move(
            object_id,
            leaving={"verdict": None, "dueAt": {"$lte": now}},
            update={"$set": {"dueAt": until}, "$inc": {"claims": 1}},
        )

    async def wait(
        self, due_at: datetime, *, delivery_id: PydanticObjectId | None = None, faults: int = 0
    ) -> Self | None:
        """Give it back until `due_at`: for its delivery to be settled, or after a fault."""
        changes: dict[str, Any] = {"dueAt": due_at}
        if delivery_id is not None:
            changes["deliveryId"] = delivery_id
        return await self.move(
            self.id,
            leaving={"verdict": None, "claims": self.claims},
            update={"$set": changes, "$inc": {"faults": faults}},
        )

    async def settle(
        self,
        verdict: EventVerdict,
        *,
        now: datetime,
        reason: str | None = None,
        delivery_id: PydanticObjectId | None = None,
        communication_id: PydanticObjectId | None = None,
    ) -> Self | None:
        """Write down what came of it; None when that stands already."""
        changes = {
            "verdict": verdict,
            "reason": reason,
            "deliveryId": delivery_id,
            "communicationId": communication_id,
            "settledAt": now,
            "inboundId": self.inbound_id,
        }
        return await self.move(
            self.id,
            leaving={"verdict": None},
            update={
                "$set": {name: value for name, value in changes.items() if value is not None},
                "$unset": {"dueAt": ""},
            },
        )
