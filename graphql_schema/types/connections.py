"""Connections (https://relay.dev/graphql/connections.htm), of whichever type their nodes are."""

from typing import Any, Generic, TypeVar

import strawberry

from app.services.connections import Part

Node = TypeVar("Node")


def _edges(root: "Connection[Any]") -> "list[Edge[Any]]":
    return [
        Edge(node=node, cursor=edge.cursor)
        for edge, node in zip(root.part.edges, root.nodes, strict=True)
    ]


def _start_cursor(root: "PageInfo") -> str | None:
    return root.part.edges[0].cursor if root.part.edges else None


def _end_cursor(root: "PageInfo") -> str | None:
    return root.part.edges[-1].cursor if root.part.edges else None


async def _has_next_page(root: "PageInfo") -> bool:
    return await root.part.has_next()


async def _has_previous_page(root: "PageInfo") -> bool:
    return await root.part.has_previous()


async def _total_count(root: "Connection[Any]") -> int:
    return await root.part.count()


@strawberry.type(description="Where a part of a list stands in it.")
class PageInfo:
    part: strawberry.Private[Part[Any]]
    has_next_page: bool = strawberry.field(
        resolver=_has_next_page, description="Whether anything stands behind this part."
    )
    has_previous_page: bool = strawberry.field(
        resolver=_has_previous_page, description="Whether anything stands before this part."
    )
    start_cursor: str | None = strawberry.field(
        resolver=_start_cursor,
        description="The cursor of the first node, to be given as `before`; null without any.",
    )
    end_cursor: str | None = strawberry.field(
        resolver=_end_cursor,
        description="The cursor of the last node, to be given as `after`; null without any.",
    )


@strawberry.type(description="A node in its place in a list.")
class Edge(Generic[Node]):
    node: Node = strawberry.field(description="What stands in this place.")
    cursor: str = strawberry.field(
        description=(
            "The place, to be given as `after` or `before` with the same `orderBy`; it stays good "
            "when the node is gone."
        )
    )


@strawberry.type(description="A part of a list.")
class Connection(Generic[Node]):
    part: strawberry.Private[Part[Any]]
    edges: list[Edge[Node]] = strawberry.field(
        resolver=_edges, description="The nodes in their places, in the order of the list."
    )
    nodes: list[Node] = strawberry.field(description="The same nodes without their cursors.")
    page_info: PageInfo = strawberry.field(description="Where this part stands in the list.")
    total_count: int = strawberry.field(
        resolver=_total_count,
        description="How many there are in the whole list; counted only when it is asked for.",
    )
