"""Fields that lead from one record to others; those of a whole list are loaded together."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import strawberry

from app.documents.base import TenantDocument
from app.services.connections import Part, PartCommand
from app.services.families import Family, Slice
from app.services.inputs import parse
from graphql_schema.connections import After, Before, Last, connection_of, needs_of
from graphql_schema.context import Info
from graphql_schema.limits import ListSize
from graphql_schema.resolvers import families as resolvers
from graphql_schema.selections import unasked
from graphql_schema.types.nodes import KINDS

NESTED_SIZE = 20
First = Annotated[
    int | None,
    strawberry.argument(
        description="How many from the start, or behind `after`: 0 to 200; 20 without `last`."
    ),
]


def to_one(document: type[TenantDocument], key: str, description: str) -> Any:
    """Make a field that shows the document whose id stands in the attribute `key`.

    It is null where there is none, or it is gone.
    """

    async def resolve(root: Any, info: Info) -> Any:
        id_ = getattr(root, key)
        return None if id_ is None else await record(info, document, str(id_))

    return strawberry.field(resolver=resolve, description=description)


async def record(
    info: Info, document: type[TenantDocument], id_: str, paths: Sequence[Sequence[str]] = ((),)
) -> Any:
    """Show the caller's document with this id, None when there is none.

    `paths` are where it is shown below the field that is worked out (`selections.chosen_names`).
    """
    kind, without = KINDS[document], unasked_of(info, document, paths)
    found = await info.context.loaders.load(kind.find, id_, without=without)
    return None if found is None else kind.show(found)


def unasked_of(
    info: Info, document: type[TenantDocument], paths: Sequence[Sequence[str]] = ((),)
) -> frozenset[str]:
    """Give the stored fields that need not be read of a document that is shown at all `paths`."""

    def work() -> frozenset[str]:
        return frozenset.intersection(
            *(unasked(info, KINDS[document].heavy, *path) for path in paths)
        )

    found: frozenset[str] = info.context.once_of(info, (unasked_of, document, *paths), work)
    return found


def to_many(family: Family, document: type[TenantDocument], description: str) -> Any:
    """Make a field that shows, of a record's list, the part that is asked for."""

    async def resolve(  # noqa: PLR0917 - GraphQL gives arguments by name
        root: Any,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        command = part_command(first=first, after=after, last=last, before=before)
        return await list_of(info, root.id, family, document, command)

    sized = ListSize(assumed_size=NESTED_SIZE)
    return strawberry.field(resolver=resolve, description=description, directives=[sized])


async def list_of(
    info: Info, key: str, family: Family, document: type[TenantDocument], command: PartCommand
) -> Any:
    """Show the part of the list that the record with the id `key` has."""
    part = await _part(info, key, family, document, command)
    return connection_of(part, KINDS[document].show)


def part_command(
    *,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
) -> PartCommand:
    """Read the arguments of a nested connection. Raises InvalidInputError."""
    size = NESTED_SIZE if first is None and last is None else first
    asked = {"first": size, "after": after, "last": last, "before": before}
    return parse(PartCommand, asked)


async def _part(
    info: Info, key: str, family: Family, document: type[TenantDocument], command: PartCommand
) -> Part[Any]:
    """Load the part with those of other records, and so what is asked for beside it."""
    load, needs = info.context.loaders.load, needs_of(info, KINDS[document].heavy)
    found: Slice | None = None
    if needs.nodes:
        found = await load(resolvers.slices_of, key, family, command, without=needs.without)
    edges, more = ([], False) if found is None else (found.edges, found.more)

    async def beyond(*, ahead: bool) -> bool:
        if ahead and more:
            return True
        return bool(await load(resolvers.reached, key, family, command, ahead=ahead))

    async def count() -> int:
        return await load(resolvers.counts_of, key, family) or 0

    forward, backward = partial(beyond, ahead=True), partial(beyond, ahead=False)
    if command.last is not None:
        forward, backward = backward, forward
    return Part(edges, has_next=forward, has_previous=backward, count=count)
