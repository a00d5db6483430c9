import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import strawberry

from graphql_schema.context import Info
from graphql_schema.ids import kind_of
from graphql_schema.links import record
from graphql_schema.resolvers import nodes as resolvers
from graphql_schema.types.nodes import KINDS, Node


async def _node(
    info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Id of a record.")]
) -> Node | None:
    [found] = await _records(info, [id])
    if isinstance(found, BaseException):
        raise found
    shown: Node | None = found
    return shown


async def _nodes(
    info: Info,
    ids: Annotated[
        list[strawberry.ID], strawberry.argument(description="Ids of records, at most 100.")
    ],
) -> list[Node | None]:
    return await _records(info, ids)


async def _records(info: Info, ids: Sequence[str]) -> list[Any]:
    """Show each record; in place of one that cannot be shown why not, which fails it alone."""
    documents = {kind.name: document for document, kind in KINDS.items()}
    told = {id_: kind for id_ in ids if (kind := kind_of(id_)) is not None}
    kinds = await resolvers.kinds_of(info.context, ids, told, list(KINDS))

    async def one(id_: str) -> Any:
        document = documents.get(kinds.get(id_, ""))
        return None if document is None else await record(info, document, id_)

    return await asyncio.gather(*map(one, ids), return_exceptions=True)


@strawberry.type
class NodeQuery:
    node: Node | None = strawberry.field(
        resolver=_node,
        description="The record with this id, of whatever kind it is; null when there is none.",
    )
    nodes: list[Node | None] = strawberry.field(
        resolver=_nodes,
        description=(
            "The records with these ids, in their order and of whatever kinds they are; null in "
            "place of each that there is none of."
        ),
    )
