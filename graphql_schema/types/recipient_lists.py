"""Recipient lists as GraphQL shows them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self

import strawberry
from strawberry import UNSET

from app.documents import communications, list_members
from app.documents import recipient_lists as documents
from graphql_schema.context import Info
from graphql_schema.links import to_many
from graphql_schema.resolvers import families
from graphql_schema.resolvers import recipient_lists as resolvers
from graphql_schema.types.connections import Connection
from graphql_schema.types.nodes import Node, kind

if TYPE_CHECKING:
    from graphql_schema.types.communications import Communication
    from graphql_schema.types.list_members import ListMember


async def _member_count(root: "RecipientList", info: Info) -> int:
    return await info.context.loaders.load(resolvers.member_counts, root.id) or 0


@kind(documents.RecipientList, find=resolvers.recipient_lists_with_ids)
@strawberry.type(description="Addresses kept under a name, to be sent one mail each.")
class RecipientList(Node):
    id: strawberry.ID = strawberry.field(description="Id of the list: a mail's recipientListId.")
    name: str = strawberry.field(description="Its name, the tenant's only one of that name.")
    description: str | None = strawberry.field(description="What it is for, in words.")
    created: datetime = strawberry.field(description="When it was made.")
    created_by: str = strawberry.field(description="The user who made it.")
    updated: datetime = strawberry.field(description="The latest change of name or description.")
    updated_by: str = strawberry.field(description="The user who made that change.")
    member_count: int = strawberry.field(
        resolver=_member_count, description="How many members it has."
    )
    members: (
        Connection[Annotated["ListMember", strawberry.lazy("graphql_schema.types.list_members")]]
        | None
    ) = to_many(
        families.MEMBERS, list_members.ListMember, "Its members, in the order in which they came."
    )
    communications: (
        Connection[
            Annotated["Communication", strawberry.lazy("graphql_schema.types.communications")]
        ]
        | None
    ) = to_many(
        families.SENT_TO, communications.Communication, "The mails sent to it, newest first."
    )

    @classmethod
    def of(cls, found: documents.RecipientList) -> Self:
        return cls(
            id=strawberry.ID(str(found.id)),
            name=found.name,
            description=found.description,
            created=found.created,
            created_by=found.created_by,
            updated=found.updated,
            updated_by=found.updated_by,
        )


@strawberry.input(description="A recipient list to be kept.")
class CreateRecipientListInput:
    name: str = strawberry.field(
        description="At most 200 characters, and no other list's name in any case."
    )
    description: str | None = strawberry.field(
        default=None, description="What it is for, in at most 2,000 characters."
    )


@strawberry.input(description="What is to change in a list; what is left out stays as it is.")
class UpdateRecipientListInput:
    name: str | None = strawberry.field(default=UNSET, description="Another name.")
    description: str | None = strawberry.field(
        default=UNSET, description="Another description; null takes it away."
    )
