"""Provider accounts: a tenant's own relay, Resend key or mailbox, and who may be sent by it."""

from typing import Any

from beanie import PydanticObjectId
from pydantic import SecretStr

from app.context import Caller, Deps
from app.documents.provider_accounts import GraphOptions, ProviderAccount, SmtpOptions
from app.documents.vocabulary import ProviderType
from app.errors import ConflictError, FieldError, InvalidInputError, NotFoundError
from app.services.account_commands import SECRETS, CreateProviderAccount
from app.services.account_secrets import sealed
from app.services.inputs import Command

ACCOUNTS_LIMIT = 100


async def account_of(caller: Caller, id_: str) -> ProviderAccount:
    """Find the caller's account. Raises NotFoundError for unknown and others' ids alike."""
    found = await ProviderAccount.of_tenant(caller.tenant, id_)
    if found is None:
        raise NotFoundError("No provider account has this id.")
    return found


async def accounts_of(caller: Caller) -> list[ProviderAccount]:
    """Give the caller's accounts by name."""
    return await ProviderAccount.listed(caller.tenant)


async def create(deps: Deps, caller: Caller, command: CreateProviderAccount) -> ProviderAccount:
    """Keep a new account; the first one of a tenant is its default.

    Raises InvalidInputError for a fallback that is no account of the tenant; ConflictError for a
    name or a sender that another account has, at the limit, or where the service has no keys.
    """
    if len(await ProviderAccount.listed(caller.tenant)) >= ACCOUNTS_LIMIT:
        raise ConflictError(f"A tenant may have at most {ACCOUNTS_LIMIT} provider accounts.")
    fallback_id = await _fallback(caller, command.fallback_id)
    id_, now = PydanticObjectId(), deps.now()
    type_, part = _part(command)
    options, secrets = _split(part)
    account = ProviderAccount(
        id=id_,
        tenant_id=caller.tenant,
        name=command.name,
        provider_type=type_,
        sender_emails=command.sender_emails,
        fallback_id=fallback_id,
        smtp=SmtpOptions(**options) if type_ is ProviderType.SMTP else None,
        graph=GraphOptions(**options) if type_ is ProviderType.GRAPH else None,
        secrets=sealed(deps.settings, caller.tenant, id_, secrets),
        created=now,
        created_by=caller.user,
        updated=now,
        updated_by=caller.user,
    )
    await account.store()
    return account


def _part(command: CreateProviderAccount) -> tuple[ProviderType, Command]:
    if command.smtp is not None:
        return ProviderType.SMTP, command.smtp
    if command.resend is not None:
        return ProviderType.RESEND, command.resend
    if command.graph is not None:
        return ProviderType.GRAPH, command.graph
    raise RuntimeError("a command without a part was read")


def _split(part: Command) -> tuple[dict[str, Any], dict[str, str]]:
    """Part what may be shown from what must be sealed."""
    shown = {name: value for name, value in part if name not in SECRETS}
    secrets = {
        name: value.get_secret_value() for name, value in part if isinstance(value, SecretStr)
    }
    return shown, secrets


async def _fallback(caller: Caller, id_: str | None) -> PydanticObjectId | None:
    if id_ is None:
        return None
    found = await ProviderAccount.of_tenant(caller.tenant, id_)
    if found is None:
        raise InvalidInputError.of(FieldError("fallbackId", "no provider account has this id"))
    return found.id
