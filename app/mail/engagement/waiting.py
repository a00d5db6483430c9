"""A fetch as it waits to be judged and counted: what is known of it when it comes."""

from dataclasses import dataclass
from datetime import datetime

import orjson

from app.mail.engagement.hits import EngagementKind


@dataclass(frozen=True)
class WaitingHit:
    """A fetch of a mail's picture; of one of its links where `link` and `url` say of which.

    `id` is made when it comes, so that it counts once, however often it is counted. Of the client
    it holds no more than is to be kept.
    """

    id: str
    tracking_id: str
    at: datetime
    method: str
    user_agent: str | None
    address: str | None
    link: int | None = None
    url: str | None = None

    @property
    def kind(self) -> EngagementKind:
        return EngagementKind.OPEN if self.url is None else EngagementKind.CLICK

    def packed(self) -> bytes:
        return orjson.dumps(
            [
                self.id,
                self.tracking_id,
                self.at,
                self.method,
                self.user_agent,
                self.address,
                self.link,
                self.url,
            ]
        )

    @classmethod
    def unpacked(cls, octets: bytes) -> "WaitingHit":
        id_, tracking_id, at, *others = orjson.loads(octets)
        return cls(id_, tracking_id, datetime.fromisoformat(at), *others)
