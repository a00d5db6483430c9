"""By which account of the tenant a mail goes that is being accepted."""

from collections.abc import Sequence
from dataclasses import dataclass

from beanie import PydanticObjectId

from app.context import Deps
from app.documents.provider_accounts import ProviderAccount
from app.documents.vocabulary import ProviderType
from app.errors import FieldError
from app.mail.addresses import parse_mailbox


@dataclass(frozen=True)
class Route:
    """By whom a mail goes, and as whose: the service's own provider where `account_id` is None."""

    provider_type: ProviderType
    account_id: PydanticObjectId | None
    sender: str


async def choose(
    deps: Deps,
    tenant: str,
    *,
    provider_type: ProviderType | None,
    sender_email: str | None,
    before: PydanticObjectId | None = None,
) -> Route | FieldError:
    """Choose the account of a mail, or tell what is wrong with these wishes.

    A provider type leaves the accounts of that type. Among them the account goes first that has
    the sender's very address, then the one that has its `@domain`, then the tenant's default; for
    a provider type also the oldest. Without an account the service's own relay carries it. The
    account `before`, by which its conversation ran, goes before all of these while there is one.

    The sender of mail that names none is the account's first address, else the service's.
    """
    accounts = await deps.gathered.accounts(tenant)
    account = _same(accounts, provider_type, before) or _account(
        accounts, provider_type, sender_email
    )
    own = provider_type or next(iter(deps.providers))
    if account is None and own not in deps.providers:
        usable = sorted({*deps.providers, *(account.provider_type for account in accounts)})
        reason = f"{provider_type} is not set up here; usable: {', '.join(usable)}"
        return FieldError("providerType", reason)
    sender = sender_email or _first_address(account) or deps.settings.default_sender_email
    if sender is None:
        return FieldError("senderEmail", "is required: this service has no default sender")
    if account is None:
        return Route(own, None, sender)
    return Route(account.provider_type, account.id, sender)


async def own_address(tenant: str, addresses: Sequence[str]) -> str | None:
    """Find the first of these addresses that is a sender of one of the tenant's accounts."""
    accounts = await ProviderAccount.choices(tenant)
    for text in addresses:
        try:
            if _of_sender(accounts, text) is not None:
                return text
        except ValueError:
            continue
    return None


async def own_addresses(tenant: str) -> set[str]:
    """Give the addresses, in lower case, that are the tenant's own by its accounts."""
    accounts = await ProviderAccount.choices(tenant)
    own = {sender for account in accounts for sender in account.sender_emails}
    boxes = {account.graph.mailbox.lower() for account in accounts if account.graph is not None}
    return {sender for sender in own if not sender.startswith("@")} | boxes


def _same(
    accounts: Sequence[ProviderAccount],
    provider_type: ProviderType | None,
    id_: PydanticObjectId | None,
) -> ProviderAccount | None:
    fitting = (one for one in accounts if provider_type in {None, one.provider_type})
    return next((one for one in fitting if one.id == id_), None)


def _account(
    accounts: Sequence[ProviderAccount],
    provider_type: ProviderType | None,
    sender_email: str | None,
) -> ProviderAccount | None:
    fitting = [one for one in accounts if provider_type in {None, one.provider_type}]
    chosen = _of_sender(fitting, sender_email)
    if chosen is not None or not fitting:
        return chosen
    oldest = None if provider_type is None else fitting[0]
    return next((one for one in fitting if one.is_default), oldest)


def _of_sender(
    accounts: Sequence[ProviderAccount], sender_email: str | None
) -> ProviderAccount | None:
    if sender_email is None:
        return None
    address = parse_mailbox(sender_email).address.lower()
    for sender in (address, f"@{address.rpartition('@')[2]}"):
        for account in accounts:
            if sender in account.sender_emails:
                return account
    return None


def _first_address(account: ProviderAccount | None) -> str | None:
    """Give the first address it is for; of a mailbox without any, its own."""
    if account is None:
        return None
    for sender in account.sender_emails:
        if not sender.startswith("@"):
            return sender
    if account.graph is not None and "@" in account.graph.mailbox:
        return account.graph.mailbox
    return None
