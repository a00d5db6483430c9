from typing import Annotated

import strawberry

from app.services.inputs import parse
from app.services.list_members import PageOfMembers, UpdateMember
from graphql_schema.context import Info
from graphql_schema.inputs import read_command
from graphql_schema.recipient_lists import ListId
from graphql_schema.resolvers import list_members as resolvers
from graphql_schema.types.list_members import (
    AddedListMember,
    ListImport,
    ListMember,
    ListMemberInput,
    ListMemberPage,
    UpdateListMemberInput,
)


async def _members(
    info: Info,
    list_id: ListId,
    limit: Annotated[int, strawberry.argument(description="How many, 1 to 1,000.")] = 100,
    after: Annotated[
        strawberry.ID | None,
        strawberry.argument(description="The `next` of the page before this one."),
    ] = None,
    search: Annotated[
        str | None, strawberry.argument(description="Only those with this in address or name.")
    ] = None,
) -> ListMemberPage:
    command = parse(PageOfMembers, {"limit": limit, "after": after, "search": search})
    return ListMemberPage.of(await resolvers.recipient_list_members(info.context, list_id, command))


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
    return ListImport.of(await resolvers.import_list_members(info.context, list_id, csv))


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
    recipient_list_members: ListMemberPage = strawberry.field(
        resolver=_members, description="Members of a recipient list, a page at a time."
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
