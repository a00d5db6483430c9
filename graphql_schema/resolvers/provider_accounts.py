"""What callers may do with provider accounts: who may, then one call."""

from collections.abc import Collection, Mapping

from app.context import Context, Scope
from app.documents.mailbox_subscriptions import MailboxSubscription
from app.documents.provider_accounts import ProviderAccount
from app.services import provider_accounts
from app.services.account_commands import CreateProviderAccount, UpdateProviderAccount
from app.services.connections import ListCommand, Needs, Part
from app.services.provider_accounts import AccountTest


async def provider_account(context: Context, id_: str) -> ProviderAccount:
    """Give the caller's account. Raises NotFoundError for unknown and others' ids alike."""
    return await provider_accounts.account_of(context.require(Scope.ACCOUNTS_READ), id_)


async def provider_accounts_with_ids(
    context: Context, ids: Collection[str], *, without: Collection[str] = ()
) -> Mapping[str, ProviderAccount]:
    """Give the caller's accounts by their ids."""
    caller = context.require(Scope.ACCOUNTS_READ)
    return await ProviderAccount.with_ids(caller.tenant, ids, without=without)


async def receiving_of(context: Context, ids: Collection[str]) -> Mapping[str, MailboxSubscription]:
    """Tell how it stands with the mail that the caller's accounts receive, by their ids."""
    caller = context.require(Scope.ACCOUNTS_READ)
    return await MailboxSubscription.with_ids(caller.tenant, ids)


async def list_provider_accounts(
    context: Context, command: ListCommand, needs: Needs
) -> Part[ProviderAccount]:
    """Give a part of the caller's accounts; as `accounts_of`."""
    return await provider_accounts.accounts_of(context.require(Scope.ACCOUNTS_READ), command, needs)


async def create_provider_account(
    context: Context, command: CreateProviderAccount
) -> ProviderAccount:
    """Keep a new account. Raises what `provider_accounts.create` raises."""
    caller = context.require(Scope.ACCOUNTS_WRITE)
    return await provider_accounts.create(context.deps, caller, command)


async def update_provider_account(
    context: Context, id_: str, command: UpdateProviderAccount
) -> ProviderAccount:
    """Change an account. Raises what `provider_accounts.update` raises."""
    caller = context.require(Scope.ACCOUNTS_WRITE)
    return await provider_accounts.update(context.deps, caller, id_, command)


async def delete_provider_account(context: Context, id_: str) -> None:
    """Remove an account. Raises what `provider_accounts.delete` raises."""
    caller = context.require(Scope.ACCOUNTS_WRITE)
    await provider_accounts.delete(context.deps, caller, id_)


async def set_default_provider_account(context: Context, id_: str) -> ProviderAccount:
    """Make an account the tenant's default. Raises NotFoundError."""
    caller = context.require(Scope.ACCOUNTS_WRITE)
    return await provider_accounts.set_default(context.deps, caller, id_)


async def test_provider_account(context: Context, id_: str) -> AccountTest:
    """Find out whether an account works. Raises NotFoundError."""
    caller = context.require(Scope.ACCOUNTS_WRITE)
    return await provider_accounts.try_out(context.deps, caller, id_)
