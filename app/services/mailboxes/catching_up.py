"""Looking into the Inbox for what nobody told of: by Graph's delta query, from where we were."""

import random
from collections.abc import Sequence
from datetime import timedelta

import orjson
import structlog

from app.context import Deps
from app.documents import origins
from app.documents.mailbox_subscriptions import MailboxSubscription
from app.documents.origins import Origin
from app.documents.provider_accounts import ProviderAccount
from app.documents.provider_events import ProviderEvent
from app.documents.vocabulary import EventSource, ProviderType
from app.providers.base import ProviderError
from app.providers.graph import GraphInbox, ResyncError
from app.services import provider_events
from app.services.graph_events import CREATED
from app.services.mailboxes.setbacks import setback_of

log = structlog.get_logger()

_OURS = "message:"
# Then others have their turn; the mailbox is due again at once.
PAGES = 40


def message_event(
    deps: Deps, account: ProviderAccount, message_id: str, raw: bytes
) -> ProviderEvent:
    """Make the event that has a message fetched: one, however often and by whom it is told."""
    now = deps.now()
    return ProviderEvent(
        tenant_id=account.tenant_id,
        source=EventSource.GRAPH,
        account_id=account.id,
        event_id=f"{_OURS}{message_id}",
        kind=CREATED,
        raw=raw,
        created=now,
        due_at=now,
        expires=now + deps.settings.event_retention,
    )


def is_message_event(event: ProviderEvent) -> bool:
    """Whether it is of a mailbox that we look after, and of no subscription made by hand."""
    return event.event_id.startswith(_OURS)


async def catch_up(
    deps: Deps, mailbox: MailboxSubscription, account: ProviderAccount, inbox: GraphInbox
) -> MailboxSubscription:
    """Have fetched what came into the Inbox since the last look; where it ends is written down.

    After each page: what was cut off goes on there, and what is told twice is fetched once. Where
    Graph does not know any more where that was, all of the Inbox is gone through once more.
    """
    began, found, is_lost = deps.now(), 0, False
    for _ in range(PAGES):
        try:
            page = await inbox.page(mailbox.link, since=mailbox.since)
        except ResyncError as error:
            log.warning("mailbox.resync", account_id=str(mailbox.id))
            mailbox = await mailbox.follow(None)
            if is_lost:
                return await _not_read(deps, mailbox, error)
            is_lost = True
            continue
        except ProviderError as error:
            return await _not_read(deps, mailbox, error)
        found += await _have_fetched(deps, account, page.ids)
        mailbox = await mailbox.follow(page.link)
        if page.is_last:
            return await mailbox.has_read(began, again_at=deps.now() + _interval(deps, mailbox))
    # Not before what was found so far can have been fetched.
    again_at = deps.now() + found * provider_events.APART
    return await mailbox.not_read(None, again_at=again_at, counted=0)


async def _have_fetched(deps: Deps, account: ProviderAccount, ids: Sequence[str]) -> int:
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
    new = await provider_events.keep_all(deps, events)
    if new:
        log.info("mailbox.caught_up", account_id=str(account.id), messages=new)
    return new


async def _not_read(
    deps: Deps, mailbox: MailboxSubscription, error: ProviderError
) -> MailboxSubscription:
    log.warning("mailbox.unread", account_id=str(mailbox.id), error=type(error).__name__)
    setback = setback_of(error, before=mailbox.read_faults)
    return await mailbox.not_read(
        setback.words, again_at=deps.now() + setback.wait, counted=int(setback.is_counted)
    )


def _interval(deps: Deps, mailbox: MailboxSubscription) -> timedelta:
    """Wait for the next look: a tenth more or less, so that mailboxes do not come all at once."""
    settings = deps.settings
    told = mailbox.subscription_id is not None
    wait = settings.graph_catch_up_interval if told else settings.graph_poll_interval
    share = random.uniform(0.9, 1.1)  # noqa: S311 - no secret
    return timedelta(seconds=round(wait.total_seconds() * share))
