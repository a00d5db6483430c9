"""Parts of the lists that each record of a kind has, for many records at once."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.context import Caller, Scope
from app.documents import keysets
from app.documents.base import TenantDocument
from app.documents.keyset import Listing, Row
from app.documents.outsourcing import OutsourcingDocument
from app.documents.views import as_document
from app.services.connections import Edge, PartCommand, Way, cursor_of, way_through

# Lists that one command reads; MongoDB ends a command at a thousand stages.
AT_A_TIME = 100


@dataclass(frozen=True)
class Family:
    """Lists by the keys of the records that have them; `listing` is told what is not read.

    Whoever reads them needs `scope`.
    """

    scope: Scope
    listing: Callable[[str, frozenset[str]], Listing[Any]]


@dataclass(frozen=True)
class Slice:
    """A part of one list; `more` when further records stand behind its end, as it was asked for.

    An error stands in place of a record whose body is lost.
    """

    edges: Sequence[Edge[TenantDocument | Exception]]
    more: bool


async def slices_of(
    caller: Caller,
    family: Family,
    keys: Collection[str],
    command: PartCommand,
    *,
    without: frozenset[str],
) -> dict[str, Slice]:
    """Read a part of each of these lists, without the stored fields `without`.

    Raises InvalidInputError as `connections.part_of` does.
    """
    ways = {key: _way(caller, family, key, command, without) for key in keys}
    backward = command.last is not None
    found: dict[str, Slice] = {}
    for chunk in _chunks(ways):
        first = next(iter(chunk.values()))
        limit = first.size + 1
        listings = {key: way.listing for key, way in chunk.items()}
        rows = await keysets.read_each(
            listings, caller.tenant, after=first.start, before=first.end, limit=limit
        )
        documents = await _documents(first.listing.document, rows)
        for key, of_list in rows.items():
            shown = of_list[: first.size]
            listing = chunk[key].listing.turned if backward else chunk[key].listing
            edges = [
                Edge(partial(cursor_of, caller, listing, row), documents[str(row["_id"])])
                for row in (shown[::-1] if backward else shown)
            ]
            found[key] = Slice(edges, more=len(of_list) == limit)
    return found


async def reached(
    caller: Caller, family: Family, keys: Collection[str], command: PartCommand, *, ahead: bool
) -> dict[str, bool]:
    """Tell whether records stand beyond the bounds of a part, `ahead` of it as it goes or behind.

    A part without that bound has none beyond it.
    """
    found: dict[str, bool] = dict.fromkeys(keys, False)
    ways = {key: _way(caller, family, key, command, frozenset()) for key in keys}
    for chunk in _chunks(ways):
        first = next(iter(chunk.values()))
        position = first.end if ahead else first.start
        if position is not None:
            listings = {
                key: way.listing if ahead else way.listing.turned for key, way in chunk.items()
            }
            found |= await keysets.reaches_each(listings, caller.tenant, position)
    return found


async def counts_of(caller: Caller, family: Family, keys: Collection[str]) -> dict[str, int]:
    """Count the records of each of these lists."""
    found: dict[str, int] = {}
    for chunk in _chunks({key: family.listing(key, frozenset()) for key in keys}):
        found |= await keysets.count_each(chunk, caller.tenant)
    return found


def _way(
    caller: Caller, family: Family, key: str, command: PartCommand, without: frozenset[str]
) -> Way:
    return way_through(caller, family.listing(key, without), command)


async def _documents(
    document: type[TenantDocument], rows: Mapping[str, Sequence[Row]]
) -> Mapping[str, TenantDocument | Exception]:
    documents: dict[str, Any] = {
        str(row["_id"]): as_document(document, row) for few in rows.values() for row in few
    }
    if issubclass(document, OutsourcingDocument):
        return await document.load_contents(documents)
    return documents


def _chunks(lists: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    items = list(lists.items())
    return [dict(items[at : at + AT_A_TIME]) for at in range(0, len(items), AT_A_TIME)]
