"""Opens and clicks, as mail clients report them by fetching what the mail points at.

Each fetch is kept with a verdict of who made it; people's are counted, machines' beside them.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from ipaddress import ip_address, ip_network

import structlog

from app.context import Deps
from app.documents.engagement import mails
from app.documents.engagement.hits import Engagement
from app.documents.engagement.mails import Envelope
from app.mail.engagement import rules
from app.mail.engagement.hits import AGENT_LENGTH, EngagementKind, Judgement
from app.mail.received_text import storable
from app.settings import AddressKeeping, Settings

log = structlog.get_logger()

# Seconds a mail client is kept waiting for its page when the store does not answer.
_PATIENCE = 2
# What is kept of an address: neither names a household.
_PREFIXES = {4: 24, 6: 48}


@dataclass(frozen=True)
class Visit:
    """Who fetches something: the request's method, its User-Agent and the client's address."""

    method: str = "GET"
    user_agent: str | None = None
    address: str | None = None


async def record_open(deps: Deps, tracking_id: str, visit: Visit) -> None:
    """Keep an open of the mail with this tracking id, if there is one, and count it."""
    envelope = await mails.envelope(tracking_id)
    if envelope is not None:
        await keep(deps, engagement_of(deps, envelope, visit, EngagementKind.OPEN, at=deps.now()))


async def follow_link(deps: Deps, tracking_id: str, index: int, visit: Visit) -> str | None:
    """Find where a tracked link leads, None for an unknown one; the click is kept and counted.

    Whoever follows it gets there, also when the click cannot be kept.
    """
    link = await mails.link(tracking_id, index)
    if link is None:
        return None
    click = engagement_of(deps, link.envelope, visit, EngagementKind.CLICK, at=deps.now())
    click.link, click.url = link.index, link.url
    try:
        async with asyncio.timeout(_PATIENCE):
            await keep(deps, click)
    except Exception:
        log.exception("click.fault", communication_id=str(link.envelope.communication_id))
    return link.url


def judge_of(settings: Settings, hits: Sequence[Engagement]) -> Sequence[Judgement]:
    """Judge hits of one envelope by today's rules."""
    return rules.judge([hit.hit for hit in hits], settings.scan_delay)


def judge_with_new(settings: Settings, hits: Sequence[Engagement]) -> Sequence[Judgement]:
    """Judge new hits of one envelope, and kept ones near to them by what these add."""
    return [
        rules.joined(hit.judgement, now) if hit.rules else now
        for hit, now in zip(hits, judge_of(settings, hits), strict=True)
    ]


async def keep(deps: Deps, hit: Engagement) -> None:
    """Keep a hit with its verdict and count it on its record."""
    judge = partial(judge_with_new, deps.settings)
    await deps.gathered.keep_hit(hit, judge, rules=rules.VERSION)


def engagement_of(
    deps: Deps, envelope: Envelope, visit: Visit, kind: EngagementKind, *, at: datetime
) -> Engagement:
    """Write down what was fetched, as far as it is to be kept; it is not judged yet."""
    agent = storable(visit.user_agent or "").strip()[:AGENT_LENGTH]
    made = Engagement(
        tenant_id=envelope.tenant_id,
        created=at,
        communication_id=envelope.communication_id,
        delivery_id=envelope.delivery_id,
        recipient=envelope.recipient,
        kind=kind,
        method=visit.method,
        user_agent=agent or None,
        address=kept_address(visit.address, deps.settings.engagement_address),
        expires=deps.now() + deps.settings.engagement_retention,
    )
    return made.since(envelope.moments)


def kept_address(text: str | None, keeping: AddressKeeping) -> str | None:
    """Write an address as it is to be kept; None for what is none, and where none is kept."""
    if text is None or keeping is AddressKeeping.NONE:
        return None
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    address = getattr(address, "ipv4_mapped", None) or address
    if keeping is AddressKeeping.FULL:
        return str(address)
    return str(ip_network((address, _PREFIXES[address.version]), strict=False))
