"""Fields that lead from one record to others; those of a whole list are loaded together."""

from typing import Any

import strawberry

from app.documents.base import TenantDocument
from graphql_schema.context import Info
from graphql_schema.selections import unasked
from graphql_schema.types.nodes import KINDS


def to_one(document: type[TenantDocument], key: str, description: str) -> Any:
    """Make a field that shows the document whose id stands in the attribute `key`.

    It is null where there is none, or it is gone.
    """

    async def resolve(root: Any, info: Info) -> Any:
        id_ = getattr(root, key)
        return None if id_ is None else await record(info, document, str(id_))

    return strawberry.field(resolver=resolve, description=description)


async def record(info: Info, document: type[TenantDocument], id_: str) -> Any:
    """Show the caller's document with this id, None when there is none."""
    kind = KINDS[document]
    found = await info.context.loaders.load(kind.find, id_, without=unasked(info, kind.heavy))
    return None if found is None else kind.show(found)
