"""Parts of long lists, as the Relay Cursor Connections Specification has them.

https://relay.dev/graphql/connections.htm
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, StrictInt, StrictStr

from app.context import Caller
from app.documents import keyset
from app.documents.keyset import Listing, Position, Row
from app.errors import FieldError, InvalidInputError
from app.services.cursors import read_cursor, write_cursor
from app.services.inputs import Command

DEFAULT_SIZE = 50
LARGEST_SIZE = 200

Item = TypeVar("Item")


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


@dataclass(frozen=True)
class Edge(Generic[Item]):
    cursor: str
    node: Item


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


@dataclass(frozen=True)
class Source(Generic[Item]):
    """A list by its name, which its cursors carry, and how a row of it is shown."""

    name: str
    listing: Listing
    shown: Callable[[Row], Awaitable[Item]]


@dataclass(frozen=True)
class _Way:
    """One direction through a list: `start` is where it begins, `end` where it has to stop."""

    listing: Listing
    start: Position | None
    end: Position | None
    size: int


async def part_of(
    caller: Caller, source: Source[Item], command: PartCommand, *, wanted: bool = True
) -> Part[Item]:
    """Read a part of the caller's list; with `wanted` false no records, only what is beside them.

    Raises InvalidInputError for `first` with `last`, and for cursors that this list, in this
    order, did not give.
    """
    way = _way(caller, source, command)
    limit = way.size + 1
    rows = (
        await keyset.read(way.listing, caller.tenant, after=way.start, before=way.end, limit=limit)
        if wanted
        else []
    )
    more = len(rows) == limit
    shown = rows[: way.size]

    async def ahead() -> bool:
        return more or await _reaches(way.listing, caller, way.end)

    async def behind() -> bool:
        return await _reaches(way.listing.turned, caller, way.start)

    async def count() -> int:
        return await keyset.count(source.listing, caller.tenant)

    backward = command.last is not None
    edges = [await _edge(caller, source, row) for row in (shown[::-1] if backward else shown)]
    return Part(edges, *((behind, ahead) if backward else (ahead, behind)), count)


def _way(caller: Caller, source: Source[Item], command: PartCommand) -> _Way:
    if command.first is not None and command.last is not None:
        reason = "cannot be given together with first"
        raise InvalidInputError.of(FieldError("last", reason))
    names = {"after": command.after, "before": command.before}
    places: dict[str, Position | None] = dict.fromkeys(names)
    faults: list[FieldError] = []
    order = source.listing.order
    for name, cursor in names.items():
        try:
            if cursor is not None:
                places[name] = read_cursor(
                    cursor, name=source.name, tenant=caller.tenant, order=order
                )
        except ValueError as error:
            faults.append(FieldError(name, str(error)))
    if faults:
        raise InvalidInputError.of(*faults)
    if command.last is not None:
        return _Way(source.listing.turned, places["before"], places["after"], command.last)
    size = DEFAULT_SIZE if command.first is None else command.first
    return _Way(source.listing, places["after"], places["before"], size)


async def _reaches(listing: Listing, caller: Caller, position: Position | None) -> bool:
    return position is not None and await keyset.reaches(listing, caller.tenant, position)


async def _edge(caller: Caller, source: Source[Item], row: Mapping[str, Any]) -> Edge[Item]:
    position = source.listing.position(row)
    cursor = write_cursor(
        position, name=source.name, tenant=caller.tenant, order=source.listing.order
    )
    return Edge(cursor, await source.shown(dict(row)))
