from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel

from app.documents.base import Filter, TenantDocument
from app.mail.engagement.hits import (
    PEOPLE,
    EngagementKind,
    EngagementSource,
    EngagementVerdict,
    Hit,
    Judgement,
    since_delivery,
)


class Engagement(TenantDocument):
    """A fetch of a mail's picture or of one of its links, as it came, and what is thought of it.

    `created` is when it was fetched. `recipient` is whose mail it was, where that went to one
    address. `link` is the number of the link in the mail, `url` where it leads. `address` is the
    client's, as far as it is kept. `since_delivery` counts seconds from the nearest moment at which
    the mail was handed over or delivered. A `repeat` counts nowhere. `rules` is the version of the
    rules that judged it. Nothing of it changes but what is thought of it.
    """

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    communication_id: PydanticObjectId
    delivery_id: PydanticObjectId
    recipient: str | None = None
    kind: EngagementKind
    source: EngagementSource = EngagementSource.OWN
    link: int | None = None
    url: str | None = None
    method: str = "GET"
    user_agent: str | None = None
    address: str | None = None
    since_delivery: float | None = None
    verdict: EngagementVerdict = EngagementVerdict.HUMAN
    rule: str = ""
    repeat: bool = False
    rules: int = 0
    expires: datetime

    class Settings:
        name = "engagements"
        keep_nulls = False
        indexes: ClassVar = [
            IndexModel(
                [
                    ("communicationId", ASCENDING),
                    ("created", DESCENDING),
                    ("_id", DESCENDING),
                ]
            ),
            # What stands around a hit, and how the rules are run again.
            IndexModel(
                [
                    ("tenantId", ASCENDING),
                    ("deliveryId", ASCENDING),
                    ("created", ASCENDING),
                    ("_id", ASCENDING),
                ]
            ),
            # Few are told: each that we see is compared with them.
            IndexModel(
                [("deliveryId", ASCENDING), ("created", ASCENDING)],
                name="told",
                partialFilterExpression={"source": EngagementSource.RESEND},
            ),
            IndexModel([("expires", ASCENDING)], expireAfterSeconds=0),
        ]

    @property
    def hit(self) -> Hit:
        """What the rules look at."""
        since = self.since_delivery
        return Hit(
            id=str(self.id),
            kind=self.kind,
            source=self.source,
            at=self.created,
            method=self.method,
            url=self.url,
            user_agent=self.user_agent,
            address=self.address,
            since_delivery=None if since is None else timedelta(seconds=since),
        )

    @property
    def judgement(self) -> Judgement:
        return Judgement(self.verdict, self.rule, self.repeat)

    def judged(self, judgement: Judgement, rules: int) -> Self:
        """The same with another judgement."""
        changed: Self = self.model_copy(update={**vars(judgement), "rules": rules})
        return changed

    def since(self, moments: Iterable[datetime]) -> Self:
        """The same, with these as the moments at which it was handed over or delivered."""
        since = since_delivery(self.created, moments)
        seconds = None if since is None else since.total_seconds()
        changed: Self = self.model_copy(update={"since_delivery": seconds})
        return changed

    @property
    def is_persons(self) -> bool:
        """Whether it counts as a person's open or click."""
        return not self.repeat and self.verdict in PEOPLE

    @property
    def is_machines(self) -> bool:
        """Whether it counts as a machine's."""
        return not self.repeat and self.verdict not in PEOPLE

    @property
    def thoughts(self) -> dict[str, Any]:
        """What may change of it, as it is stored."""
        since = {} if self.since_delivery is None else {"sinceDelivery": self.since_delivery}
        return {**vars(self.judgement), **since, "rules": self.rules}

    def stored(self) -> dict[str, Any]:
        row: dict[str, Any] = self.model_dump(by_alias=True, exclude_none=True)
        return row

    @classmethod
    async def remove_all(cls, communication_id: PydanticObjectId) -> None:
        """Remove those of a mail for good."""
        await cls.get_motor_collection().delete_many({"communicationId": communication_id})


def persons(communication_id: PydanticObjectId, kind: EngagementKind) -> Filter:
    """Match the kept hits of a mail that count as people's."""
    return {
        "communicationId": communication_id,
        "kind": kind,
        "verdict": {"$in": sorted(PEOPLE)},
        "repeat": False,
    }
