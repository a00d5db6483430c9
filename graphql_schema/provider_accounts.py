from typing import Annotated

import strawberry

from app.services.account_commands import CreateProviderAccount
from graphql_schema.context import Info
from graphql_schema.inputs import read_command
from graphql_schema.resolvers import provider_accounts as resolvers
from graphql_schema.types.provider_account_inputs import CreateProviderAccountInput
from graphql_schema.types.provider_accounts import ProviderAccount

AccountId = Annotated[strawberry.ID, strawberry.argument(description="Id of the account.")]


async def _account(info: Info, id: AccountId) -> ProviderAccount | None:
    return ProviderAccount.of(await resolvers.provider_account(info.context, id))


async def _accounts(info: Info) -> list[ProviderAccount]:
    found = await resolvers.provider_accounts_by_name(info.context)
    return [ProviderAccount.of(account) for account in found]


async def _create(
    info: Info,
    input: Annotated[CreateProviderAccountInput, strawberry.argument(description="The account.")],
) -> ProviderAccount:
    command = read_command(input, CreateProviderAccount)
    return ProviderAccount.of(await resolvers.create_provider_account(info.context, command))


@strawberry.type
class ProviderAccountQuery:
    provider_account: ProviderAccount | None = strawberry.field(
        resolver=_account, description="The provider account with this id."
    )
    provider_accounts: list[ProviderAccount] = strawberry.field(
        resolver=_accounts, description="The tenant's provider accounts, by name."
    )


@strawberry.type
class ProviderAccountMutation:
    create_provider_account: ProviderAccount = strawberry.mutation(
        resolver=_create,
        description="Keep a new provider account; the first one becomes the tenant's default.",
    )
