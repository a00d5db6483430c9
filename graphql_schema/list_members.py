from typing import Annotated

import strawberry

from app.documents import list_members as documents
from app.services.list_members import UpdateMember
from graphql_schema.connections import After, Before, First, Last, connection
from graphql_schema.context import Info
from graphql_schema.inputs import read_command
from graphql_schema.limits import ListSize
from graphql_schema.recipient_lists import ListId
from graphql_schema.resolvers import list_members as resolvers
from graphql_schema.types.connections import Connection
from graphql_schema.types.list_filters import ListMemberFilter
from graphql_schema.types.list_members import (
    AddedListMember,
    ListImport,
    ListMember,
    ListMemberInput,
    UpdateListMemberInput,
)
from graphql_schema.types.orders import ListMemberOrder


async def _members(  # noqa: PLR0917 - GraphQL gives arguments by name
    info: Info,
    list_id: ListId,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: Annotated[
        ListMemberFilter | None,
        strawberry.argument(description="Which ones; all of them without it."),
    ] = None,
    order_by: Annotated[
        list[ListMemberOrder] | None,
        strawberry.argument(
            description="At most three fields; in the order in which they were added without any."
        ),
    ] = None,
) -> Connection[ListMember]:
    shown: Connection[ListMember] = await connection(
        info, resolvers.recipient_list_members, documents.ListMember, list_id,
        first=first, after=after, last=last, before=before, filter=filter, order_by=order_by,
    )  # fmt: skip
    return shown


async def _add(
    info: Info,
    list_id: ListId,
    members: Annotated[
        list[ListMemberInput], strawberry.argument(description="The rows, at most 5,000.")
    ],
) -> list[AddedListMember]:
    rows = [strawberry.asdict(member) for member in members]
    added = await resolvers.add_list_members(info.context, list_id, rows)
    return [AddedListMember.of(one) for one in added]


async def _import(
    info: Info,
    list_id: ListId,
    csv: Annotated[
        str,
        strawberry.argument(
            description=(
                "CSV with `,`, `;` or tabs. The first row names the columns: `email`, `name`, and "
                "each other one a variable. At most 32 MB, 200,000 rows and 200 columns."
            )
        ),
    ],
) -> ListImport:
    done = await resolvers.import_list_members(info.context, list_id, csv)
    return ListImport.of(done, list_id)


async def _update(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="Id of the member.")],
    input: Annotated[UpdateListMemberInput, strawberry.argument(description="The changes.")],
) -> ListMember:
    command = read_command(input, UpdateMember)
    return ListMember.of(await resolvers.update_list_member(info.context, id, command))


async def _remove(
    info: Info,
    list_id: ListId,
    ids: Annotated[
        list[strawberry.ID],
        strawberry.argument(description="Ids of members, at most 5,000; others are passed over."),
    ],
) -> list[strawberry.ID]:
    removed = await resolvers.remove_list_members(info.context, list_id, ids)
    return [strawberry.ID(id_) for id_ in removed]


@strawberry.type
class ListMemberQuery:
    recipient_list_members: Connection[ListMember] = strawberry.field(
        directives=[ListSize(assumed_size=50)],
        resolver=_members,
        description="Members of a recipient list, part by part.",
    )


@strawberry.type
class ListMemberMutation:
    add_list_members: list[AddedListMember] = strawberry.mutation(
        resolver=_add, description="Add members; each row is answered by itself."
    )
    import_list_members: ListImport = strawberry.mutation(
        resolver=_import,
        description="Add the rows of a CSV file; a wrong row keeps no other from being added.",
    )
    update_list_member: ListMember = strawberry.mutation(
        resolver=_update, description="Change a member's address, name or variables."
    )
    remove_list_members: list[strawberry.ID] = strawberry.mutation(
        resolver=_remove, description="Remove members; answers the ids of those who were."
    )
