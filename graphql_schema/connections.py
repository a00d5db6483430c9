"""What every connection has in common: its arguments, and how a part is shown as one."""

from collections.abc import Awaitable, Callable
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Annotated, Any, TypeVar

import strawberry
from pydantic.alias_generators import to_camel
from strawberry.types.unset import UnsetType

from app.documents.base import TenantDocument
from app.services.connections import ListCommand, Needs, Part
from app.services.inputs import parse
from graphql_schema.context import Info
from graphql_schema.selections import chosen_names, unasked
from graphql_schema.types.connections import Connection, PageInfo
from graphql_schema.types.nodes import KINDS, Heavy

Item = TypeVar("Item")
Node = TypeVar("Node")
First = Annotated[
    int | None,
    strawberry.argument(
        description="How many from the start, or behind `after`: 0 to 200; 50 without `last`."
    ),
]
After = Annotated[
    str | None, strawberry.argument(description="A cursor; only what stands behind it.")
]
Last = Annotated[
    int | None,
    strawberry.argument(
        description="How many from the end, or before `before`: 0 to 200; not beside `first`."
    ),
]
Before = Annotated[
    str | None, strawberry.argument(description="A cursor; only what stands before it.")
]


async def connection(
    info: Info,
    find: Callable[..., Awaitable[Part[Any]]],
    document: type[TenantDocument],
    *bound: str,
    **asked: Any,
) -> Any:
    """Show what the resolver `find` gives of a list: `bound` goes before the command `asked` makes.

    Heavy fields that nobody asks for stay in MongoDB, and so do all nodes for `totalCount` alone.
    """
    command = parse(ListCommand, {_camel(name): written(one) for name, one in asked.items()})
    kind = KINDS[document]
    part = await find(info.context, *bound, command, needs_of(info, kind.heavy))
    return connection_of(part, kind.show)


_camel = cache(to_camel)


def needs_of(info: Info, heavy: Heavy) -> Needs:
    """Tell what is asked for of a connection whose nodes have these `heavy` fields."""
    needs: Needs = info.context.once_of(info, (needs_of, id(heavy)), lambda: _needs(info, heavy))
    return needs


def _needs(info: Info, heavy: Heavy) -> Needs:
    without = unasked(info, heavy, "nodes") & unasked(info, heavy, "edges", "node")
    return Needs(without, not {"edges", "nodes", "pageInfo"}.isdisjoint(chosen_names(info)))


def connection_of(part: Part[Item], node: Callable[[Item], Node]) -> Connection[Node]:
    """Show a part as a connection, each item as a node."""
    nodes = [node(edge.node) for edge in part.edges]
    return Connection(part=part, nodes=nodes, page_info=PageInfo(part=part))


def written(value: Any) -> Any:
    """Write a filter or an order by documented names, without what was not given or is null."""
    if isinstance(value, list):
        return [written(item) for item in value]
    if not is_dataclass(value):
        return value
    # `in`, `not` and the like are words of Python.
    values = {
        to_camel(field.name.rstrip("_")): getattr(value, field.name) for field in fields(value)
    }
    return {
        name: written(given)
        for name, given in values.items()
        if given is not None and not isinstance(given, UnsetType)
    }
