"""What providers' events come to, whoever told them: one verdict each, kept with the event."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import structlog

from app.context import Deps
from app.documents import news as documents
from app.documents.base import StoreUnavailableError
from app.documents.deliveries import Delivery
from app.documents.inbound_messages import InboundMessage
from app.documents.provider_events import ProviderEvent
from app.documents.vocabulary import EventSource, EventVerdict, NewsKind
from app.mail.reports import Fate, read_report
from app.providers.base import ParkedError, TransientError
from app.services import identification, news, provider_events
from app.services.mailboxes import fetching
from app.services.news import Effect, News
from app.services.receiving import resend as resend_mail
from app.services.resend_events import ResendEvent, read_event
from app.services.told_engagement import keep_told

log = structlog.get_logger()

# Faults of ours, or of the provider that is asked, before an event is given up.
FAULT_LIMIT = 10
# The longest wait between two looks at a delivery that is not settled. Whoever settles a mail wakes
# what waits for it; this is for when that was lost, and for list mail, which is settled in batches.
_SETTLING = timedelta(minutes=5)
_LONGEST_WAIT = timedelta(hours=6)
# For how much of the time that it is kept anyway.
_PATIENCE = 0.9
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
        # Not its turn yet, which is no fault.
        await event.wait(deps.now() + min(error.retry_after or _SETTLING, _LONGEST_WAIT))
        return
    except TransientError as error:
        log.warning("event.unread", event_id=event_id, error=type(error).__name__)
        await _blame(deps, event, error.detail, passing=error)
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
    deps: Deps, event: ProviderEvent, reason: str, passing: TransientError | None = None
) -> None:
    if _is_given_up(deps, event, passing):
        if _is_resend_mail(event):
            await resend_mail.keep_as_told(deps, event, reason)
        await event.settle(EventVerdict.FAILED, now=deps.now(), reason=reason)
        return
    retry_after = None if passing is None else passing.retry_after
    asked = min(retry_after or timedelta(0), _LONGEST_WAIT)
    wait = max(provider_events.pause(event.faults), asked)
    await event.wait(deps.now() + wait, faults=1)


def _is_given_up(deps: Deps, event: ProviderEvent, passing: TransientError | None) -> bool:
    """Whether nothing more comes of it; mail that only cannot be fetched yet has longest."""
    if passing is not None and event.source is EventSource.GRAPH:
        return deps.now() >= event.created + (event.expires - event.created) * _PATIENCE
    limit = resend_mail.FAULT_LIMIT if _is_resend_mail(event) else FAULT_LIMIT
    return event.faults + 1 >= limit


def _is_resend_mail(event: ProviderEvent) -> bool:
    return event.kind == resend_mail.RECEIVED and event.source is EventSource.RESEND


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
    if effect.verdict is not None and told.hit is not None:
        effect = await keep_told(deps, delivery, event, told, told.hit)
    return delivery, effect if told.no_move is None else replace(effect, reason=told.no_move)


async def _delivery_of(tenant: str, told: ResendEvent) -> Delivery | None:
    if told.delivery_id is not None:
        tagged = await Delivery.of_tenant(tenant, told.delivery_id)
        if tagged is not None:
            return tagged
    return await documents.named(tenant, provider_id=told.email_id)


_READERS: Mapping[EventSource, Callable[[Deps, ProviderEvent], Awaitable[Found]]] = {
    EventSource.MAIL: _of_mail,
    EventSource.RESEND: _of_resend,
    EventSource.GRAPH: fetching.of_event,
}
