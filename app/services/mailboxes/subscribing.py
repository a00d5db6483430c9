"""Having Graph tell of new mail: the subscription is made, renewed, and made anew."""

import hashlib
import hmac
import random
import secrets
from datetime import datetime, timedelta

import structlog

from app.context import Deps
from app.documents.mailbox_subscriptions import LostLeaseError, MailboxSubscription
from app.providers.base import ProviderError
from app.providers.graph import LIFE, GraphSubscriptions
from app.services.mailboxes.setbacks import setback_of
from app.settings import Settings

log = structlog.get_logger()

# It is renewed within this part of its life, each time at another moment.
_RENEWED = (0.5, 0.75)
_LONGEST_WAIT = timedelta(hours=1)
_PATH = "/api/v1/webhooks/graph"


def address_of(settings: Settings, mailbox: MailboxSubscription) -> str | None:
    """Where Graph tells of a mailbox; None where it would not: it demands https."""
    if settings.public_url.scheme != "https":
        return None
    return f"{settings.public_base}{_PATH}/{mailbox.id}"


def is_due(settings: Settings, mailbox: MailboxSubscription, now: datetime) -> bool:
    """Whether the subscription is to be made, renewed, or moved to another address."""
    if mailbox.subscribe_at <= now:
        return True
    return mailbox.subscription_id is not None and mailbox.url != address_of(settings, mailbox)


def proves(mailbox: MailboxSubscription, client_state: str) -> bool:
    """Whether who brings this was told it by us, when the subscription was made."""
    return mailbox.client_state is not None and hmac.compare_digest(
        mailbox.client_state, _digest(client_state)
    )


async def keep_up(
    deps: Deps, mailbox: MailboxSubscription, subscriptions: GraphSubscriptions
) -> MailboxSubscription:
    """Renew the subscription, or make it where there is none; what fails is tried again."""
    now = deps.now()
    address = address_of(deps.settings, mailbox)
    try:
        if address is None:
            return await _without_notices(deps, mailbox, subscriptions)
        if mailbox.subscription_id is not None and mailbox.url == address:
            renewed = await subscriptions.renew(mailbox.subscription_id, expires_at=now + LIFE)
            if renewed is not None:
                return await mailbox.subscribed(
                    renewed.id,
                    expires_at=renewed.expires_at,
                    renew_at=_renewal(now, renewed.expires_at),
                )
            log.warning("mailbox.subscription_gone", account_id=str(mailbox.id))
        return await _make(deps, mailbox, subscriptions, address)
    except ProviderError as error:
        log.warning("mailbox.unsubscribed", account_id=str(mailbox.id), error=type(error).__name__)
        setback = setback_of(error, before=mailbox.notice_faults)
        return await mailbox.not_subscribed(
            setback.words, again_at=now + setback.wait, counted=int(setback.is_counted)
        )


async def _make(
    deps: Deps, mailbox: MailboxSubscription, subscriptions: GraphSubscriptions, address: str
) -> MailboxSubscription:
    """Make a subscription under a new secret, and look what came while there was none.

    Of those that were made before and never written down nothing stays: Graph would tell all of
    it as often.
    """
    if mailbox.subscription_id is not None:
        await subscriptions.end(mailbox.subscription_id)
        mailbox = await mailbox.unsubscribed()
    for id_ in await subscriptions.those_of(address):
        await subscriptions.end(id_)
    state = secrets.token_urlsafe(32)
    mailbox = await mailbox.begin_subscribing(address, client_state=_digest(state))
    now = deps.now()
    made = await subscriptions.make(address, client_state=state, expires_at=now + LIFE)
    renew_at = _renewal(now, made.expires_at)
    try:
        subscribed = await mailbox.subscribed(
            made.id, expires_at=made.expires_at, renew_at=renew_at, look_at=now
        )
    except LostLeaseError:
        # Its account was deleted, or another worker makes its own.
        await subscriptions.end(made.id)
        raise
    log.info("mailbox.subscribed", account_id=str(mailbox.id))
    return subscribed


async def _without_notices(
    deps: Deps, mailbox: MailboxSubscription, subscriptions: GraphSubscriptions
) -> MailboxSubscription:
    if mailbox.subscription_id is not None:
        await subscriptions.end(mailbox.subscription_id)
        mailbox = await mailbox.unsubscribed()
    every = round(deps.settings.graph_poll_interval.total_seconds())
    words = (
        "Microsoft Graph tells of new mail at https addresses only, and LETTERBOX_PUBLIC_URL is "
        f"none: the mailbox is looked into every {every} seconds instead"
    )
    return await mailbox.not_subscribed(words, again_at=deps.now() + _LONGEST_WAIT)


def _renewal(now: datetime, expires_at: datetime) -> datetime:
    share = random.uniform(*_RENEWED)  # noqa: S311 - no secret
    seconds = max((expires_at - now).total_seconds() * share, 60.0)
    return now + timedelta(seconds=round(seconds))


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode("utf-8", "replace")).hexdigest()
