"""A fetch of a mail's picture, or of one of its links, and what is thought of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# Characters of a user agent that are kept; rules see no more than what is kept.
AGENT_LENGTH = 500


class EngagementKind(StrEnum):
    OPEN = "OPEN"
    CLICK = "CLICK"


class EngagementSource(StrEnum):
    """Who saw it: our own picture and links, or the provider, which told us."""

    OWN = "OWN"
    RESEND = "RESEND"


class EngagementVerdict(StrEnum):
    HUMAN = "HUMAN"
    PROXY = "PROXY"
    PREFETCH = "PREFETCH"
    SCANNER = "SCANNER"


# PROXY: fetched by a machine when a person opens the mail.
PEOPLE = frozenset({EngagementVerdict.HUMAN, EngagementVerdict.PROXY})


@dataclass(frozen=True)
class Hit:
    """One fetch of something in one mail.

    `id` tells hits of the same moment apart, and orders them. `url` is where a link leads, None for
    the picture. `address` is the client's, or its network (`192.0.2.0/24`), None when it is not
    kept. `since_delivery` is how far it is from the nearest moment at which the mail was handed
    over or reported as delivered; None when no such moment is known.
    """

    id: str
    kind: EngagementKind
    source: EngagementSource
    at: datetime
    method: str
    url: str | None = None
    user_agent: str | None = None
    address: str | None = None
    since_delivery: timedelta | None = None


@dataclass(frozen=True)
class Judgement:
    """Who fetched it, by which rule; a `repeat` tells of what another hit told already."""

    verdict: EngagementVerdict
    rule: str
    repeat: bool = False


def since_delivery(at: datetime, moments: Iterable[datetime]) -> timedelta | None:
    """Tell how far `at` is from the nearest of these moments."""
    return min((abs(at - moment) for moment in moments), default=None)
