"""Parts of long lists, found by where the last one ended and not by counting what is skipped.

A part costs the same wherever it stands in a list, and what is added or removed meanwhile moves
nothing from one part into another.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from pymongo import ASCENDING, DESCENDING
from pymongo.collation import Collation

from app.documents.base import Filter, TenantDocument
from app.documents.fields import Kind
from app.documents.outsourcing import OutsourcingDocument
from app.documents.searching import SEARCH_TIME
from app.documents.views import as_document, aware, holds_no_times_within, projection_of
from app.documents.volume import all_counted

Document = TypeVar("Document", bound=TenantDocument)
Row = dict[str, Any]
# The values of a record under the keys of an order.
Position = tuple[Any, ...]


@dataclass(frozen=True)
class Key:
    """A field that orders a list, and what stands in it; `nullable` when a record may lack it.

    As for MongoDB, what is missing is less than everything. No two records of a list have the same
    in a `unique` one.
    """

    path: str
    kind: Kind
    ascending: bool = True
    nullable: bool = False
    unique: bool = False

    def directed(self, ascending: bool) -> "Key":
        return replace(self, ascending=ascending)

    @property
    def turned(self) -> "Key":
        return self.directed(not self.ascending)

    def reached(self, value: Any) -> Filter:
        """Select what stands at `value` or behind it, and perhaps more, by one range."""
        if self.ascending:
            return {} if value is None else {"$gte": value}
        if value is None:
            return {"$eq": None}
        return {"$not": {"$gt": value}} if self.nullable else {"$lte": value}

    def beyond(self, value: Any) -> list[Filter]:
        """Select what comes behind `value` by this field alone."""
        if value is None:
            return [{"$ne": None}] if self.ascending else []
        if self.ascending:
            return [{"$gt": value}]
        return [{"$lt": value}, {"$eq": None}] if self.nullable else [{"$lt": value}]


# No two records of a list have the same values under all of its keys.
Order = Sequence[Key]
ID = Key("_id", Kind.ID, unique=True)


@dataclass(frozen=True)
class Listing(Generic[Document]):
    """A list of a tenant's records of one kind, in order; `hidden` fields are not read."""

    document: type[Document]
    order: Order
    criteria: Filter
    collation: Collation | None = None
    hidden: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return self.document.__name__

    def position(self, row: Mapping[str, Any]) -> Position:
        values = [row.get(key.path) for key in self.order]
        return tuple(aware(one) if isinstance(one, datetime) else one for one in values)

    @property
    def turned(self) -> "Listing[Document]":
        return replace(self, order=[key.turned for key in self.order])


async def read(
    listing: Listing[Any],
    tenant: str,
    *,
    after: Position | None,
    before: Position | None,
    limit: int,
) -> list[Row]:
    """Read the first records behind `after` that stand before `before`, in order."""
    stages = pipelines(listing, tenant, after=after, before=before, limit=limit)
    return await _rows(listing, stages, limit)


async def shown(listing: Listing[Document], rows: Sequence[Row]) -> list[Document]:
    """Make records of rows, with bodies that stand elsewhere. Raises NoFile for one that is lost.

    With `contentId` hidden, bodies are not fetched.
    """
    records: list[Any] = [as_document(listing.document, row) for row in rows]
    if issubclass(listing.document, OutsourcingDocument) and "contentId" not in listing.hidden:
        lacking = {str(place): record for place, record in enumerate(records) if record.content_id}
        for found in (await listing.document.load_contents(lacking)).values():
            if isinstance(found, Exception):
                raise found
    return records


async def reaches(listing: Listing[Any], tenant: str, position: Position) -> bool:
    """Tell whether a record stands at `position` or behind it."""
    return bool(await _rows(listing, reaching(listing, tenant, position), 1))


async def count(listing: Listing[Any], tenant: str) -> int:
    """How many records the list has."""
    counted: int = await listing.document.get_motor_collection().count_documents(
        listing.document.owned(tenant, listing.criteria), **options(listing)
    )
    return counted


def reaching(listing: Listing[Any], tenant: str, position: Position) -> list[list[Filter]]:
    """What reads one record that stands at `position` or behind it, if there is any."""
    order = listing.order
    at = {key.path: {"$eq": value} for key, value in zip(order, position, strict=True)}
    return [
        list(_stages(listing, tenant, [listing.criteria, branch], 1, {"_id": 1}))
        for branch in (at, *_branches(order, position))
    ]


def _branches(order: Order, position: Position) -> list[Filter]:
    """Select what stands behind `position`, in parts that follow each other in order.

    Each says of some keys what they equal, and of the next one more: MongoDB then reads an index
    from that place on. Of one `$or` it makes a scan with a sort behind it.
    """
    branches: list[Filter] = []
    for number in reversed(range(len(order))):
        same = {key.path: {"$eq": position[at]} for at, key in enumerate(order[:number])}
        key = order[number]
        branches += [{**same, key.path: far} for far in key.beyond(position[number])]
    return branches


def _behind(order: Order, position: Position) -> Filter:
    """Select all of it at once, to bound a part that begins elsewhere."""
    behind: Filter = {"$or": _branches(order, position)}
    # Without it MongoDB reads on beyond the bound.
    reached = order[0].reached(position[0])
    return {"$and": [{order[0].path: reached}, behind]} if reached else behind


def pipelines(
    listing: Listing[Any],
    tenant: str,
    *,
    after: Position | None,
    before: Position | None,
    limit: int,
) -> list[list[Filter]]:
    """What reads a part, to be run one behind the other."""
    bound = {} if before is None else _behind(listing.turned.order, before)
    branches: list[Filter] = [{}] if after is None else _branches(listing.order, after)
    shown = _shown(listing)
    return [
        list(_stages(listing, tenant, [listing.criteria, branch, bound], limit, shown))
        for branch in branches
    ]


def _shown(listing: Listing[Any]) -> Mapping[str, int]:
    """Name what is read of each record, where something is hidden: the rest that is known of it."""
    if not listing.hidden:
        return {}
    rest = projection_of(listing.document, listing.hidden)
    return {**rest, **dict.fromkeys([key.path for key in listing.order], 1)}


async def _rows(
    listing: Listing[Any], pipelines: Sequence[Sequence[Filter]], limit: int
) -> list[Row]:
    """Read them one behind the other, by one command."""
    collection = _collection(listing)
    first, *further = pipelines
    united = [{"$unionWith": {"coll": collection.name, "pipeline": stages}} for stages in further]
    cursor = collection.aggregate(
        [*first, *united, {"$limit": limit}], batchSize=limit + 1, **options(listing)
    )
    return all_counted(await cursor.to_list(None))


def _collection(listing: Listing[Any]) -> Any:
    """Give where a list stands; its times are read without their zone where views add that.

    With zones, half of the time to read a row goes into those of its times.
    """
    document = listing.document
    collection = document.get_motor_collection()
    if not listing.hidden or not holds_no_times_within(document, listing.hidden):
        return collection
    known, zoneless = _ZONELESS.get(document, (None, None))
    if known is not collection:
        codec = collection.codec_options.with_options(tz_aware=False)
        zoneless = collection.with_options(codec_options=codec)
        _ZONELESS[document] = (collection, zoneless)
    return zoneless


# By document, for the collection that it has.
_ZONELESS: dict[type[TenantDocument], tuple[Any, Any]] = {}


def _stages(
    listing: Listing[Any],
    tenant: str,
    parts: Sequence[Filter],
    limit: int,
    shown: Mapping[str, int],
) -> Iterator[Filter]:
    given = [part for part in parts if part]
    criteria: Filter = {"$and": given} if given else {}
    yield {"$match": listing.document.owned(tenant, criteria)}
    # What is the same in all of them would keep MongoDB from reading in an index's order.
    same = {path for part in given for path, asked in part.items() if _is_one(asked)}
    sort = {
        key.path: ASCENDING if key.ascending else DESCENDING
        for key in listing.order
        if key.path not in same
    }
    if sort:
        yield {"$sort": sort}
    yield {"$limit": limit}
    if shown:
        yield {"$project": dict(shown)}


def options(listing: Listing[Any]) -> dict[str, Any]:
    """What all commands about a list are given."""
    collation = {} if listing.collation is None else {"collation": listing.collation}
    return {**SEARCH_TIME.of_command(), **collation}


def _is_one(asked: Any) -> bool:
    return isinstance(asked, Mapping) and "$eq" in asked
