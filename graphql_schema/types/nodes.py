"""What every record is besides its kind, and what is known of each kind."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import strawberry
from pydantic.alias_generators import to_camel

from app.documents.base import TenantDocument
from app.documents.views import columns_of

Type = TypeVar("Type", bound=type[Any])
Find = Callable[..., Awaitable[Mapping[str, TenantDocument | Exception]]]
Heavy = Mapping[str, Collection[str]]


@strawberry.interface(
    description=(
        "A record of whatever kind, by the Global Object Identification specification: `node` "
        "finds it again by its id."
    )
)
class Node:
    id: strawberry.ID = strawberry.field(
        description=(
            "Id of the record, which no other record has, of whatever kind it is. Where an id is "
            "to be given, `Kind:ID`, as it is or in base64, does as well."
        )
    )


@dataclass(frozen=True)
class Kind:
    """How records of a kind are found and shown.

    `find` is the resolver that gives them by ids, leaving out the stored fields `without`. `heavy`
    are stored fields that are long, each with the GraphQL fields that need it.
    """

    name: str
    find: Find
    show: Callable[[Any], Any]
    heavy: Heavy


# By the documents; those of all types that the schema holds.
KINDS: dict[type[TenantDocument], Kind] = {}


def kind(
    document: type[TenantDocument], *, find: Find, heavy: Heavy | None = None
) -> Callable[[Type], Type]:
    """Let the type below show documents of this kind by its `of`."""

    def known(type_: Type) -> Type:
        KINDS[document] = Kind(document.__name__, find, type_.of, heavy or {})
        return type_

    return known


def every(document: type[TenantDocument], besides: Heavy) -> Heavy:
    """Tell of every stored field what shows it: the field of its name, and those `besides`.

    `besides` has the names of the document's fields, and for each the GraphQL ones.
    """
    stored = {name: column.stored for name, column in columns_of(document).items()}
    return {
        stored[name]: [to_camel(name), *besides.get(name, ())] for name in stored if name != "id"
    }
