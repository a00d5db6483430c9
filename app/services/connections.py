"""Parts of long lists, as the Relay Cursor Connections Specification has them.

https://relay.dev/graphql/connections.htm
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

from pydantic import AfterValidator, Field, StrictInt, StrictStr

from app.context import Caller
from app.documents import keyset
from app.documents.base import Filter, TenantDocument
from app.documents.catalogues import Catalogue
from app.documents.criteria import selecting
from app.documents.keyset import Listing, Position, Row
from app.documents.vocabulary import OrderDirection
from app.errors import FieldError, InvalidInputError
from app.services.cursors import read_cursor, write_cursor
from app.services.expressions import read_expression
from app.services.inputs import Command

DEFAULT_SIZE = 50
LARGEST_SIZE = 200
ORDERS_LIMIT = 3

Item = TypeVar("Item")
Other = TypeVar("Other")
Document = TypeVar("Document", bound=TenantDocument)


def _in_bounds(size: int) -> int:
    if not 0 <= size <= LARGEST_SIZE:
        raise ValueError(f"must be 0 to {LARGEST_SIZE}")
    return size


Size = Annotated[StrictInt, AfterValidator(_in_bounds)]


class PartCommand(Command):
    """Which part: `first` so many behind `after`, or the `last` so many before `before`.

    Without either it is the first 50. Both bounds may be given with either.
    """

    first: Size | None = None
    after: StrictStr | None = None
    last: Size | None = None
    before: StrictStr | None = None


class OrderBy(Command):
    field: str
    direction: OrderDirection


class ListCommand(PartCommand):
    """Which part of which list: `filter` is what `expressions.read_expression` reads."""

    filter: dict[str, Any] | None = None
    order_by: Annotated[list[OrderBy], Field(max_length=ORDERS_LIMIT)] | None = None


@dataclass(frozen=True)
class Needs:
    """What an answer shows: the stored fields `without` are left empty; `nodes` whether any are."""

    without: frozenset[str] = frozenset()
    nodes: bool = True


EVERYTHING = Needs()


class Edge(NamedTuple, Generic[Item]):
    """An item of a list; its cursor is written when it is asked for."""

    write_cursor: Callable[[], str]
    node: Item

    @property
    def cursor(self) -> str:
        return self.write_cursor()

    def showing(self, node: Other) -> "Edge[Other]":
        """Give the same place with something else in it."""
        return Edge(self.write_cursor, node)


@dataclass(frozen=True)
class Part(Generic[Item]):
    """A part of a list, in the list's order whichever way it was asked for.

    What is more than that is asked of MongoDB only when it is called for: `has_next` and
    `has_previous` tell whether records stand behind it and before it, `count` how many the whole
    list has.
    """

    edges: Sequence[Edge[Item]]
    has_next: Callable[[], Awaitable[bool]]
    has_previous: Callable[[], Awaitable[bool]]
    count: Callable[[], Awaitable[int]]

    @property
    def nodes(self) -> list[Item]:
        return [edge.node for edge in self.edges]


@dataclass(frozen=True)
class Way:
    """One direction through a list: `start` is where it begins, `end` where it has to stop."""

    listing: Listing[Any]
    start: Position | None
    end: Position | None
    size: int


async def listed(
    caller: Caller,
    catalogue: Catalogue[Document],
    command: ListCommand,
    needs: Needs = EVERYTHING,
    *,
    within: Filter | None = None,
) -> Part[Document]:
    """Give a part of the caller's records of a kind that match, in the order that is asked for.

    `within` bounds the list beside the filter. Raises InvalidInputError for a filter, an order or
    a cursor that is not allowed.
    """
    criteria = selecting(read_expression(catalogue.fields, command.filter or {}))
    order = _order(catalogue, command.order_by or ())
    parts = [part for part in (within, criteria) if part]
    listing = catalogue.listing({"$and": parts} if parts else {}, order, without=needs.without)
    return await part_of(caller, listing, command, wanted=needs.nodes)


def _order(catalogue: Catalogue[Any], named: Sequence[OrderBy]) -> list[tuple[str, bool]]:
    """Read each field once; the first that names it holds, as further ones change nothing."""
    order: dict[str, bool] = {}
    for number, one in enumerate(named):
        if one.field not in catalogue.keys:
            reason = f"is no field to order by; allowed are {', '.join(catalogue.keys)}"
            raise InvalidInputError.of(FieldError(f"orderBy[{number}].field", reason))
        order.setdefault(one.field, one.direction is OrderDirection.ASC)
    return list(order.items())


async def part_of(
    caller: Caller, listing: Listing[Document], command: PartCommand, *, wanted: bool = True
) -> Part[Document]:
    """Read a part of the caller's list; with `wanted` false no records, only what is beside them.

    Raises InvalidInputError for `first` with `last`, and for cursors that this list, in this
    order, did not give.
    """
    return await part_by(keyset, caller, listing, command, wanted=wanted)


async def part_by(
    reader: ModuleType, caller: Caller, listing: Any, command: PartCommand, *, wanted: bool = True
) -> Part[Any]:
    """As `part_of`, for the list of a module that reads its lists as `keyset` does."""
    way = way_through(caller, listing, command)
    limit = way.size + 1
    rows: list[Row] = []
    if wanted:
        rows = await reader.read(
            way.listing, caller.tenant, after=way.start, before=way.end, limit=limit
        )
    more = len(rows) == limit
    backward = command.last is not None
    shown = rows[: way.size][::-1] if backward else rows[: way.size]

    async def ahead() -> bool:
        return more or await _reaches(reader, way.listing, caller, way.end)

    async def behind() -> bool:
        return await _reaches(reader, way.listing.turned, caller, way.start)

    async def count() -> int:
        counted: int = await reader.count(listing, caller.tenant)
        return counted

    records = await reader.shown(listing, shown)
    edges = [
        Edge(partial(cursor_of, caller, listing, row), record)
        for row, record in zip(shown, records, strict=True)
    ]
    return Part(edges, *((behind, ahead) if backward else (ahead, behind)), count)


def way_through(caller: Caller, listing: Listing[Any], command: PartCommand) -> Way:
    """Read which way a part is asked for. Raises InvalidInputError as `part_of` does."""
    if command.first is not None and command.last is not None:
        reason = "cannot be given together with first"
        raise InvalidInputError.of(FieldError("last", reason))
    after, before = _places(caller, listing, after=command.after, before=command.before)
    if command.last is not None:
        return Way(listing.turned, before, after, command.last)
    size = DEFAULT_SIZE if command.first is None else command.first
    return Way(listing, after, before, size)


def _places(caller: Caller, listing: Listing[Any], **cursors: str | None) -> list[Position | None]:
    places: list[Position | None] = []
    faults: list[FieldError] = []
    for name, cursor in cursors.items():
        try:
            places.append(
                None
                if cursor is None
                else read_cursor(
                    cursor, name=listing.name, tenant=caller.tenant, order=listing.order
                )
            )
        except ValueError as error:
            faults.append(FieldError(name, str(error)))
    if faults:
        raise InvalidInputError.of(*faults)
    return places


async def _reaches(
    reader: ModuleType, listing: Any, caller: Caller, position: Position | None
) -> bool:
    return position is not None and await reader.reaches(listing, caller.tenant, position)


def cursor_of(caller: Caller, listing: Listing[Any], row: Row) -> str:
    position = listing.position(row)
    return write_cursor(position, name=listing.name, tenant=caller.tenant, order=listing.order)
