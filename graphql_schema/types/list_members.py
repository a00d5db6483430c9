"""Members of recipient lists as GraphQL shows them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self

import strawberry
from strawberry import UNSET
from strawberry.scalars import JSON

from app.documents import list_members as documents
from app.documents import recipient_lists
from app.services import list_imports, list_members
from graphql_schema.limits import ListSize
from graphql_schema.links import to_one
from graphql_schema.resolvers import list_members as resolvers
from graphql_schema.types.nodes import Node, kind

if TYPE_CHECKING:
    from graphql_schema.types.recipient_lists import RecipientList


@kind(documents.ListMember, find=resolvers.list_members_with_ids)
@strawberry.type(description="One address of a list, with what mail to it is filled in with.")
class ListMember(Node):
    id: strawberry.ID = strawberry.field(description="Id of the member.")
    list_id: strawberry.ID = strawberry.field(description="The list it belongs to.")
    email: str = strawberry.field(description="The address, in lower case.")
    name: str | None = strawberry.field(description="The name beside the address.")
    variables: JSON = strawberry.field(description="What `{{ name }}` is filled in with.")
    created: datetime = strawberry.field(description="When it was added.")
    updated: datetime = strawberry.field(description="The latest change.")
    list: (
        Annotated["RecipientList", strawberry.lazy("graphql_schema.types.recipient_lists")] | None
    ) = to_one(recipient_lists.RecipientList, "list_id", "The list it belongs to.")

    @classmethod
    def of(cls, member: documents.ListMember) -> Self:
        return cls(
            id=strawberry.ID(str(member.id)),
            list_id=strawberry.ID(str(member.list_id)),
            email=member.email,
            name=member.name,
            variables=JSON(member.variables),
            created=member.created,
            updated=member.updated,
        )


@strawberry.type(description="What became of one row; rows are answered in the order given.")
class AddedListMember:
    member: ListMember | None = strawberry.field(description="The member, when it was added.")
    duplicate: bool = strawberry.field(
        description="True when the list has the address already; that member stays as it is."
    )
    error: str | None = strawberry.field(description="What is wrong with the row, in words.")

    @classmethod
    def of(cls, added: list_members.Added) -> Self:
        return cls(
            member=None if added.member is None else ListMember.of(added.member),
            duplicate=added.duplicate,
            error=added.error,
        )


@strawberry.type(description="Why a row of a file was not added.")
class ImportRowError:
    line: int = strawberry.field(description="The line in which the row begins, from 1.")
    message: str = strawberry.field(description="What is wrong with it, in words.")


@strawberry.type(description="What became of the rows of a file.")
class ListImport:
    list_id: strawberry.ID = strawberry.field(description="The list they were for.")
    added: int = strawberry.field(description="How many became members.")
    duplicates: int = strawberry.field(
        description="How many addresses were there already, or earlier in the file."
    )
    failed: int = strawberry.field(description="How many rows are wrong.")
    errors: list[ImportRowError] = strawberry.field(
        directives=[ListSize(assumed_size=100)],
        description="The first 1,000 wrong rows, each with its line.",
    )
    variables: list[str] = strawberry.field(
        description="The columns as `{{ }}` names them: `First name` is `First_name`."
    )
    list: (
        Annotated["RecipientList", strawberry.lazy("graphql_schema.types.recipient_lists")] | None
    ) = to_one(recipient_lists.RecipientList, "list_id", "The list as it is now.")

    @classmethod
    def of(cls, done: list_imports.Import, list_id: strawberry.ID) -> Self:
        return cls(
            list_id=list_id,
            added=done.added,
            duplicates=done.duplicates,
            failed=done.failed,
            errors=[ImportRowError(line=one.line, message=one.message) for one in done.errors],
            variables=done.variables,
        )


@strawberry.input(description="An address to be added to a list.")
class ListMemberInput:
    email: str = strawberry.field(description="The address, as `a@b.nl` or `Name <a@b.nl>`.")
    name: str | None = strawberry.field(default=None, description="The name beside it.")
    variables: JSON | None = strawberry.field(
        default=None,
        description="An object of at most 16 kB that `{{ name }}` is filled in with.",
    )


@strawberry.input(description="What is to change in a member; what is left out stays as it is.")
class UpdateListMemberInput:
    email: str | None = strawberry.field(default=UNSET, description="Another address.")
    name: str | None = strawberry.field(
        default=UNSET, description="Another name; null takes it away."
    )
    variables: JSON | None = strawberry.field(
        default=UNSET, description="Other variables, in place of all it had; null for none."
    )
