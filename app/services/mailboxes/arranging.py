"""Which mailboxes are looked after: those of accounts that receive, whatever happened meanwhile."""

import asyncio
from datetime import datetime, timedelta

import structlog

from app.context import Deps
from app.documents.mailbox_subscriptions import MailboxSubscription
from app.documents.provider_accounts import ProviderAccount
from app.providers.base import ProviderError
from app.providers.graph import GraphProvider
from app.queue import JobName
from app.services.account_providers import open_provider

log = structlog.get_logger()

# How long whoever changes or deletes an account waits for Graph.
FAREWELL = timedelta(seconds=10)


def receives(account: ProviderAccount | None) -> bool:
    """Whether the mail of this account's mailbox is to be taken in."""
    return account is not None and account.graph is not None and account.graph.receives_mail


async def arrange(
    deps: Deps, account: ProviderAccount, *, before: ProviderAccount | None = None
) -> None:
    """Have the mailbox of an account looked after as its settings say now.

    `before` is the account before the change. Its subscription is ended here where the application
    changed, since nobody but the old one may end it. What is cut off here is found by `reconcile`.
    """
    if not receives(account) and not receives(before):
        return
    if before is not None and _application(before) != _application(account):
        await end_subscription(deps, before)
    await _look_after(deps, account)


async def end_subscription(deps: Deps, account: ProviderAccount) -> None:
    """Have Graph tell nothing more of an account's mailbox, if it does so within 10 seconds.

    Otherwise the subscription ends by itself within a week, and what it tells is dropped.
    """
    mailbox = await MailboxSubscription.of_account(account.id)
    if mailbox is None or mailbox.subscription_id is None:
        return
    try:
        async with asyncio.timeout(FAREWELL.total_seconds()):
            provider = open_provider(deps, account)
            if isinstance(provider, GraphProvider):
                await provider.subscriptions.end(mailbox.subscription_id)
    except (ProviderError, TimeoutError) as error:
        log.warning("mailbox.not_left", account_id=str(account.id), error=type(error).__name__)
        return
    await MailboxSubscription.call(account.id, now=deps.now(), gone=mailbox.subscription_id)


async def forget(account: ProviderAccount) -> None:
    """Look after the mailbox of a deleted account no more."""
    await MailboxSubscription.forget(account.id)


async def look_again(deps: Deps, account: ProviderAccount) -> None:
    """Have the mailbox of an account looked into now: what it failed at may be mended."""
    if receives(account):
        await _look_after(deps, account)


async def reconcile(deps: Deps) -> None:
    """Look after mailboxes that nobody looks after: whoever began it was cut off."""
    receiving = await ProviderAccount.receiving()
    for id_ in set(receiving) - await MailboxSubscription.known(receiving):
        account = await ProviderAccount.by_id(id_)
        if account is not None and receives(account):
            await _look_after(deps, account)


async def _look_after(deps: Deps, account: ProviderAccount) -> None:
    """Have it done now, or once more after whoever has the mailbox in hands."""
    while True:
        now = deps.now()
        if await _begin(account, now):
            await deps.queue.enqueue(JobName.MAILBOX, str(account.id), turn=0)
            return
        called = await MailboxSubscription.call(account.id, now=now, renew=True, look=True)
        if called is not None:
            await deps.queue.enqueue(JobName.MAILBOX, str(account.id), turn=called.claims)
            return
        held = await MailboxSubscription.call_again(account.id, now=now)
        if held or await MailboxSubscription.of_account(account.id) is None:
            return


async def _begin(account: ProviderAccount, now: datetime) -> bool:
    """Look after the mailbox of an account that receives; False where that is done already."""
    if account.graph is None or not account.graph.receives_mail:
        return False
    mailbox = MailboxSubscription(
        id=account.id,
        tenant_id=account.tenant_id,
        place=account.graph.place,
        since=account.graph.receives_since or now,
        subscribe_at=now,
        poll_at=now,
        due_at=now,
        created=now,
    )
    return await mailbox.store_once()


def _application(account: ProviderAccount) -> tuple[str, str] | None:
    return None if account.graph is None else account.graph.application
