"""What callers may do with provider accounts: who may, then one call."""

from app.context import Context, Scope
from app.documents.provider_accounts import ProviderAccount
from app.services import provider_accounts
from app.services.account_commands import CreateProviderAccount


async def provider_account(context: Context, id_: str) -> ProviderAccount:
    """Give the caller's account. Raises NotFoundError for unknown and others' ids alike."""
    return await provider_accounts.account_of(context.require(Scope.ACCOUNTS_READ), id_)


async def provider_accounts_by_name(context: Context) -> list[ProviderAccount]:
    """Give the caller's accounts by name."""
    return await provider_accounts.accounts_of(context.require(Scope.ACCOUNTS_READ))


async def create_provider_account(
    context: Context, command: CreateProviderAccount
) -> ProviderAccount:
    """Keep a new account. Raises what `provider_accounts.create` raises."""
    caller = context.require(Scope.ACCOUNTS_WRITE)
    return await provider_accounts.create(context.deps, caller, command)
