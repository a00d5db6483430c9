"""Counting what is flagged, and counting all of a tenant's records anew."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from beanie import PydanticObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import DESCENDING, ReturnDocument, UpdateOne

from app.documents.base import Filter, TenantDocument
from app.documents.communication_indexes import FLAG, UNCOUNTED
from app.documents.communications import Communication
from app.documents.totals.cells import Ledger, Total
from app.documents.totals.fates import SHAPE, Cell, Fate, Row, differences
from app.documents.transactions import together
from app.documents.vocabulary import CommunicationStatus

# What one transaction counts: MongoDB holds all that it writes in its cache until its end.
AT_ONCE = 100


async def tenants_with_uncounted() -> list[str]:
    """Tell whose records are flagged."""
    found: list[str] = await Communication.get_motor_collection().distinct("tenantId", FLAG)
    return found


async def count(
    tenant: str, *, now: datetime, ids: Sequence[PydanticObjectId] | None = None
) -> int:
    """Count some of a tenant's flagged records, or those of these ids; how many that were.

    None are where its records were never counted as a whole: that counts these too.
    """
    among: Filter = FLAG if ids is None else {**FLAG, "_id": {"$in": list(ids)}}
    # Deleted ones too: they count no longer.
    stages: list[Filter] = [{"$match": TenantDocument.owned(tenant, among)}, {"$limit": AT_ONCE}]
    hint = UNCOUNTED if ids is None else None
    return len(await _counted(tenant, stages, now=now, hint=hint))


async def tenants_not_whole() -> list[str]:
    """Tell whose records were never counted as a whole, or are not yet again."""
    whole = await Ledger.get_motor_collection().distinct("tenantId", {"whole": True})
    return sorted({*await tenants()} - {*whole})


async def tenants() -> list[str]:
    """Tell who has records."""
    found: list[str] = await Communication.get_motor_collection().distinct("tenantId")
    return sorted(found)


async def begin(tenant: str, *, now: datetime) -> Ledger:
    """Begin totals anew: none of the tenant's records are counted in these."""
    row = await Ledger.get_motor_collection().find_one_and_update(
        Ledger.owned(tenant, {}),
        {
            "$inc": {"epoch": 1},
            "$set": {"whole": False},
            "$unset": {"reached": ""},
            "$setOnInsert": {"created": now},
        },
        upsert=True,
        return_document=ReturnDocument.AFTER,
    )
    ledger: Ledger = Ledger.model_validate(row)
    return ledger


async def of_tenant(tenant: str) -> Ledger | None:
    """Tell how far a tenant's records are counted."""
    row = await Ledger.get_motor_collection().find_one(Ledger.owned(tenant, {}))
    return None if row is None else Ledger.model_validate(row)


async def go_on(ledger: Ledger, *, now: datetime) -> AsyncIterator[int]:
    """Count all records of a tenant that are not counted in these totals, and say so at the end.

    Tells after each part how many it had. It may be ended at any time and gone on with.
    """
    await _remove_earlier(ledger)
    reached = ledger.reached
    while rows := await _counted(
        ledger.tenant_id, _not_counted(ledger, reached), now=now, epoch=ledger.epoch
    ):
        reached = rows[-1]["created"]
        yield len(rows)
        if not await _note(ledger, {"reached": reached}):
            return
    await _note(ledger, {"whole": True})
    await _remove_earlier(ledger)


def _not_counted(ledger: Ledger, reached: datetime | None) -> list[Filter]:
    # Neighbours share their totals, and stand beside each other.
    criteria = {
        "counted.epoch": {"$ne": ledger.epoch},
        "$or": [{"sentAt": {"$ne": None}}, {"status": CommunicationStatus.FAILED}],
        **({} if reached is None else {"created": {"$lte": reached}}),
    }
    return [
        {"$match": Communication.owned(ledger.tenant_id, criteria)},
        {"$sort": {"created": DESCENDING, "_id": DESCENDING}},
        {"$limit": AT_ONCE},
    ]


async def _note(ledger: Ledger, changes: Mapping[str, Any]) -> bool:
    """Write down how far it came; False when totals were begun anew meanwhile."""
    noted = await Ledger.move(ledger.id, leaving={"epoch": ledger.epoch}, update={"$set": changes})
    return noted is not None


async def _remove_earlier(ledger: Ledger) -> None:
    earlier = Total.owned(ledger.tenant_id, {"epoch": {"$lt": ledger.epoch}})
    await Total.get_motor_collection().delete_many(earlier)


async def _counted(
    tenant: str,
    stages: Sequence[Filter],
    *,
    now: datetime,
    epoch: int | None = None,
    hint: Any = None,
) -> Sequence[Row]:
    """Count the records that these stages give, none when totals were begun after `epoch`."""
    moves = partial(_count, tenant=tenant, stages=stages, now=now, since=epoch, hint=hint)
    return await together(Communication, moves) or []


async def _count(
    session: AsyncIOMotorClientSession,
    *,
    tenant: str,
    stages: Sequence[Filter],
    now: datetime,
    since: int | None,
    hint: Any,
) -> Sequence[Row]:
    ledger = await Ledger.get_motor_collection().find_one(Ledger.owned(tenant, {}), session=session)
    if ledger is None or since not in {None, ledger["epoch"]}:
        return []
    epoch = ledger["epoch"]
    options = {} if hint is None else {"hint": dict(hint)}
    rows: list[Row] = (
        await Communication.get_motor_collection()
        .aggregate(
            [*stages, {"$project": {**SHAPE, "created": 1}}],
            batchSize=AT_ONCE + 1,
            session=session,
            **options,
        )
        .to_list(None)
    )
    if not rows:
        return []
    changes = [(Fate.counted(row, epoch), Fate.of(row)) for row in rows]
    marks = [
        UpdateOne(
            {"_id": row["_id"]},
            {"$set": {"counted": after.stored(epoch)}, "$unset": dict.fromkeys(FLAG, "")},
        )
        for row, (_, after) in zip(rows, changes, strict=True)
    ]
    await Communication.get_motor_collection().bulk_write(marks, ordered=False, session=session)
    writes = [
        _add(tenant, epoch, cell, counter, now) for cell, counter in differences(changes).items()
    ]
    if writes:
        await Total.get_motor_collection().bulk_write(writes, ordered=False, session=session)
    return rows


def _add(tenant: str, epoch: int, cell: Cell, counter: Counter[str], now: datetime) -> UpdateOne:
    key = Total.owned(tenant, {"epoch": epoch, **cell._asdict()})
    return UpdateOne(
        key,
        {"$inc": dict(counter), "$setOnInsert": {"_id": PydanticObjectId(), "created": now}},
        upsert=True,
    )
