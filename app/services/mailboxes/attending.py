"""What a worker does with a mailbox that is due: its subscription, then a look into its Inbox."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from uuid import uuid4

import structlog

from app.context import Deps
from app.documents.base import StoreUnavailableError
from app.documents.mailbox_subscriptions import LostLeaseError, MailboxSubscription
from app.documents.provider_accounts import GraphOptions, ProviderAccount
from app.providers.base import ProviderError
from app.providers.graph import GraphProvider
from app.services.account_providers import lent_provider
from app.services.mailboxes import catching_up, subscribing
from app.services.mailboxes.arranging import receives
from app.services.provider_events import pause

log = structlog.get_logger()

# A subscription that cannot be ended now ends by itself when this is over.
_FAREWELL_PAUSE = timedelta(minutes=15)


async def attend(deps: Deps, id_: str) -> None:
    """Look after a mailbox that is due; does nothing for one that is not, or in other hands."""
    now = deps.now()
    mailbox = await MailboxSubscription.claim(
        id_, lease=uuid4().hex, now=now, until=now + deps.settings.lease
    )
    if mailbox is None:
        return
    try:
        async with _held(deps, mailbox):
            await _attend(deps, mailbox)
    except (StoreUnavailableError, LostLeaseError):
        # The sweep finds it when the lease ends, or whoever has it goes on.
        return
    except Exception:
        log.exception("mailbox.fault", account_id=id_)
        await _put_off(deps, mailbox, "it could not be looked into")
    await mailbox.release()


async def _attend(deps: Deps, mailbox: MailboxSubscription) -> None:
    account = await ProviderAccount.by_id(mailbox.id)
    if account is None or not receives(account) or account.graph is None:
        await _leave(deps, mailbox, account)
        return
    try:
        async with lent_provider(deps, account) as provider:
            if not isinstance(provider, GraphProvider):
                raise TypeError("the provider of a mailbox is another's")
            mailbox = await _moved(deps, mailbox, account.graph, provider)
            if subscribing.is_due(deps.settings, mailbox, deps.now()):
                mailbox = await subscribing.keep_up(deps, mailbox, provider.subscriptions)
            if mailbox.poll_at <= deps.now():
                await catching_up.catch_up(deps, mailbox, account, provider.inbox)
    except ProviderError as error:
        await _put_off(deps, mailbox, error.detail)


async def _moved(
    deps: Deps, mailbox: MailboxSubscription, options: GraphOptions, provider: GraphProvider
) -> MailboxSubscription:
    """Begin anew where the account is for another mailbox by now, or for mail of another time."""
    since = options.receives_since or mailbox.since
    if (mailbox.place, mailbox.since) == (options.place, since):
        return mailbox
    before = mailbox.place.rpartition("/")[0]
    own = before == "/".join(options.application) and mailbox.place != options.place
    if own and mailbox.subscription_id is not None:
        with suppress(ProviderError):
            await provider.subscriptions.end(mailbox.subscription_id)
    return await mailbox.restart(options.place, since=since, now=deps.now())


async def _leave(deps: Deps, mailbox: MailboxSubscription, account: ProviderAccount | None) -> None:
    """Have Graph tell nothing more, and forget the mailbox."""
    id_, ends = mailbox.subscription_id, mailbox.expires_at
    if id_ is not None and account is not None and (ends is None or ends > deps.now()):
        try:
            async with lent_provider(deps, account) as provider:
                if isinstance(provider, GraphProvider):
                    await provider.subscriptions.end(id_)
        except ProviderError as error:
            log.warning("mailbox.not_left", account_id=str(account.id), error=type(error).__name__)
            again = deps.now() + _FAREWELL_PAUSE
            mailbox = await mailbox.not_subscribed(error.detail, again_at=again)
            await mailbox.not_read(None, again_at=again)
            return
    await MailboxSubscription.forget(mailbox.id)


async def _put_off(deps: Deps, mailbox: MailboxSubscription, words: str) -> None:
    """Count a fault that kept all of it from being done."""
    again = deps.now() + pause(mailbox.read_faults + 2)
    with suppress(LostLeaseError):
        held = await mailbox.not_subscribed(None, again_at=max(mailbox.subscribe_at, again))
        await held.not_read(words, again_at=again)


@asynccontextmanager
async def _held(deps: Deps, mailbox: MailboxSubscription) -> AsyncIterator[None]:
    """Keep the lease alive for as long as the block runs."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(deps.settings.lease.total_seconds() / 3)
            try:
                await mailbox.extend(deps.now() + deps.settings.lease)
            except LostLeaseError:
                return
            except StoreUnavailableError as error:
                log.warning("mailbox.renewal_failed", error=type(error).__name__)

    renewal = asyncio.create_task(renew())
    try:
        yield
    finally:
        renewal.cancel()
