"""Provider accounts: a tenant's own relay, Resend key or mailbox, and who may be sent by it."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from beanie import PydanticObjectId
from pydantic import SecretStr
from pydantic.alias_generators import to_camel

from app.context import Caller, Deps
from app.documents import breakers
from app.documents.catalogues import PROVIDER_ACCOUNTS
from app.documents.communications import Communication
from app.documents.provider_accounts import GraphOptions, ProviderAccount, SmtpOptions
from app.documents.vocabulary import ProviderType
from app.errors import ConflictError, FieldError, InvalidInputError, NotFoundError
from app.providers.base import ProviderError
from app.services import carriers
from app.services.account_checks import begin_receiving, check_relay
from app.services.account_commands import SECRETS, CreateProviderAccount, UpdateProviderAccount
from app.services.account_providers import open_provider
from app.services.account_secrets import sealed
from app.services.connections import EVERYTHING, ListCommand, Needs, Part, listed
from app.services.inputs import Command
from app.services.mailboxes import arranging

log = structlog.get_logger()

ACCOUNTS_LIMIT = 100
TEST_LIMIT = timedelta(seconds=30)


@dataclass(frozen=True)
class AccountTest:
    """Whether an account works; `detail` holds the provider's words where it does not."""

    ok: bool
    detail: str | None = None


async def account_of(caller: Caller, id_: str) -> ProviderAccount:
    """Find the caller's account. Raises NotFoundError for unknown and others' ids alike."""
    found = await ProviderAccount.of_tenant(caller.tenant, id_)
    if found is None:
        raise NotFoundError("No provider account has this id.")
    return found


async def accounts_of(
    caller: Caller, command: ListCommand, needs: Needs = EVERYTHING
) -> Part[ProviderAccount]:
    """Give a part of the caller's accounts, by name unless an order is named."""
    return await listed(caller, PROVIDER_ACCOUNTS, command, needs)


async def create(deps: Deps, caller: Caller, command: CreateProviderAccount) -> ProviderAccount:
    """Keep a new account; the first one of a tenant is its default.

    Raises InvalidInputError for a fallback that is no account of the tenant and for a relay that
    may not be used; ConflictError for a name or a sender that another account has, at the limit,
    or where the service has no keys.
    """
    if len(await ProviderAccount.listed(caller.tenant)) >= ACCOUNTS_LIMIT:
        raise ConflictError(f"A tenant may have at most {ACCOUNTS_LIMIT} provider accounts.")
    fallback_id = await _fallback(caller, command.fallback_id)
    id_, now = PydanticObjectId(), deps.now()
    type_, part = _part(command)
    options, secrets = _split(part)
    if command.smtp is not None:
        await check_relay(deps.settings, None, SmtpOptions(**options), secrets)
    account = ProviderAccount(
        id=id_,
        tenant_id=caller.tenant,
        name=command.name,
        provider_type=type_,
        sender_emails=command.sender_emails,
        fallback_id=fallback_id,
        smtp=SmtpOptions(**options) if type_ is ProviderType.SMTP else None,
        graph=_mailbox(options, now) if type_ is ProviderType.GRAPH else None,
        secrets=sealed(deps.settings, caller.tenant, id_, secrets),
        created=now,
        created_by=caller.user,
        updated=now,
        updated_by=caller.user,
    )
    await account.store()
    await arranging.arrange(deps, account)
    return account


async def update(
    deps: Deps, caller: Caller, id_: str, command: UpdateProviderAccount
) -> ProviderAccount:
    """Change what the command names; mail that waits goes by the account as it is then.

    An account that was down counts as up again, and mail that waits for it is tried at once.
    Raises NotFoundError, ConflictError for another revision, and what `create` raises.
    """
    while True:
        found = await account_of(caller, id_)
        if command.revision not in {None, found.revision}:
            raise ConflictError(f"The provider account has revision {found.revision} by now.")
        changed = await ProviderAccount.change(
            caller.tenant,
            found.id,
            await _changes(deps, caller, found, command),
            revision=found.revision,
            now=deps.now(),
            author=caller.user,
        )
        if changed is not None:
            await arranging.arrange(deps, changed, before=found)
            await _wake(deps, changed)
            return changed


async def set_default(deps: Deps, caller: Caller, id_: str) -> ProviderAccount:
    """Make it the account of mail that no other rule gives to one. Raises NotFoundError."""
    found = await account_of(caller, id_)
    changed = await ProviderAccount.make_default(
        caller.tenant, found.id, now=deps.now(), author=caller.user
    )
    if changed is None:
        raise NotFoundError("No provider account has this id.")
    return changed


async def delete(deps: Deps, caller: Caller, id_: str) -> None:
    """Remove an account and its secrets; mail of its mailbox is taken in no more.

    Raises NotFoundError, and ConflictError while mail waits to go by it, while it is another's
    fallback, or while it is the default of a tenant that has others.
    """
    found = await account_of(caller, id_)
    accounts = await ProviderAccount.listed(caller.tenant)
    relying = [account.name for account in accounts if account.fallback_id == found.id]
    if relying:
        raise ConflictError(f"It is the fallback of {', '.join(relying)}: change that first.")
    if found.is_default and len(accounts) > 1:
        raise ConflictError("It is the default: make another account the default first.")
    if await Communication.any_waits_for(caller.tenant, found.id):
        raise ConflictError(
            "Mail waits to go out by it: let it go out, or cancel it, before it is deleted."
        )
    await arranging.end_subscription(deps, found)
    if not await ProviderAccount.delete_once(caller.tenant, found.id):
        raise NotFoundError("No provider account has this id.")
    await arranging.forget(found)


async def try_out(deps: Deps, caller: Caller, id_: str) -> AccountTest:
    """Find out whether an account works, sending nothing; one that does counts as up again.

    Mail that waits for it is tried at once then.

    Raises NotFoundError.
    """
    found = await account_of(caller, id_)
    try:
        async with asyncio.timeout(TEST_LIMIT.total_seconds()):
            provider = open_provider(deps, found)
            try:
                await provider.verify()
            finally:
                await provider.close()
    except ProviderError as error:
        return AccountTest(ok=False, detail=error.detail)
    except TimeoutError:
        return AccountTest(ok=False, detail=f"no answer within {TEST_LIMIT.seconds} seconds")
    except Exception as error:
        log.exception("account.fault", account_id=str(found.id))
        return AccountTest(ok=False, detail=f"internal error ({type(error).__name__})")
    await carriers.note(deps, found, None)
    await arranging.look_again(deps, found)
    await _wake(deps, found)
    return AccountTest(ok=True)


async def _wake(deps: Deps, account: ProviderAccount) -> None:
    """Have tried what waits for the account: what it failed at may be mended."""
    now = deps.now()
    # Overdue by a lease, since the sweep calls what is due by the name of a job that is put off.
    await breakers.wake(account, now=now, due_at=now - deps.settings.lease)


def _part(command: CreateProviderAccount) -> tuple[ProviderType, Command]:
    if command.smtp is not None:
        return ProviderType.SMTP, command.smtp
    if command.resend is not None:
        return ProviderType.RESEND, command.resend
    if command.graph is not None:
        return ProviderType.GRAPH, command.graph
    raise RuntimeError("a command without a part was read")


def _mailbox(options: dict[str, Any], now: datetime) -> GraphOptions:
    mailbox = GraphOptions(**options)
    begin_receiving(mailbox, now, since=mailbox.receives_since)
    return mailbox


def _split(part: Command) -> tuple[dict[str, Any], dict[str, str]]:
    """Part what may be shown from what must be sealed."""
    shown = {name: value for name, value in part if name not in SECRETS}
    secrets = {
        name: value.get_secret_value() for name, value in part if isinstance(value, SecretStr)
    }
    return shown, secrets


async def _changes(
    deps: Deps, caller: Caller, found: ProviderAccount, command: UpdateProviderAccount
) -> dict[str, Any]:
    """Work out the stored fields that change; null ones are taken away."""
    given = command.model_dump(exclude_unset=True, include={"name", "sender_emails"})
    changes = {to_camel(name): value for name, value in given.items()}
    if "fallback_id" in command.model_fields_set:
        changes["fallbackId"] = await _fallback(caller, command.fallback_id, of=found)
    kind, part = _changed_part(found, command)
    if part is None:
        return changes
    options, secrets = _split(part)
    options = {name: options[name] for name in options.keys() & part.model_fields_set}
    secrets = {name: secrets[name] for name in secrets.keys() & part.model_fields_set}
    gone = (SECRETS & part.model_fields_set) - secrets.keys()
    if found.smtp is not None:
        merged = found.smtp.model_copy(update=options)
        await check_relay(deps.settings, found, merged, secrets, gone=gone)
        if merged.username is None:
            gone |= {"password"}
    if found.graph is not None:
        mailbox = found.graph.model_copy(update=options)
        since = options.get("receives_since")
        begin_receiving(mailbox, deps.now(), before=found.graph, since=since)
        if mailbox.receives_since != found.graph.receives_since:
            options["receives_since"] = mailbox.receives_since
    kept = sealed(deps.settings, caller.tenant, found.id, secrets) if secrets else {}
    return {
        **changes,
        **{f"{kind}.{to_camel(name)}": value for name, value in options.items()},
        **{f"secrets.{name}": value for name, value in kept.items()},
        **{f"secrets.{name}": None for name in gone},
    }


def _changed_part(
    found: ProviderAccount, command: UpdateProviderAccount
) -> tuple[str, Command | None]:
    """Give the part of the account's kind. Raises InvalidInputError for one of another kind."""
    own = found.provider_type.value.lower()
    parts = {"smtp": command.smtp, "resend": command.resend, "graph": command.graph}
    foreign = [
        FieldError(name, f"is no part of an account of type {found.provider_type}")
        for name, part in parts.items()
        if part is not None and name != own
    ]
    if foreign:
        raise InvalidInputError.of(*foreign)
    return own, parts[own]


async def _fallback(
    caller: Caller, id_: str | None, *, of: ProviderAccount | None = None
) -> PydanticObjectId | None:
    if id_ is None:
        return None
    found = await ProviderAccount.of_tenant(caller.tenant, id_)
    if found is None:
        raise InvalidInputError.of(FieldError("fallbackId", "no provider account has this id"))
    if of is not None and of.id == found.id:
        raise InvalidInputError.of(FieldError("fallbackId", "must be another account"))
    return found.id
