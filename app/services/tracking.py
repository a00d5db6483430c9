"""Opens and clicks, as mail clients report them by fetching what the mail points at.

Each fetch is kept with a verdict of who made it; people's are counted, machines' beside them.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache, partial
from ipaddress import ip_address, ip_network

import structlog
from beanie import PydanticObjectId

from app.context import Deps
from app.documents.base import StoreUnavailableError
from app.documents.engagement import mails
from app.documents.engagement.hits import Engagement
from app.documents.engagement.mails import Envelope
from app.mail.engagement import rules
from app.mail.engagement.hits import AGENT_LENGTH, EngagementKind, Judgement
from app.mail.engagement.waiting import WaitingHit
from app.mail.received_text import storable
from app.settings import AddressKeeping, Settings

log = structlog.get_logger()

# Seconds a mail client is kept waiting for its page when the store does not answer.
_PATIENCE = 2
# What no tracking id is longer than, or has in it, is not worth a place among those that wait.
_TRACKING_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_AT_A_TIME = 500
# What is kept of an address: neither names a household.
_PREFIXES = {4: 24, 6: 48}


@dataclass(frozen=True)
class Visit:
    """Who fetches something: the request's method, its User-Agent and the client's address."""

    method: str = "GET"
    user_agent: str | None = None
    address: str | None = None


async def record_open(deps: Deps, tracking_id: str, visit: Visit) -> None:
    """Take an open of the mail with this tracking id, if there is one, to be counted."""
    if _TRACKING_ID.fullmatch(tracking_id):
        await _take(deps, hit_of(deps, tracking_id, visit, at=deps.now()))


async def follow_link(deps: Deps, tracking_id: str, index: int, visit: Visit) -> str | None:
    """Find where a tracked link leads, None for an unknown one; the click is taken to be counted.

    Whoever follows it gets there, also when the click cannot be taken.
    """
    if not _TRACKING_ID.fullmatch(tracking_id):
        return None
    url = await deps.gathered.link(tracking_id, index)
    if url is None:
        return None
    click = replace(hit_of(deps, tracking_id, visit, at=deps.now()), link=index, url=url)
    try:
        async with asyncio.timeout(_PATIENCE):
            await _take(deps, click)
    except Exception:
        log.exception("click.fault", hit=click.id)
    return url


async def _take(deps: Deps, hit: WaitingHit) -> None:
    """Return once a hit is sure to be counted: by a worker, or, without Redis, when it is."""
    await deps.waiting_hits.append(hit.packed(), partial(count_hits, deps))


async def count_waiting(deps: Deps, holder: str) -> int:
    """Have the hits that wait first counted; how many, none while another `holder` counts.

    Raises ConnectionError while Redis or MongoDB is away: then all of them go on waiting.
    """
    hits = await deps.waiting_hits.take(holder, _AT_A_TIME)
    if not hits:
        return 0
    try:
        faults = await count_hits(deps, hits)
    except StoreUnavailableError as error:
        raise ConnectionError("MongoDB does not answer") from error
    for fault in filter(None, faults):
        if isinstance(fault, StoreUnavailableError):
            raise ConnectionError("MongoDB does not answer") from fault
        # It would go wrong again, and hold up all others.
        log.error("hit.fault", exc_info=fault)
    await deps.waiting_hits.drop(holder, len(hits))
    return len(hits)


async def count_hits(deps: Deps, packed: Sequence[bytes]) -> Sequence[Exception | None]:
    """Keep and count hits, each once, however often it comes; give what went wrong with each.

    Those of no mail count nowhere.
    """
    read = [_unpacked(octets) for octets in packed]
    hits = [hit for hit in read if isinstance(hit, WaitingHit)]
    envelopes = await mails.envelopes({hit.tracking_id for hit in hits})
    made = {
        hit.id: engagement_of(deps, envelopes[hit.tracking_id], hit, hit.kind)
        for hit in hits
        if hit.tracking_id in envelopes
    }
    judge = partial(judge_with_new, deps.settings)
    faults = await deps.gathered.keep_hits([*made.values()], judge, rules=rules.VERSION)
    found = dict(zip(made, faults, strict=True))
    return [hit if isinstance(hit, Exception) else found.get(hit.id) for hit in read]


def _unpacked(octets: bytes) -> WaitingHit | Exception:
    try:
        return WaitingHit.unpacked(octets)
    except (TypeError, ValueError) as error:
        # Written by another release, perhaps.
        return error


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


def hit_of(deps: Deps, tracking_id: str, visit: Visit, *, at: datetime) -> WaitingHit:
    """Write down what was fetched, as far as it is to be kept."""
    agent = storable(visit.user_agent or "").strip()[:AGENT_LENGTH]
    return WaitingHit(
        id=str(PydanticObjectId()),
        tracking_id=tracking_id,
        at=at,
        method=visit.method,
        user_agent=agent or None,
        address=kept_address(visit.address, deps.settings.engagement_address),
    )


def engagement_of(
    deps: Deps, envelope: Envelope, hit: WaitingHit, kind: EngagementKind
) -> Engagement:
    """Tell whose mail was fetched; it is not judged yet."""
    made = Engagement(
        id=PydanticObjectId(hit.id),
        tenant_id=envelope.tenant_id,
        created=hit.at,
        communication_id=envelope.communication_id,
        delivery_id=envelope.delivery_id,
        recipient=envelope.recipient,
        kind=kind,
        link=hit.link,
        url=hit.url,
        method=hit.method,
        user_agent=hit.user_agent,
        address=hit.address,
        expires=deps.now() + deps.settings.engagement_retention,
    )
    return made.since(envelope.moments)


# Floods come from few networks: proxies of the large providers, and offices.
@lru_cache(maxsize=10_000)
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
