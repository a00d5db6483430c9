from typing import Annotated

import strawberry

from app.documents import recipient_lists as documents
from app.services.recipient_lists import (
    CreateRecipientList,
    UpdateRecipientList,
)
from graphql_schema.connections import After, Before, First, Last, connection
from graphql_schema.context import Info
from graphql_schema.inputs import read_command
from graphql_schema.limits import ListSize
from graphql_schema.resolvers import recipient_lists as resolvers
from graphql_schema.types.connections import Connection
from graphql_schema.types.list_filters import RecipientListFilter
from graphql_schema.types.orders import NamedOrder
from graphql_schema.types.recipient_lists import (
    CreateRecipientListInput,
    RecipientList,
    UpdateRecipientListInput,
)

ListId = Annotated[strawberry.ID, strawberry.argument(description="Id of the list.")]


async def _list(info: Info, id: ListId) -> RecipientList | None:
    return RecipientList.of(await resolvers.recipient_list(info.context, id))


async def _lists(  # noqa: PLR0917 - GraphQL gives arguments by name
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: Annotated[
        RecipientListFilter | None,
        strawberry.argument(description="Which ones; all of them without it."),
    ] = None,
    order_by: Annotated[
        list[NamedOrder] | None,
        strawberry.argument(description="At most three fields; by name without any."),
    ] = None,
) -> Connection[RecipientList]:
    shown: Connection[RecipientList] = await connection(
        info, resolvers.list_recipient_lists, documents.RecipientList,
        first=first, after=after, last=last, before=before, filter=filter, order_by=order_by,
    )  # fmt: skip
    return shown


async def _create(
    info: Info,
    input: Annotated[CreateRecipientListInput, strawberry.argument(description="The list.")],
) -> RecipientList:
    command = read_command(input, CreateRecipientList)
    return RecipientList.of(await resolvers.create_recipient_list(info.context, command))


async def _update(
    info: Info,
    id: ListId,
    input: Annotated[UpdateRecipientListInput, strawberry.argument(description="The changes.")],
) -> RecipientList:
    command = read_command(input, UpdateRecipientList)
    return RecipientList.of(await resolvers.update_recipient_list(info.context, id, command))


async def _delete(info: Info, id: ListId) -> strawberry.ID:
    await resolvers.delete_recipient_list(info.context, id)
    return id


@strawberry.type
class RecipientListQuery:
    recipient_list: RecipientList | None = strawberry.field(
        resolver=_list, description="The recipient list with this id."
    )
    recipient_lists: Connection[RecipientList] = strawberry.field(
        directives=[ListSize(assumed_size=50)],
        resolver=_lists,
        description="The tenant's recipient lists, by name.",
    )


@strawberry.type
class RecipientListMutation:
    create_recipient_list: RecipientList = strawberry.mutation(
        resolver=_create, description="Keep a new recipient list, without members at first."
    )
    update_recipient_list: RecipientList = strawberry.mutation(
        resolver=_update, description="Change a recipient list's name or description."
    )
    delete_recipient_list: strawberry.ID = strawberry.mutation(
        resolver=_delete, description="Delete a recipient list with its members."
    )
