"""What a notification of Graph comes to: a message fetched and taken in, or a mailbox looked after.

Each can be done again: what was cut off is done by whoever takes the event next.
"""

from datetime import timedelta

import structlog

from app.context import Caller, Deps
from app.documents import news as documents
from app.documents.deliveries import Delivery
from app.documents.mailbox_subscriptions import MailboxSubscription
from app.documents.origins import Origin
from app.documents.provider_accounts import ProviderAccount
from app.documents.provider_events import ProviderEvent
from app.documents.vocabulary import EventVerdict, ProviderType
from app.errors import AppError
from app.providers.base import ParkedError, PermanentError
from app.providers.graph import GraphInbox, GraphProvider, MissingError
from app.queue import JobName
from app.services import inbound
from app.services.account_providers import lent_provider
from app.services.graph_events import (
    CREATED,
    MISSED,
    REAUTHORIZE,
    REMOVED,
    message_of,
    subscription_of,
)
from app.services.mailboxes.arranging import receives
from app.services.mailboxes.catching_up import is_message_event
from app.services.news import Effect

log = structlog.get_logger()

# How long whoever looks after the mailbox at the moment may need.
_HELD = timedelta(seconds=5)
_GONE = Effect(EventVerdict.NO_MOVE, "the message is gone from the mailbox")
Found = tuple[Delivery | None, Effect]


async def of_event(deps: Deps, event: ProviderEvent) -> Found:
    """Do what a notification asks for. Raises TransientError while that cannot be done."""
    if event.kind in {MISSED, REAUTHORIZE, REMOVED}:
        return None, await _look_after(deps, event)
    message_id = message_of(event.raw)
    if event.kind != CREATED or message_id is None:
        # Of changes and deletions nothing is kept.
        return None, Effect(EventVerdict.NO_MOVE, "it tells of no new message")
    return None, await _received(deps, event, message_id)


async def _received(deps: Deps, event: ProviderEvent, message_id: str) -> Effect:
    account = await ProviderAccount.by_id(str(event.account_id))
    if account is None:
        return Effect(EventVerdict.FAILED, "the account was deleted")
    if is_message_event(event) and not receives(account):
        return Effect(EventVerdict.NO_MOVE, "the account receives no mail any more")
    try:
        async with lent_provider(deps, account) as provider:
            if not isinstance(provider, GraphProvider):
                return Effect(EventVerdict.FAILED, "the account is no mailbox any more")
            return await _take_in(deps, event, account, provider.inbox, message_id)
    except MissingError:
        return _GONE
    except (PermanentError, AppError) as error:
        # Empty or too large.
        return Effect(EventVerdict.FAILED, error.detail)


async def _take_in(
    deps: Deps,
    event: ProviderEvent,
    account: ProviderAccount,
    inbox: GraphInbox,
    message_id: str,
) -> Effect:
    described = await inbox.describe(message_id)
    if described is None:
        return _GONE
    if described.is_draft or described.is_sent:
        return Effect(EventVerdict.NO_MOVE, "the mailbox wrote it")
    if await _is_ours(account, described.senders, described.message_id):
        return Effect(EventVerdict.NO_MOVE, "it is a copy of mail that we sent")
    raw, error = await _octets(deps, inbox, message_id)
    mailbox = None if account.graph is None else account.graph.mailbox
    origin = Origin(
        provider=ProviderType.GRAPH,
        provider_id=message_id,
        account_id=account.id,
        recipients=() if mailbox is None or "@" not in mailbox else (mailbox,),
        conversation_id=described.conversation_id,
        mailbox=mailbox,
        taken_at=described.received,
        fetch_error=error,
    )
    caller = Caller.of_door(event.tenant_id, f"account:{account.id}")
    message = await inbound.ingest(deps, caller, raw, origin=origin)
    event.inbound_id = message.id
    await MailboxSubscription.note_received(account.id, message.received_at)
    return Effect(EventVerdict.APPLIED if error is None else EventVerdict.FAILED, error)


async def _octets(deps: Deps, inbox: GraphInbox, message_id: str) -> tuple[bytes, str | None]:
    """Fetch a message; without its attachments where it cannot be had whole, and why."""
    limit = deps.settings.inbound_limit
    try:
        return await inbox.fetch(message_id, limit=limit), None
    except MissingError:
        raise
    except PermanentError as error:
        log.warning("mailbox.not_whole", error=error.detail)
        return await inbox.stand_in(message_id, limit=limit), error.detail


async def _is_ours(
    account: ProviderAccount, senders: frozenset[str], message_id: str | None
) -> bool:
    """Whether it is a copy, to itself, of what this account sent: that is on record already."""
    own = {*account.sender_emails, "" if account.graph is None else account.graph.mailbox}
    if message_id is None or own.isdisjoint(senders):
        return False
    return await documents.named(account.tenant_id, message_ids=[message_id]) is not None


async def _look_after(deps: Deps, event: ProviderEvent) -> Effect:
    """Have done what Graph tells of the subscription's own life.

    (learn.microsoft.com/graph/change-notifications-lifecycle-events)
    """
    gone = subscription_of(event.raw) if event.kind == REMOVED else None
    if event.account_id is None or (event.kind == REMOVED and gone is None):
        return Effect(EventVerdict.NO_MOVE, "it tells of no subscription")
    called = await MailboxSubscription.call(
        event.account_id,
        now=deps.now(),
        renew=event.kind == REAUTHORIZE,
        look=event.kind != REAUTHORIZE,
        gone=gone,
    )
    if called is not None:
        await deps.queue.enqueue(JobName.MAILBOX, str(called.id), turn=called.claims)
        return Effect(EventVerdict.APPLIED)
    mailbox = await MailboxSubscription.of_account(event.account_id)
    if mailbox is None or gone not in {None, mailbox.subscription_id}:
        return Effect(EventVerdict.NO_MOVE, "it tells of no subscription that we have")
    raise ParkedError("the mailbox is being looked after", retry_after=_HELD)
