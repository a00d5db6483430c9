"""What hits of one mail tell about one another, whatever the order in which they became known."""

from collections import Counter, deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import takewhile

from app.mail.engagement.hits import EngagementKind, EngagementSource, Hit

# Nobody follows so many different links of a mail within such a time.
_BURSTS = ((2, timedelta(seconds=1)), (3, timedelta(seconds=5)))
# Mail clients fetch a picture twice, and browsers a link.
_DOUBLE = timedelta(seconds=1)
# The provider's clock, and its picture beside ours, may be so far from ours.
_TOLD_TWICE = timedelta(seconds=60)
# A hit farther away changes nothing about another.
REACH = _TOLD_TWICE
# So near is what changes something about a hit seen by the same; `told` by a provider goes farther.
NEAR = {EngagementKind.OPEN: _DOUBLE, EngagementKind.CLICK: max(span for _, span in _BURSTS)}


def bursts(hits: Sequence[Hit]) -> set[str]:
    """Name the clicks that are part of a burst, in which links are followed one after another."""
    clicks = sorted((hit for hit in hits if hit.kind is EngagementKind.CLICK), key=_in_time)
    return set().union(*(_bursts(clicks, links, span) for links, span in _BURSTS))


def _bursts(clicks: Sequence[Hit], links: int, span: timedelta) -> set[str]:
    """Name the clicks on so many different links within `span`."""
    found: set[str] = set()
    window: deque[Hit] = deque()
    followed: Counter[str | None] = Counter()
    for click in clicks:
        window.append(click)
        followed[click.url] += 1
        while click.at - window[0].at > span:
            gone = window.popleft()
            followed[gone.url] -= 1
            if not followed[gone.url]:
                del followed[gone.url]
        if len(followed) >= links:
            # Those before one that is named were named with it.
            found.update(takewhile(lambda id_: id_ not in found, (h.id for h in reversed(window))))
    return found


def repeats(hits: Sequence[Hit]) -> set[str]:
    """Name the hits that tell nothing new.

    They are fetched again by the same client within a second, or told by the provider of what our
    own picture or link saw as well.
    """
    latest: dict[tuple[object, ...], Hit] = {}
    found: set[str] = set()
    seen: dict[tuple[object, ...], list[datetime]] = {}
    for hit in sorted(hits, key=_in_time):
        client = (hit.kind, hit.url, hit.source, hit.method, hit.user_agent, hit.address)
        before = latest.get(client)
        if before is not None and hit.at - before.at <= _DOUBLE:
            found.add(hit.id)
        latest[client] = hit
        if hit.source is EngagementSource.OWN:
            seen.setdefault((hit.kind, hit.url), []).append(hit.at)
    for hit in hits:
        if hit.source is not EngagementSource.OWN:
            own = seen.get((hit.kind, hit.url), ())
            if any(abs(hit.at - at) <= _TOLD_TWICE for at in own):
                found.add(hit.id)
    return found


def _in_time(hit: Hit) -> tuple[datetime, str]:
    return hit.at, hit.id
