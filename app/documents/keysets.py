"""Parts of many lists of one kind and order at once, as `keyset` reads one."""

from collections.abc import Mapping
from typing import Any

from app.documents.base import Filter
from app.documents.keyset import Listing, Position, Row, options, pipelines, reaching
from app.documents.volume import counted

# The key of the list that a row is of.
_OF = "ofList"
# Rows in one answer; MongoDB gives 101 at first otherwise.
_BATCH = 10_000


async def read_each(
    listings: Mapping[str, Listing[Any]],
    tenant: str,
    *,
    after: Position | None,
    before: Position | None,
    limit: int,
) -> dict[str, list[Row]]:
    """As `read`, of several lists of one kind and order in one call, by their keys."""
    read = {
        key: pipelines(listing, tenant, after=after, before=before, limit=limit)
        for key, listing in listings.items()
    }
    return {key: rows[:limit] for key, rows in (await _each(listings, read)).items()}


async def reaches_each(
    listings: Mapping[str, Listing[Any]], tenant: str, position: Position
) -> dict[str, bool]:
    """As `reaches`, of several lists of one kind and order in one call, by their keys."""
    looks = {key: reaching(listing, tenant, position) for key, listing in listings.items()}
    return {key: bool(rows) for key, rows in (await _each(listings, looks)).items()}


async def count_each(listings: Mapping[str, Listing[Any]], tenant: str) -> dict[str, int]:
    """As `count`, of several lists of one kind in one call, by their keys."""
    counts: dict[str, list[list[Filter]]] = {
        key: [[{"$match": one.document.owned(tenant, one.criteria)}, {"$count": "count"}]]
        for key, one in listings.items()
    }
    found = await _each(listings, counts)
    return {key: rows[0]["count"] if rows else 0 for key, rows in found.items()}


async def _each(
    listings: Mapping[str, Listing[Any]], branches: Mapping[str, list[list[Filter]]]
) -> dict[str, list[Row]]:
    """Read what these pipelines give, one behind the other; by the keys of their lists."""
    rows: dict[str, list[Row]] = {key: [] for key in listings}
    tagged = [
        [*stages, {"$set": {_OF: {"$literal": key}}}]
        for key, several in branches.items()
        for stages in several
    ]
    if not tagged:
        return rows
    listing = next(iter(listings.values()))
    collection = listing.document.get_motor_collection()
    first, *further = tagged
    united = [{"$unionWith": {"coll": collection.name, "pipeline": stages}} for stages in further]
    cursor = collection.aggregate([*first, *united], batchSize=_BATCH, **options(listing))
    async for row in cursor:
        rows[row.pop(_OF)].append(counted(row))
    return rows
