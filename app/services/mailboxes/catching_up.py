"""Looking into the Inbox for what nobody told of: by Graph's delta query, from where we were."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import orjson
import structlog

from app.context import Deps
from app.documents import origins
from app.documents.mailbox_subscriptions import MailboxSubscription
from app.documents.origins import Origin
from app.documents.provider_accounts import ProviderAccount
from app.documents.provider_events import ProviderEvent
from app.documents.vocabulary import EventSource, ProviderType
from app.providers.base import AccountError, ParkedError, ProviderError, TransientError
from app.providers.graph import GraphInbox, ResyncError
from app.services import provider_events
from app.services.graph_events import CREATED

log = structlog.get_logger()

# Then others have their turn; the mailbox is due again at once.
PAGES = 40
# Mail that came so long before the last look that ended well is looked at again, where Graph does
# not know any more where that was: it may have been moved into the Inbox since.
OVERLAP = timedelta(days=7)
# From the third on it is told.
_PASSING = 2
_LONGEST_WAIT = timedelta(hours=1)
_PARKED = timedelta(seconds=5)


def message_event(
    deps: Deps, account: ProviderAccount, message_id: str, raw: bytes
) -> ProviderEvent:
    """Make the event that has a message fetched: one, however often and by whom it is told."""
    now = deps.now()
    return ProviderEvent(
        tenant_id=account.tenant_id,
        source=EventSource.GRAPH,
        account_id=account.id,
        event_id=f"message:{message_id}",
        kind=CREATED,
        raw=raw,
        created=now,
        due_at=now,
        expires=now + deps.settings.event_retention,
    )


async def catch_up(
    deps: Deps, mailbox: MailboxSubscription, account: ProviderAccount, inbox: GraphInbox
) -> MailboxSubscription:
    """Have fetched what came into the Inbox since the last look; where it ends is written down.

    After each page: what was cut off goes on there, and what is told twice is fetched once.
    """
    began = deps.now()
    for _ in range(PAGES):
        try:
            page = await inbox.page(mailbox.link, since=_since(mailbox))
        except ResyncError as error:
            if mailbox.link is None:
                return await _not_read(deps, mailbox, error)
            log.warning("mailbox.resync", account_id=str(mailbox.id))
            mailbox = await mailbox.follow(None)
            continue
        except ProviderError as error:
            return await _not_read(deps, mailbox, error)
        await _have_fetched(deps, account, page.ids)
        mailbox = await mailbox.follow(page.link)
        if page.is_last:
            return await mailbox.has_read(began, again_at=deps.now() + _interval(deps, mailbox))
    return await mailbox.not_read(None, again_at=deps.now(), counted=0)


async def _have_fetched(deps: Deps, account: ProviderAccount, ids: Sequence[str]) -> None:
    place = None if account.graph is None else account.graph.mailbox
    keys = {
        id_: Origin(provider=ProviderType.GRAPH, provider_id=id_, mailbox=place).key or ""
        for id_ in ids
    }
    known = await origins.known_keys(account.tenant_id, keys.values())
    events = [
        message_event(
            deps,
            account,
            id_,
            orjson.dumps({"changeType": CREATED, "resourceData": {"id": id_}}),
        )
        for id_, key in keys.items()
        if key not in known
    ]
    if new := await provider_events.keep_all(deps, events):
        log.info("mailbox.caught_up", account_id=str(account.id), messages=new)


async def _not_read(
    deps: Deps, mailbox: MailboxSubscription, error: ProviderError
) -> MailboxSubscription:
    """Put the look off. Only what does not pass by itself is told."""
    now = deps.now()
    if isinstance(error, ParkedError):
        return await mailbox.not_read(
            None, again_at=now + (error.retry_after or _PARKED), counted=0
        )
    asked = error.retry_after if isinstance(error, TransientError) else None
    wait = max(
        provider_events.pause(mailbox.read_faults), min(asked or timedelta(0), _LONGEST_WAIT)
    )
    is_passing = isinstance(error, TransientError) and not isinstance(error, AccountError)
    words = None if is_passing and mailbox.read_faults < _PASSING else error.detail
    log.warning("mailbox.unread", account_id=str(mailbox.id), error=type(error).__name__)
    return await mailbox.not_read(words, again_at=now + wait)


def _since(mailbox: MailboxSubscription) -> datetime:
    if mailbox.read_at is None:
        return mailbox.since
    return max(mailbox.since, mailbox.read_at - OVERLAP)


def _interval(deps: Deps, mailbox: MailboxSubscription) -> timedelta:
    """Wait for the next look: a tenth more or less, so that mailboxes do not come all at once."""
    settings = deps.settings
    told = mailbox.subscription_id is not None
    wait = settings.graph_catch_up_interval if told else settings.graph_poll_interval
    share = random.uniform(0.9, 1.1)  # noqa: S311 - no secret
    return timedelta(seconds=round(wait.total_seconds() * share))
