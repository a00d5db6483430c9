"""What happens to the records of a tenant, in no order."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from beanie import PydanticObjectId

from app.context import Deps
from app.documents import dispatches, lifecycle, list_mail, news, replies
from app.documents.communications import ClickedLink, Communication, Event
from app.documents.deliveries import Delivery
from app.documents.engagement.hits import Engagement
from app.documents.engagement.keeping import keep
from app.documents.inbound_messages import InboundMessage
from app.documents.list_progress import Progress
from app.documents.totals import counting
from app.documents.vocabulary import (
    CommunicationStatus,
    EventType,
    PreferenceSource,
    PreferenceState,
)
from app.mail.engagement.hits import EngagementKind, EngagementVerdict, Judgement
from app.services import preferences
from tests.fakes.clock import Clock

_NEWS = {
    CommunicationStatus.DELIVERED: EventType.DELIVER,
    CommunicationStatus.BOUNCED: EventType.BOUNCE,
    CommunicationStatus.COMPLAINED: EventType.COMPLAIN,
    CommunicationStatus.FAILED: EventType.FAIL,
}


@dataclass
class Happenings:
    """Each method lets one thing happen to a record that the dice choose."""

    deps: Deps
    clock: Clock
    store: Callable[..., Awaitable[Communication]]
    receive: Callable[..., Awaitable[InboundMessage]]
    dice: random.Random
    ids: list[PydanticObjectId] = field(default_factory=list)
    reports: int = 0

    @property
    def all(self) -> list[Callable[[], Awaitable[object]]]:
        return [
            self.arrive, self.arrive, self.go_out, self.go_out, self.go_out, self.fail, self.fail,
            self.go_again, self.go_again, self.be_told_of, self.be_told_of, self.be_looked_at,
            self.be_looked_at, self.be_answered, self.be_left, self.reach_a_list, self.go_away,
            self.be_called_off, self.be_taken, self.be_purged, self.be_counted,
            self.be_nearly_counted,
        ]  # fmt: skip

    async def something(self) -> None:
        """Let one to three of them happen at the same time, a little or a day later."""
        later = self.dice.choice([1, 60, 700, 5000, 86_000])
        self.clock.advance(timedelta(seconds=self.dice.randrange(later)))
        some = self.dice.choices(self.all, k=self.dice.choice([1, 1, 3]))
        await asyncio.gather(*(one() for one in some))

    def now(self) -> datetime:
        """No two things happen in the same millisecond: which is the latest would be open."""
        self.clock.advance(timedelta(milliseconds=1))
        return self.clock.now()

    def one(self) -> PydanticObjectId:
        return self.dice.choice(self.ids[-12:]) if self.ids else PydanticObjectId()

    def event(self, type_: EventType) -> Event:
        return Event(type=type_, date=self.now(), author_id="alice")

    async def arrive(self) -> None:
        template = self.dice.choice([None, "t1", "t2", "t3", "t4", "t5"])
        links = [ClickedLink(original_url=f"https://{n}.test", url="x") for n in range(2)]
        record = await self.store(
            type=self.dice.choice([None, "OFFERTE", "FACTUUR"]),
            template_id=template,
            template_name=template and self.dice.choice([None, "Old", "New"]),
            is_test=self.dice.choice([None] * 9 + [True]),
            clicked_links=links,
        )
        self.ids.append(record.id)

    async def go_out(self) -> None:
        sent = Communication.sent(
            now=self.now(), message_id="<1@acme.test>", internet_message_id=None, remark=None
        )
        await Communication.make(self.one(), sent)

    async def fail(self) -> None:
        await Communication.mark_failed(
            self.one(),
            now=self.now(),
            reason="No",
            is_withheld=self.dice.choice([False, False, True]),
        )

    async def go_again(self) -> None:
        await lifecycle.resend("acme", self.one(), self.event(EventType.RESEND), key=None)

    async def be_told_of(self) -> None:
        found = await Communication.get(self.one())
        self.reports += 1
        delivery = Delivery.model_construct(
            communication_id=PydanticObjectId() if found is None else found.id,
            sending=1 if found is None else found.sending,
            reports=self.reports - self.dice.choice([0, 0, 5]),
        )
        status = self.dice.choice([*_NEWS])
        event = self.event(_NEWS[status])
        await news.follow(delivery, status, remark=None, event=event, now=event.date)

    async def be_looked_at(self) -> None:
        id_, at = self.one(), self.now()
        kind = self.dice.choice([*EngagementKind])
        url = f"https://{self.dice.randrange(2)}.test" if kind is EngagementKind.CLICK else None
        hit = Engagement(
            tenant_id="acme", created=at, communication_id=id_, delivery_id=id_, kind=kind,
            url=url, link=0, expires=at + timedelta(days=90),
        )  # fmt: skip
        verdicts = [EngagementVerdict.HUMAN, EngagementVerdict.SCANNER]

        def judge(hits: Any) -> list[Judgement]:
            # Those before may be thought of otherwise by it.
            return [Judgement(self.dice.choice(verdicts), "dice", repeat=False) for _ in hits]

        await keep([hit], judge, rules=1)

    async def be_answered(self) -> None:
        reply = await self.receive()
        await replies.record_reply(reply, self.one(), now=self.now())

    async def be_left(self) -> None:
        await preferences.say(
            self.deps,
            "acme",
            f"{self.dice.randrange(99)}@customer.test",
            state=PreferenceState.UNSUBSCRIBED,
            topic_id=None,
            via=PreferenceSource.ONE_CLICK,
            communication_id=self.one(),
        )

    async def reach_a_list(self) -> None:
        record = await self.store(
            type="NIEUWSBRIEF", recipient_list_id="list", dispatch_at=self.now()
        )
        self.ids.append(record.id)
        taken = await list_mail.begin_turn(str(record.id), now=self.now(), until=self.now())
        assert taken is not None
        status, type_ = self.dice.choice(
            [
                (CommunicationStatus.SENT, EventType.SEND),
                (CommunicationStatus.FAILED, EventType.FAIL),
            ]
        )
        await list_mail.conclude(
            taken,
            status,
            progress=Progress(),
            event=self.event(type_),
            remark=None,
            is_withheld=status is CommunicationStatus.FAILED and self.dice.choice([True, False]),
        )

    async def be_called_off(self) -> None:
        await lifecycle.cancel("acme", self.one(), self.event(EventType.UPDATE))

    async def be_taken(self) -> None:
        now = self.now()
        await dispatches.begin(str(self.one()), now=now, until=now + timedelta(minutes=1))

    async def go_away(self) -> None:
        now = self.now()
        purge_at = now + timedelta(hours=self.dice.randrange(48))
        await lifecycle.delete("acme", self.one(), author="alice", now=now, purge_at=purge_at)

    async def be_purged(self) -> None:
        await lifecycle.purge(self.now(), 3)

    async def be_counted(self) -> None:
        await counting.count("acme", now=self.now())

    async def be_nearly_counted(self) -> None:
        """The worker that counts is killed, wherever it is by then."""
        counting_them = asyncio.create_task(counting.count("acme", now=self.now()))
        for _ in range(self.dice.randrange(40)):
            await asyncio.sleep(0)
        await asyncio.sleep(self.dice.choice([0, 0.001, 0.003]))
        counting_them.cancel()
        await asyncio.wait([counting_them])
