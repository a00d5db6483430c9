from typing import Annotated

import strawberry

from app.documents import provider_accounts as documents
from app.services.account_commands import CreateProviderAccount, UpdateProviderAccount
from graphql_schema.connections import After, Before, First, Last, connection
from graphql_schema.context import Info
from graphql_schema.inputs import places_of_input, read_command
from graphql_schema.limits import ListSize
from graphql_schema.resolvers import provider_accounts as resolvers
from graphql_schema.types.connections import Connection
from graphql_schema.types.list_filters import ProviderAccountFilter
from graphql_schema.types.orders import NamedOrder
from graphql_schema.types.provider_account_inputs import (
    CreateProviderAccountInput,
    UpdateProviderAccountInput,
)
from graphql_schema.types.provider_accounts import ProviderAccount, ProviderAccountTest

AccountId = Annotated[strawberry.ID, strawberry.argument(description="Id of the account.")]


async def _account(info: Info, id: AccountId) -> ProviderAccount | None:
    return ProviderAccount.of(await resolvers.provider_account(info.context, id))


async def _accounts(  # noqa: PLR0917 - GraphQL gives arguments by name
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: Annotated[
        ProviderAccountFilter | None,
        strawberry.argument(description="Which ones; all of them without it."),
    ] = None,
    order_by: Annotated[
        list[NamedOrder] | None,
        strawberry.argument(description="At most three fields; by name without any."),
    ] = None,
) -> Connection[ProviderAccount]:
    shown: Connection[ProviderAccount] = await connection(
        info, resolvers.list_provider_accounts, documents.ProviderAccount,
        first=first, after=after, last=last, before=before, filter=filter, order_by=order_by,
    )  # fmt: skip
    return shown


async def _create(
    info: Info,
    input: Annotated[CreateProviderAccountInput, strawberry.argument(description="The account.")],
) -> ProviderAccount:
    command = read_command(input, CreateProviderAccount)
    with places_of_input():
        return ProviderAccount.of(await resolvers.create_provider_account(info.context, command))


async def _update(
    info: Info,
    id: AccountId,
    input: Annotated[UpdateProviderAccountInput, strawberry.argument(description="The changes.")],
) -> ProviderAccount:
    command = read_command(input, UpdateProviderAccount)
    with places_of_input():
        found = await resolvers.update_provider_account(info.context, id, command)
    return ProviderAccount.of(found)


async def _delete(info: Info, id: AccountId) -> strawberry.ID:
    await resolvers.delete_provider_account(info.context, id)
    return id


async def _set_default(info: Info, id: AccountId) -> ProviderAccount:
    return ProviderAccount.of(await resolvers.set_default_provider_account(info.context, id))


async def _test(info: Info, id: AccountId) -> ProviderAccountTest:
    return ProviderAccountTest.of(await resolvers.test_provider_account(info.context, id), id)


@strawberry.type
class ProviderAccountQuery:
    provider_account: ProviderAccount | None = strawberry.field(
        resolver=_account, description="The provider account with this id."
    )
    provider_accounts: Connection[ProviderAccount] = strawberry.field(
        directives=[ListSize(assumed_size=50)],
        resolver=_accounts,
        description="The tenant's provider accounts, by name.",
    )


@strawberry.type
class ProviderAccountMutation:
    create_provider_account: ProviderAccount = strawberry.mutation(
        resolver=_create,
        description="Keep a new provider account; the first one becomes the tenant's default.",
    )
    update_provider_account: ProviderAccount = strawberry.mutation(
        resolver=_update,
        description="Change a provider account; mail that waits goes by it as it is then.",
    )
    delete_provider_account: strawberry.ID = strawberry.mutation(
        resolver=_delete,
        description="Remove a provider account and its secrets; a CONFLICT while mail waits to go "
        "by it, while it is another's fallback, and for the default of a tenant that has others.",
    )
    set_default_provider_account: ProviderAccount = strawberry.mutation(
        resolver=_set_default,
        description="Make it the account of mail that no other rule gives to one.",
    )
    test_provider_account: ProviderAccountTest = strawberry.mutation(
        resolver=_test,
        description="Find out whether a provider account works, sending nothing. One that does "
        "counts as up again.",
    )
