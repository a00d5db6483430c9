"""News of a mail that is out: what its recipients, its record and the suppressions make of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from app.context import Deps
from app.documents import news
from app.documents.communications import Event
from app.documents.deliveries import Delivery, DeliveryRecipient
from app.documents.vocabulary import (
    CommunicationStatus,
    DeliveryStatus,
    EventType,
    EventVerdict,
    NewsKind,
    RecipientStatus,
    SuppressionReason,
)
from app.services import outcomes, suppressions

log = structlog.get_logger()

_UNDERWAY = {RecipientStatus.PENDING, RecipientStatus.ACCEPTED, RecipientStatus.DEFERRED}
# A delay changes nothing that the record shows.
_EVENTS = {
    NewsKind.DELIVERED: EventType.DELIVER,
    NewsKind.BOUNCED: EventType.BOUNCE,
    NewsKind.SOFT_BOUNCED: EventType.BOUNCE,
    NewsKind.COMPLAINED: EventType.COMPLAIN,
    NewsKind.FAILED: EventType.FAIL,
}
_SUPPRESSING = {
    NewsKind.BOUNCED: SuppressionReason.BOUNCE,
    NewsKind.COMPLAINED: SuppressionReason.COMPLAINT,
}


@dataclass(frozen=True)
class News:
    """What became of a mail at one address, by event `id`; `address` is None when it is not told.

    `words` are those of the provider or of the recipient's server.
    """

    id: str
    kind: NewsKind
    address: str | None
    date: datetime
    words: str | None = None


@dataclass(frozen=True)
class Effect:
    """What came of news; `verdict` is None while it must wait for the hand-over to be recorded."""

    verdict: EventVerdict | None
    reason: str | None = None


async def apply(deps: Deps, delivery: Delivery, told: Sequence[News]) -> Effect:
    """Let the addresses of a delivery, its record and the tenant's suppressions follow the news.

    Cut off anywhere, it is completed when it is done again.
    """
    if delivery.status is DeliveryStatus.QUEUED and await news.await_settling(delivery.id):
        # The worker that hands it over has not written that down yet.
        return Effect(None)
    reasons = []
    applied = False
    for one in told:
        reason = await _apply(deps, delivery, one)
        applied = applied or reason is None
        reasons += [] if reason is None else [reason]
    verdict = EventVerdict.APPLIED if applied else EventVerdict.NO_MOVE
    return Effect(verdict, "; ".join(reasons) or None)


async def _apply(deps: Deps, delivery: Delivery, told: News) -> str | None:
    """Apply it to its address; why nothing moved, else None."""
    address, kind = _addressed(delivery, told)
    if address is None:
        return "it is not about an address of this mail"
    moved = await news.move_recipient(
        delivery.id, address, kind, date=told.date, words=told.words, news_id=told.id
    )
    if moved is None:
        current = await Delivery.get(delivery.id)
        recipient = None if current is None else _of(current, address)
        if current is None or recipient is None:
            return "the mail was deleted"
        if recipient.news_id != told.id:
            # Late, told by another before, or out of order: what stands there is the later truth.
            return f"the address is {recipient.status} already"
        # Cut off after this very move: what comes after it is done again.
        moved = current
    if kind in _SUPPRESSING:
        await suppressions.learn(
            deps,
            delivery.tenant_id,
            address,
            _SUPPRESSING[kind],
            detail=told.words,
            communication_id=delivery.communication_id,
        )
    if kind in _EVENTS:
        await news.follow(
            moved,
            standing(moved.recipients),
            remark=remark(moved.recipients),
            event=_event(deps, told, kind, address),
            now=deps.now(),
        )
    log.info("news.applied", delivery_id=str(delivery.id), kind=kind)
    return None


def _addressed(delivery: Delivery, told: News) -> tuple[str | None, NewsKind]:
    """Find the address as it stands in the envelope.

    Of a mail to one address, all news is about it. But a bounce that names another (it was
    forwarded, or rewritten on the way) does not prove that this one is wrong.
    """
    recipient = None if told.address is None else _of(delivery, told.address)
    if recipient is not None:
        return recipient.address, told.kind
    if len(delivery.recipients) > 1:
        return None, told.kind
    elsewhere = told.address is not None and told.kind is NewsKind.BOUNCED
    return delivery.recipients[0].address, NewsKind.SOFT_BOUNCED if elsewhere else told.kind


def _of(delivery: Delivery, address: str) -> DeliveryRecipient | None:
    wanted = address.lower()
    return next((r for r in delivery.recipients if r.address.lower() == wanted), None)


def standing(recipients: Sequence[DeliveryRecipient]) -> CommunicationStatus:
    """Tell where a mail stands by its recipients.

    One who complains makes it COMPLAINED. It is DELIVERED once one address has it, and BOUNCED
    when it came back from all that it went to; the addresses it did not reach are in the remark.
    """
    statuses = {r.status for r in recipients}
    if RecipientStatus.COMPLAINED in statuses:
        return CommunicationStatus.COMPLAINED
    if RecipientStatus.DELIVERED in statuses:
        return CommunicationStatus.DELIVERED
    if statuses & _UNDERWAY:
        return CommunicationStatus.SENT
    if RecipientStatus.BOUNCED in statuses:
        return CommunicationStatus.BOUNCED
    return CommunicationStatus.FAILED


def remark(recipients: Sequence[DeliveryRecipient]) -> str | None:
    """Name the addresses that complained, and those that did not get it; None without any."""
    complained = [r.address for r in recipients if r.status == RecipientStatus.COMPLAINED]
    parts = [f"Reported as spam by {', '.join(complained)}"] if complained else []
    missed = outcomes.not_delivered(recipients)
    return ". ".join([*parts, *([] if missed is None else [missed])]) or None


def _event(deps: Deps, told: News, kind: NewsKind, address: str) -> Event:
    words = f": {told.words}" if told.words else ""
    return Event(
        id=f"{told.id}:{address}",
        type=_EVENTS[kind],
        date=min(told.date, deps.now()),
        description=f"{address}{words}",
    )
