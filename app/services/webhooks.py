"""Webhooks of providers: who calls is proven first, what is told is kept, and that is all.

Providers wait a few seconds at most; a worker looks into it afterwards.
"""

import structlog
from beanie import PydanticObjectId

from app.context import Deps
from app.documents.mailbox_subscriptions import MailboxSubscription
from app.documents.provider_accounts import ProviderAccount
from app.documents.provider_events import ProviderEvent
from app.documents.vocabulary import EventSource, ProviderType
from app.errors import FieldError, InvalidInputError, NotFoundError, UnauthenticatedError
from app.services import provider_events, resend_events
from app.services.account_secrets import secret_of
from app.services.graph_events import CREATED, Notification, message_of, read_notifications
from app.services.mailboxes import catching_up, subscribing
from app.services.mailboxes.arranging import receives
from app.services.signatures import Signed, is_genuine

log = structlog.get_logger()

# What providers tell of one mail, or of some hundred.
BODY_LIMIT = 1024 * 1024
TOKEN_LIMIT = 4096


async def take_resend(deps: Deps, account_id: str, signed: Signed, body: bytes) -> None:
    """Keep an event of a Resend account; one that was told before stays as it is.

    Raises NotFoundError for an unknown account, UnauthenticatedError for a body that the account's
    secret did not sign within five minutes, InvalidInputError for a signed one that is no event.
    """
    account = await _account(account_id, ProviderType.RESEND)
    secret = secret_of(deps.settings, account, "webhook_secret")
    if secret is None or not is_genuine(secret, signed, body, now=deps.now()):
        raise UnauthenticatedError("The signature is not one of this account, or is too old.")
    kind = resend_events.type_of(body)
    if kind is None:
        raise InvalidInputError("The body is no event: it must be a JSON object with a type.")
    event = _event(deps, account, EventSource.RESEND, id_=signed.id, kind=kind, raw=body)
    await provider_events.keep(deps, event)


async def take_graph(deps: Deps, account_id: str, body: bytes) -> None:
    """Keep the notifications of a mailbox that prove to be Graph's by their `clientState`.

    It is that of the subscription we made, or the account's, where somebody else made one. The
    others are dropped: Graph is to be answered as if all were well. Raises NotFoundError for an
    unknown account, and what `graph_events.read_notifications` raises; then nothing is kept.
    """
    account = await _account(account_id, ProviderType.GRAPH)
    notifications = read_notifications(body)
    state = secret_of(deps.settings, account, "client_state")
    mailbox = await MailboxSubscription.of_account(account.id)
    events = []
    for one in notifications:
        is_ours = mailbox is not None and receives(account) and _is_of(mailbox, one)
        if is_ours or (state and one.is_genuine(state)):
            events.append(_graph_event(deps, account, one, is_ours=is_ours))
    if dropped := len(notifications) - len(events):
        log.warning("webhook.dropped", account_id=account_id, dropped=dropped)
    await provider_events.keep_all(deps, events)


async def greet_graph(account_id: str, token: str) -> str:
    """Answer Graph's question whether its notifications are wanted here: with its own token.

    Raises NotFoundError for an unknown account, InvalidInputError for a token that is none.
    """
    await _account(account_id, ProviderType.GRAPH)
    if not 0 < len(token) <= TOKEN_LIMIT:
        fault = FieldError("validationToken", f"must have 1 to {TOKEN_LIMIT} characters")
        raise InvalidInputError.of(fault)
    return token


def _is_of(mailbox: MailboxSubscription, one: Notification) -> bool:
    """Whether it is of the mailbox's subscription; while that is being made, its id is unknown."""
    known = {None, one.subscription_id}
    return mailbox.subscription_id in known and subscribing.proves(mailbox, one.client_state)


def _graph_event(
    deps: Deps, account: ProviderAccount, one: Notification, *, is_ours: bool
) -> ProviderEvent:
    """Make an event of a notification; of our own subscription, one for each message."""
    message_id = message_of(one.raw) if is_ours and one.kind == CREATED else None
    if message_id is not None:
        return catching_up.message_event(deps, account, message_id, one.raw)
    return _event(deps, account, EventSource.GRAPH, id_=one.id, kind=one.kind, raw=one.raw)


async def _account(id_: str, type_: ProviderType) -> ProviderAccount:
    account = await ProviderAccount.by_id(id_)
    if account is None or account.provider_type is not type_:
        raise NotFoundError("No account takes webhooks here.")
    return account


def _event(
    deps: Deps, account: ProviderAccount, source: EventSource, *, id_: str, kind: str, raw: bytes
) -> ProviderEvent:
    now = deps.now()
    return ProviderEvent(
        id=PydanticObjectId(),
        tenant_id=account.tenant_id,
        source=source,
        account_id=account.id,
        event_id=id_,
        kind=kind,
        raw=raw,
        created=now,
        due_at=now,
        expires=now + deps.settings.event_retention,
    )
