"""Opens and clicks that a provider tells of: kept, judged and counted like those we see."""

import re
from dataclasses import replace

from app.context import Deps
from app.documents.deliveries import Delivery
from app.documents.engagement import mails
from app.documents.engagement.hits import Engagement
from app.documents.provider_events import ProviderEvent
from app.documents.vocabulary import EventVerdict
from app.mail.engagement.hits import EngagementKind, EngagementSource
from app.services.filling import tracking_base
from app.services.news import Effect
from app.services.resend_events import ResendEvent, ToldHit
from app.services.tracking import Visit, engagement_of, hit_of, keep

_UNCOUNTED = Effect(EventVerdict.NO_MOVE, "opens of this mail are not counted")
_NO_LINK = Effect(EventVerdict.NO_MOVE, "it is no link whose clicks are counted")


async def keep_told(
    deps: Deps, delivery: Delivery, event: ProviderEvent, told: ResendEvent, hit: ToldHit
) -> Effect:
    """Keep what Resend tells of a mail of ours, once however often it is done.

    It counts where its record counts opens, or its links are ours; and once where we saw it too.
    """
    envelope = mails.envelope_of(delivery.model_dump(by_alias=True, exclude_none=True))
    if envelope.recipient is None and len(told.addresses) == 1:
        envelope = replace(envelope, recipient=told.addresses[0])
    moment = hit.date or told.date or event.created
    visit = Visit("GET", hit.user_agent, hit.address)
    fetched = hit_of(deps, delivery.tracking_id, visit, at=min(moment, event.created))
    made = engagement_of(deps, envelope, fetched, hit.kind)
    made.id, made.source = event.id, EngagementSource.RESEND
    refused = await _refused(deps, delivery, made, hit)
    if refused is not None:
        return refused
    await keep(deps, made)
    return Effect(EventVerdict.APPLIED)


async def _refused(deps: Deps, delivery: Delivery, made: Engagement, hit: ToldHit) -> Effect | None:
    """Find the link it is of; tell why it counts nowhere, None where it does."""
    if hit.kind is EngagementKind.OPEN:
        counts = await mails.counts_opens(delivery.communication_id)
        return None if counts else _UNCOUNTED
    base = re.escape(tracking_base(deps.settings))
    named = re.fullmatch(rf"{base}/link/([\w-]+)/([0-9]{{1,9}})", hit.link or "", re.ASCII)
    if named is None or named[1] != delivery.tracking_id:
        return _NO_LINK
    index = int(named[2])
    url = await deps.gathered.link(named[1], index)
    if url is None:
        return _NO_LINK
    made.link, made.url = index, url
    return None
