"""What providers' events come to, whoever told them: one verdict each, kept with the event."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import structlog

from app.context import Caller, Deps
from app.documents import news as documents
from app.documents.base import StoreUnavailableError
from app.documents.deliveries import Delivery
from app.documents.inbound_messages import InboundMessage
from app.documents.origins import Origin
from app.documents.provider_accounts import ProviderAccount
from app.documents.provider_events import ProviderEvent
from app.documents.vocabulary import EventSource, EventVerdict, NewsKind, ProviderType
from app.errors import AppError
from app.mail.reports import Fate, read_report
from app.providers.base import ParkedError, PermanentError, TransientError
from app.providers.graph import GraphProvider
from app.services import identification, inbound, news, provider_events
from app.services.account_providers import lent_provider
from app.services.graph_events import CREATED, message_of
from app.services.news import Effect, News
from app.services.receiving import resend as resend_mail
from app.services.resend_events import ResendEvent, read_event

log = structlog.get_logger()

# Faults of ours, or of the provider that is asked, before an event is given up.
FAULT_LIMIT = 10
# The longest wait between two looks at a delivery that is not settled. Whoever settles a mail wakes
# what waits for it; this is for when that was lost, and for list mail, which is settled in batches.
_SETTLING = timedelta(minutes=5)
_LONGEST_WAIT = timedelta(hours=6)
_FATES = {
    Fate.RETURNED: NewsKind.BOUNCED,
    Fate.NOT_TAKEN: NewsKind.SOFT_BOUNCED,
    Fate.DELAYED: NewsKind.DEFERRED,
    Fate.COMPLAINED: NewsKind.COMPLAINED,
}
Found = tuple[Delivery | None, Effect]


async def process(deps: Deps, event_id: str) -> None:
    """Look into an event that is due, and write down what came of it.

    Does nothing for one that has its verdict, is not due, or is in other hands.
    """
    now = deps.now()
    event = await ProviderEvent.claim(event_id, now=now, until=now + deps.settings.lease)
    if event is None:
        return
    try:
        delivery, effect = await _READERS[event.source](deps, event)
    except StoreUnavailableError:
        # The sweep finds it when the lease ends.
        raise
    except ParkedError as error:
        await event.wait(deps.now() + min(error.retry_after or _SETTLING, _LONGEST_WAIT))
        return
    except TransientError as error:
        log.warning("event.unread", event_id=event_id, error=type(error).__name__)
        await _blame(deps, event, error.detail, error.retry_after)
        return
    except Exception:
        log.exception("event.fault", event_id=event_id)
        await _blame(deps, event, "it could not be looked into")
        return
    if effect.verdict is None:
        waits_for = None if delivery is None else delivery.id
        wait = min(provider_events.pause(event.claims - 1), _SETTLING)
        await event.wait(deps.now() + wait, delivery_id=waits_for)
        if delivery is not None and not await documents.await_settling(delivery.id):
            # Settled in between, when nobody knew yet that this one waits.
            await provider_events.wake(deps, delivery.id)
        return
    await event.settle(
        effect.verdict,
        now=deps.now(),
        reason=effect.reason,
        delivery_id=None if delivery is None else delivery.id,
        communication_id=None if delivery is None else delivery.communication_id,
    )
    log.info("event.settled", event_id=event_id, source=event.source, verdict=effect.verdict)


async def _blame(
    deps: Deps, event: ProviderEvent, reason: str, retry_after: timedelta | None = None
) -> None:
    is_received = event.kind == resend_mail.RECEIVED and event.source is EventSource.RESEND
    if event.faults + 1 >= (resend_mail.FAULT_LIMIT if is_received else FAULT_LIMIT):
        if is_received:
            await resend_mail.keep_as_told(deps, event, reason)
        await event.settle(EventVerdict.FAILED, now=deps.now(), reason=reason)
        return
    asked = min(retry_after or timedelta(0), _LONGEST_WAIT)
    wait = max(provider_events.pause(event.faults), asked)
    await event.wait(deps.now() + wait, faults=1)


async def _of_mail(deps: Deps, event: ProviderEvent) -> Found:
    """Let the mail that a received report is about follow what it says."""
    raw = await InboundMessage.octets(event.inbound_id)
    report = None if raw is None else read_report(raw)
    if report is None:
        return None, Effect(EventVerdict.NO_MOVE, "the message is no report")
    if not report.findings:
        return None, Effect(EventVerdict.NO_MOVE, "it tells of no failure")
    delivery = await documents.named(event.tenant_id, message_ids=list(report.message_ids))
    if delivery is None:
        return None, Effect(EventVerdict.UNKNOWN, "no mail of ours has its Message-ID")
    told = [
        News(
            id=f"{event.id}.{index}",
            kind=_FATES[finding.fate],
            address=finding.address,
            date=event.created,
            words=finding.words,
        )
        for index, finding in enumerate(report.findings)
    ]
    return delivery, await news.apply(deps, delivery, told)


async def _of_resend(deps: Deps, event: ProviderEvent) -> Found:
    """Let the mail that Resend tells of follow; a tag of ours or Resend's id names it.

    Mail that it received is fetched. Raises TransientError while that cannot be had.
    """
    if event.kind == resend_mail.RECEIVED:
        return None, await resend_mail.take_in(deps, event)
    told = read_event(event.raw)
    delivery = await _delivery_of(event.tenant_id, told)
    if delivery is None:
        return None, Effect(EventVerdict.UNKNOWN, "no mail of ours has this tag or id")
    # Resend's own clock tells the order of its events; ours when one came.
    date = event.created if told.date is None else min(told.date, event.created)
    kind = told.kind
    effect = await news.apply(
        deps,
        delivery,
        []
        if kind is None
        else [
            News(f"{event.id}.{index}", kind, address, date, told.words)
            for index, address in enumerate(told.addresses or [None])
        ],
    )
    if (
        effect.verdict is not None
        and told.message_id is not None
        and delivery.internet_message_id is None
    ):
        # Resend makes the Message-ID; only now it is known what answers will name.
        await identification.record(deps, delivery, told.message_id)
    return delivery, effect if told.no_move is None else replace(effect, reason=told.no_move)


async def _delivery_of(tenant: str, told: ResendEvent) -> Delivery | None:
    if told.delivery_id is not None:
        tagged = await Delivery.of_tenant(tenant, told.delivery_id)
        if tagged is not None:
            return tagged
    return await documents.named(tenant, provider_id=told.email_id)


async def _of_graph(deps: Deps, event: ProviderEvent) -> Found:
    """Fetch the mail that a mailbox received, and take it in as its tenant's.

    Raises TransientError while it cannot be had.
    """
    message_id = message_of(event.raw)
    if event.kind != CREATED or message_id is None:
        # Of changes and deletions nothing is kept; the subscription's life is its maker's business.
        return None, Effect(EventVerdict.NO_MOVE, "it tells of no new message")
    account = await ProviderAccount.by_id(str(event.account_id))
    if account is None:
        return None, Effect(EventVerdict.FAILED, "the account was deleted")
    try:
        raw = await _fetched(deps, account, message_id)
        caller = Caller.of_door(event.tenant_id, f"account:{account.id}")
        origin = Origin(
            provider=ProviderType.GRAPH,
            provider_id=message_id,
            account_id=account.id,
            mailbox=None if account.graph is None else account.graph.mailbox,
        )
        message = await inbound.ingest(deps, caller, raw, origin=origin)
    except (PermanentError, AppError) as error:
        # Gone, moved away, empty or too large.
        return None, Effect(EventVerdict.FAILED, error.detail)
    event.inbound_id = message.id
    return None, Effect(EventVerdict.APPLIED)


async def _fetched(deps: Deps, account: ProviderAccount, message_id: str) -> bytes:
    async with lent_provider(deps, account) as provider:
        if not isinstance(provider, GraphProvider):
            raise PermanentError("the account is no mailbox any more")
        return await provider.fetch_mime(message_id, limit=deps.settings.inbound_limit)


_READERS: Mapping[EventSource, Callable[[Deps, ProviderEvent], Awaitable[Found]]] = {
    EventSource.MAIL: _of_mail,
    EventSource.RESEND: _of_resend,
    EventSource.GRAPH: _of_graph,
}
