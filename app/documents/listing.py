"""Lists of communications, as the rows in which they are stored: models cost too much here.

Every row is whole: bodies kept in GridFS are filled in, one row at a time.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from beanie import PydanticObjectId
from pymongo import ASCENDING, DESCENDING

from app.documents import content
from app.documents.base import Filter, object_id_of
from app.documents.communications import Communication
from app.documents.fields import Field
from app.documents.searching import SEARCH_TIME
from app.documents.volume import counted

Row = dict[str, Any]
Order = Sequence[tuple[Field, bool]]

# What is never shown, and long.
_UNSEEN = {"searchText": 0}
# Rows asked for at a time: it bounds what a stream holds in memory.
_BATCH = 200
# These are held all at once, whatever their size.
_IDS_AT_A_TIME = 50
# MongoDB reads every record that it skips, but no record to skip ids, which stand in the index:
# 50,000 of them are 375 ms or 20 ms.
_NEAR = 1000
_NEWEST_FIRST = (("created", DESCENDING), ("_id", DESCENDING))


async def page(tenant: str, criteria: Filter, order: Order, *, skip: int, limit: int) -> list[Row]:
    """Read a part of what matches; `order` says which fields ascend, newest first behind them."""
    if skip < _NEAR:
        rows = stream(tenant, criteria, order, skip=skip, limit=limit)
        return [counted(row) async for row in rows]
    ids = await _ids(tenant, criteria, order, skip=skip, limit=limit)
    return [counted(row) async for row in _of_ids(tenant, ids)]


async def count(tenant: str, criteria: Filter) -> int:
    """How many of the tenant's records match."""
    owned = Communication.owned(tenant, criteria)
    counted: int = await Communication.get_motor_collection().count_documents(
        owned, **SEARCH_TIME.of_command()
    )
    return counted


async def stream(
    tenant: str, criteria: Filter, order: Order, *, skip: int = 0, limit: int = 0
) -> AsyncIterator[Row]:
    """Give what matches row by row, in constant memory; a `limit` of 0 is none.

    Raises gridfs.NoFile for a record whose body is lost.
    """
    cursor = (
        Communication.get_motor_collection()
        .find(
            Communication.owned(tenant, criteria),
            _UNSEEN,
            batch_size=_BATCH,
            **SEARCH_TIME.of_find(),
        )
        .sort(_keys(order))
        .skip(skip)
        .limit(limit)
    )
    try:
        async for batch in _batches(cursor):
            for row in batch:
                yield row if row.get("contentId") is None else await whole(row)
    finally:
        await cursor.close()


async def _batches(cursor: Any) -> AsyncIterator[list[Row]]:
    """Give the rows in batches; MongoDB reads the next while one is worked on."""
    coming = asyncio.ensure_future(cursor.to_list(_BATCH))
    try:
        while batch := await coming:
            if len(batch) == _BATCH:
                coming = asyncio.ensure_future(cursor.to_list(_BATCH))
            yield batch
            if len(batch) < _BATCH:
                return
    finally:
        # A cursor must not be closed while it is asked.
        await asyncio.wait({coming})


async def by_ids(tenant: str, ids: Sequence[str]) -> AsyncIterator[Row]:
    """Give the tenant's records with these ids, in their order, each once; others are left out."""
    wanted = list(dict.fromkeys(id_ for text in ids if (id_ := object_id_of(text)) is not None))
    async for row in _of_ids(tenant, wanted):
        yield row


async def _ids(
    tenant: str, criteria: Filter, order: Order, *, skip: int, limit: int
) -> list[PydanticObjectId]:
    cursor = (
        Communication.get_motor_collection()
        .find(Communication.owned(tenant, criteria), {"_id": 1}, **SEARCH_TIME.of_find())
        .sort(_keys(order))
        .skip(skip)
        .limit(limit)
    )
    return [row["_id"] async for row in cursor]


async def _of_ids(tenant: str, ids: list[PydanticObjectId]) -> AsyncIterator[Row]:
    for start in range(0, len(ids), _IDS_AT_A_TIME):
        chunk = ids[start : start + _IDS_AT_A_TIME]
        found = await _found(tenant, chunk)
        for id_ in chunk:
            if id_ in found:
                yield await whole(found[id_])


async def _found(tenant: str, ids: list[PydanticObjectId]) -> Mapping[PydanticObjectId, Row]:
    cursor = Communication.get_motor_collection().find(
        Communication.owned(tenant, {"_id": {"$in": ids}}), _UNSEEN
    )
    return {row["_id"]: row async for row in cursor}


def _keys(order: Order) -> list[tuple[str, int]]:
    """Each path once; the last one is unique, so that pages neither repeat nor lose a row."""
    keys = {field.path: ASCENDING if ascending else DESCENDING for field, ascending in order}
    for path, direction in _NEWEST_FIRST:
        keys.setdefault(path, direction)
    return list(keys.items())


async def whole(row: Row) -> Row:
    """Fill in bodies kept in GridFS. Raises gridfs.NoFile for a record whose body is lost."""
    if row.get("contentId") is not None and not row.get("body"):
        stored = await content.get(Communication, row["contentId"])
        row["body"], row["originalBody"] = json.loads(stored)
    return row
