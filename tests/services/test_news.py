import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents import news as moves
from app.documents.communications import Communication
from app.documents.deliveries import Delivery, DeliveryRecipient
from app.documents.suppressions import Suppression
from app.documents.vocabulary import (
    CommunicationStatus,
    EventType,
    EventVerdict,
    NewsKind,
    RecipientStatus,
    SuppressionReason,
)
from app.providers.base import UncertainError
from app.services import delivery, news, sending
from app.services.news import Effect, News
from tests.fakes.clock import Clock

Dispatched = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
DeliveryOf = Callable[[PydanticObjectId], Awaitable[Delivery]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]
Tell = Callable[..., Awaitable[Effect]]

JAN, PIET, EVE = "jan@customer.test", "piet@customer.test", "eve@customer.test"
DELIVERED, DEFERRED, FAILED = NewsKind.DELIVERED, NewsKind.DEFERRED, NewsKind.FAILED
BOUNCED, SOFT, COMPLAINED = NewsKind.BOUNCED, NewsKind.SOFT_BOUNCED, NewsKind.COMPLAINED
NO_MOVE = EventVerdict.NO_MOVE


@pytest.fixture
def tell(deps: Deps, delivery_of: DeliveryOf) -> Tell:
    """Tells news of a record's mail; each a second later than those before, unless `at` says."""
    ids = itertools.count(1)

    async def apply(
        record: Communication,
        kind: NewsKind,
        address: str | None = JAN,
        *,
        words: str | None = None,
        at: int | None = None,
        id_: str | None = None,
    ) -> Effect:
        number = next(ids)
        date = deps.now() + timedelta(seconds=number if at is None else at)
        told = News(id_ or f"event-{number}", kind, address, date, words)
        return await news.apply(deps, await delivery_of(record.id), [told])

    return apply


def states(row: Delivery) -> list[tuple[str, RecipientStatus, str | None]]:
    return [(r.address, r.status, r.reply) for r in row.recipients]


@pytest.mark.parametrize(
    ("kind", "recipient", "status", "event", "message"),
    [
        (DELIVERED, RecipientStatus.DELIVERED, CommunicationStatus.DELIVERED, EventType.DELIVER,
         None),
        (BOUNCED, RecipientStatus.BOUNCED, CommunicationStatus.BOUNCED, EventType.BOUNCE,
         f"Not delivered to {JAN} (550 words)"),
        (SOFT, RecipientStatus.BOUNCED, CommunicationStatus.BOUNCED, EventType.BOUNCE,
         f"Not delivered to {JAN} (550 words)"),
        (COMPLAINED, RecipientStatus.COMPLAINED, CommunicationStatus.COMPLAINED,
         EventType.COMPLAIN, f"Reported as spam by {JAN}"),
        (FAILED, RecipientStatus.REFUSED, CommunicationStatus.FAILED, EventType.FAIL,
         f"Not delivered to {JAN} (550 words)"),
    ],
)  # fmt: skip
async def test_the_record_follows_its_recipient(
    deps: Deps,
    dispatched: Dispatched,
    stored: Stored,
    delivery_of: DeliveryOf,
    tell: Tell,
    clock: Clock,
    kind: NewsKind,
    recipient: RecipientStatus,
    status: CommunicationStatus,
    event: EventType,
    message: str | None,
) -> None:
    accepted = await dispatched()
    clock.advance(timedelta(minutes=5))

    effect = await tell(accepted, kind, words="550 words", at=-60)

    record, row = await stored(accepted.id), await delivery_of(accepted.id)
    assert effect == Effect(EventVerdict.APPLIED)
    assert states(row) == [(JAN, recipient, "550 words")]
    assert row.recipients[0].date == clock.now() - timedelta(seconds=60)
    assert (record.status, record.error_message) == (status, message)
    assert record.updated == clock.now()
    last = record.events[-1]
    assert (last.type, last.date) == (event, clock.now() - timedelta(seconds=60))
    assert (last.author_id, last.description) == (None, f"{JAN}: 550 words")


async def test_a_delay_stands_with_its_recipient_only(
    dispatched: Dispatched, stored: Stored, delivery_of: DeliveryOf, tell: Tell
) -> None:
    accepted = await dispatched()
    before = await stored(accepted.id)

    effect = await tell(accepted, DEFERRED, words="mailbox busy")

    assert effect == Effect(EventVerdict.APPLIED)
    assert states(await delivery_of(accepted.id)) == [
        (JAN, RecipientStatus.DEFERRED, "mailbox busy")
    ]
    assert await stored(accepted.id) == before


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([DEFERRED, DELIVERED], "DELIVERED"),
        # A server may take a mail and return it afterwards.
        ([DELIVERED, BOUNCED], "BOUNCED"),
        ([DELIVERED, SOFT], "BOUNCED"),
        ([SOFT, BOUNCED], "BOUNCED"),
        # A bounce that passes is overtaken by a later delivery.
        ([SOFT, DELIVERED], "DELIVERED"),
        ([DELIVERED, COMPLAINED], "COMPLAINED"),
        ([BOUNCED, COMPLAINED], "COMPLAINED"),
        ([FAILED, DELIVERED], "DELIVERED"),
        ([FAILED, BOUNCED], "BOUNCED"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else value,
)
async def test_what_may_follow(
    dispatched: Dispatched, stored: Stored, tell: Tell, told: list[NewsKind], expected: str
) -> None:
    record = await dispatched()

    effects = [await tell(record, kind) for kind in told]

    assert {effect.verdict for effect in effects} == {EventVerdict.APPLIED}
    assert (await stored(record.id)).status == expected


@pytest.mark.parametrize(
    ("first", "late", "kept"),
    [
        *((kind, kind, None) for kind in (DELIVERED, DEFERRED, BOUNCED, SOFT, COMPLAINED, FAILED)),
        (DELIVERED, DEFERRED, "DELIVERED"),
        (DELIVERED, FAILED, "DELIVERED"),
        (BOUNCED, DEFERRED, "BOUNCED"),
        (BOUNCED, DELIVERED, "BOUNCED"),
        (BOUNCED, SOFT, "BOUNCED"),
        (BOUNCED, FAILED, "BOUNCED"),
        (SOFT, DEFERRED, "BOUNCED"),
        (FAILED, DEFERRED, "FAILED"),
        *((COMPLAINED, kind, "COMPLAINED") for kind in (DELIVERED, DEFERRED, BOUNCED, SOFT)),
    ],
)  # fmt: skip
async def test_what_would_go_back_moves_nothing(
    dispatched: Dispatched,
    stored: Stored,
    tell: Tell,
    footprint: Footprint,
    first: NewsKind,
    late: NewsKind,
    kept: str | None,
) -> None:
    record = await dispatched()
    await tell(record, first)
    before = await footprint()

    effect = await tell(record, late)

    assert effect.verdict == NO_MOVE
    assert effect.reason is not None
    assert effect.reason.startswith("the address is ")
    assert await footprint() == before
    assert kept is None or (await stored(record.id)).status == kept


@pytest.mark.parametrize(("first", "late"), [(SOFT, DELIVERED), (DELIVERED, SOFT)])
async def test_out_of_order_the_later_of_the_two_stands(
    dispatched: Dispatched, tell: Tell, footprint: Footprint, first: NewsKind, late: NewsKind
) -> None:
    record = await dispatched()
    await tell(record, first, at=10)
    before = await footprint()

    effect = await tell(record, late, at=5)

    assert effect.verdict == NO_MOVE
    assert await footprint() == before


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(BOUNCED, SuppressionReason.BOUNCE), (COMPLAINED, SuppressionReason.COMPLAINT)],
)
async def test_it_suppresses_the_address(
    dispatched: Dispatched,
    tell: Tell,
    clock: Clock,
    stored: Stored,
    kind: NewsKind,
    reason: SuppressionReason,
) -> None:
    record = await dispatched({"recipients": ["Jan@customer.test"]})

    await tell(record, kind, words="550 no such user")

    [kept] = await Suppression.find_all().to_list()
    assert (kept.tenant_id, kept.address, kept.reason) == ("acme", JAN, reason)
    assert (kept.detail, kept.communication_id) == ("550 no such user", record.id)
    assert (kept.created, kept.created_by) == (clock.now(), None)
    assert (await stored((await dispatched()).id)).status == CommunicationStatus.FAILED


@pytest.mark.parametrize("kind", [DELIVERED, DEFERRED, SOFT, FAILED])
async def test_it_suppresses_nothing(dispatched: Dispatched, tell: Tell, kind: NewsKind) -> None:
    await tell(await dispatched(), kind)

    assert await Suppression.count() == 0


@pytest.mark.parametrize(
    ("told", "status", "message"),
    [
        ([(JAN, DELIVERED)], "DELIVERED", None),
        ([(JAN, BOUNCED)], "SENT", f"Not delivered to {JAN} (why)"),
        ([(JAN, BOUNCED), (PIET, DELIVERED)], "DELIVERED", f"Not delivered to {JAN} (why)"),
        ([(PIET, DELIVERED), (JAN, SOFT)], "DELIVERED", f"Not delivered to {JAN} (why)"),
        (
            [(JAN, BOUNCED), (PIET, SOFT)],
            "BOUNCED",
            f"Not delivered to {JAN} (why); {PIET} (why)",
        ),
        (
            [(JAN, BOUNCED), (PIET, COMPLAINED)],
            "COMPLAINED",
            f"Reported as spam by {PIET}. Not delivered to {JAN} (why)",
        ),
        ([(JAN, FAILED), (PIET, BOUNCED)], "BOUNCED",
         f"Not delivered to {JAN} (why); {PIET} (why)"),
        ([(JAN, FAILED), (PIET, FAILED)], "FAILED",
         f"Not delivered to {JAN} (why); {PIET} (why)"),
    ],
)  # fmt: skip
async def test_a_mail_to_two(
    dispatched: Dispatched,
    stored: Stored,
    tell: Tell,
    told: list[tuple[str, NewsKind]],
    status: str,
    message: str | None,
) -> None:
    accepted = await dispatched({"cc": [PIET]})

    for address, kind in told:
        await tell(accepted, kind, address, words="why")

    record = await stored(accepted.id)
    assert (record.status, record.error_message) == (status, message)
    assert [event.description for event in record.events[2:]] == [
        f"{address}: why" for address, _ in told
    ]


async def test_who_was_left_out_stays_so(
    deps: Deps, dispatched: Dispatched, stored: Stored, delivery_of: DeliveryOf, tell: Tell
) -> None:
    await Suppression(
        tenant_id="acme", address=PIET, reason=SuppressionReason.MANUAL, created=deps.now()
    ).insert()
    accepted = await dispatched({"cc": [PIET]})

    effect = await tell(accepted, DELIVERED, PIET)
    await tell(accepted, BOUNCED)

    assert effect == Effect(NO_MOVE, "the address is SUPPRESSED already")
    record = await stored(accepted.id)
    assert record.status == CommunicationStatus.BOUNCED
    assert record.error_message == (f"Not delivered to {JAN}; {PIET} (suppressed by a user)")


@pytest.mark.parametrize("address", [None, "forwarded@elsewhere.test"])
async def test_all_news_is_about_the_only_address(
    dispatched: Dispatched, stored: Stored, tell: Tell, address: str | None
) -> None:
    record = await dispatched()

    await tell(record, BOUNCED, address)

    assert (await stored(record.id)).status == CommunicationStatus.BOUNCED
    # A bounce of where it was forwarded to does not prove that the address is wrong.
    assert await Suppression.count() == (1 if address is None else 0)


@pytest.mark.parametrize("address", [None, "forwarded@elsewhere.test", ""])
async def test_of_several_addresses_it_must_name_one(
    dispatched: Dispatched, tell: Tell, footprint: Footprint, address: str | None
) -> None:
    record = await dispatched({"cc": [PIET]})
    before = await footprint()

    effect = await tell(record, BOUNCED, address)

    assert effect == Effect(NO_MOVE, "it is not about an address of this mail")
    assert await footprint() == before


async def test_an_address_in_any_case_is_the_same(
    dispatched: Dispatched, delivery_of: DeliveryOf, tell: Tell
) -> None:
    record = await dispatched({"recipients": ["Jan@customer.test"], "cc": [PIET]})

    await tell(record, DELIVERED, "JAN@Customer.TEST")

    assert states(await delivery_of(record.id)) == [
        ("Jan@customer.test", RecipientStatus.DELIVERED, None),
        (PIET, RecipientStatus.ACCEPTED, None),
    ]


async def test_news_of_an_earlier_sending_leaves_the_new_one_alone(
    deps: Deps,
    caller: Caller,
    dispatched: Dispatched,
    stored: Stored,
    delivery_of: DeliveryOf,
    tell: Tell,
    clock: Clock,
) -> None:
    record = await dispatched()
    await tell(record, DELIVERED)
    clock.advance(timedelta(hours=1))
    await sending.resend(deps, caller, str(record.id))
    waiting = await stored(record.id)

    await tell(record, BOUNCED, words="550 gone")

    assert await stored(record.id) == waiting
    assert states(await delivery_of(record.id)) == [(JAN, RecipientStatus.BOUNCED, "550 gone")]
    # It is true of the address, whichever sending taught it.
    assert await Suppression.count() == 1
    await Suppression.find_all().delete()
    await delivery.dispatch(deps, str(record.id))
    second = await Delivery.of_communication(record.id, 2)
    assert second is not None
    await news.apply(deps, second, [News("second", DELIVERED, JAN, clock.now())])
    assert (await stored(record.id)).status == CommunicationStatus.DELIVERED


async def test_news_waits_until_the_hand_over_is_recorded(
    deps: Deps, claimed: Callable[[], Awaitable[Delivery]], tell: Tell
) -> None:
    row = await claimed()

    effect = await news.apply(deps, row, [News("early", DELIVERED, JAN, deps.now())])

    assert effect == Effect(None)
    after = await Delivery.get(row.id)
    assert after is not None
    assert after.news_waits is True
    assert states(after) == [(JAN, RecipientStatus.PENDING, None)]


async def test_of_a_record_that_was_called_off_only_the_trail_tells(
    deps: Deps, claimed: Callable[[], Awaitable[Delivery]], stored: Stored, clock: Clock
) -> None:
    row = await claimed()
    await Communication.get_motor_collection().update_one(
        {"_id": row.communication_id}, {"$set": {"status": CommunicationStatus.CANCELLED}}
    )
    await Delivery.get_motor_collection().update_one(
        {"_id": row.id}, {"$set": {"status": "CANCELLED"}}
    )
    row = row.model_copy(update={"status": "CANCELLED"})

    await news.apply(deps, row, [News("late", DELIVERED, JAN, clock.now())])

    record = await stored(row.communication_id)
    assert record.status == CommunicationStatus.CANCELLED
    assert record.events[-1].type is EventType.DELIVER


async def test_a_mail_that_was_given_up_unconfirmed_went_out_by_its_news(
    deps: Deps,
    scripted: Callable[..., tuple[Deps, Any]],
    dispatched: Dispatched,
    stored: Stored,
    tell: Tell,
    adjusted: Callable[..., Deps],
) -> None:
    over, _ = scripted(UncertainError("no answer"))
    over = replace(over, settings=adjusted(send_attempts=1).settings)
    record = await dispatched(over=over)
    failed = await stored(record.id)
    assert (failed.status, failed.sent_at) == (CommunicationStatus.FAILED, None)

    await tell(record, DELIVERED, at=-5)

    found = await stored(record.id)
    assert (found.status, found.error_message) == (CommunicationStatus.DELIVERED, None)
    assert found.sent_at == deps.now() - timedelta(seconds=5)


async def test_done_again_after_it_was_cut_off_it_is_whole(
    dispatched: Dispatched, stored: Stored, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = await dispatched()

    async def cut_off(*_: Any, **__: Any) -> None:
        raise ConnectionError("MongoDB went away")

    for step in ("app.documents.news.follow", "app.services.suppressions.learn"):
        with monkeypatch.context() as patch:
            patch.setattr(step, cut_off)
            with pytest.raises(ConnectionError):
                await tell(record, BOUNCED, at=1, id_="the same")

    effects = [await tell(record, BOUNCED, at=1, id_="the same") for _ in range(2)]

    assert {effect.verdict for effect in effects} == {EventVerdict.APPLIED}
    found = await stored(record.id)
    assert found.status == CommunicationStatus.BOUNCED
    assert [event.type for event in found.events].count(EventType.BOUNCE) == 1
    assert await Suppression.count() == 1


async def test_older_news_that_is_written_last_does_not_win(
    deps: Deps, dispatched: Dispatched, stored: Stored, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = await dispatched({"cc": [PIET]})
    follow = moves.follow
    overtaken = asyncio.Event()

    async def slowly(row: Delivery, *rest: Any, **named: Any) -> Any:
        if row.reports == 1:
            await overtaken.wait()
        return await follow(row, *rest, **named)

    monkeypatch.setattr("app.documents.news.follow", slowly)
    first = asyncio.ensure_future(tell(record, DELIVERED))
    while await Delivery.find({"reports": 1}).count() == 0:  # noqa: ASYNC110 - MongoDB tells
        await asyncio.sleep(0.01)
    await tell(record, COMPLAINED, PIET)
    overtaken.set()
    await first

    found = await stored(record.id)
    assert found.status == CommunicationStatus.COMPLAINED
    assert {event.type for event in found.events[2:]} == {EventType.DELIVER, EventType.COMPLAIN}


@pytest.mark.parametrize("order", list(itertools.permutations([DEFERRED, DELIVERED, BOUNCED])))
async def test_in_any_order_and_twice_it_ends_the_same(
    dispatched: Dispatched, stored: Stored, tell: Tell, order: Sequence[NewsKind]
) -> None:
    record = await dispatched()
    at = {DEFERRED: 1, DELIVERED: 2, BOUNCED: 3}

    for kind in [*order, *order]:
        await tell(record, kind, at=at[kind], id_=kind)

    assert (await stored(record.id)).status == CommunicationStatus.BOUNCED
    assert await Suppression.count() == 1


async def test_at_the_same_time_each_counts_once(
    dispatched: Dispatched, stored: Stored, tell: Tell
) -> None:
    record = await dispatched({"cc": [PIET], "bcc": [EVE]})
    told = [(kind, address) for kind in (DELIVERED, BOUNCED) for address in (JAN, PIET, EVE)]

    await asyncio.gather(
        *(
            tell(record, kind, address, at=1 if kind is DELIVERED else 2, id_=f"{kind}{address}")
            for kind, address in [*told, *told]
        )
    )

    found = await stored(record.id)
    assert found.status == CommunicationStatus.BOUNCED
    bounces = [event.id for event in found.events if event.type is EventType.BOUNCE]
    assert sorted(bounces) == sorted(f"BOUNCED{a}:{a}" for a in (JAN, PIET, EVE))
    assert await Suppression.count() == 3


def test_nobody_at_all_is_a_failure() -> None:
    left_out = DeliveryRecipient(address=JAN, status=RecipientStatus.SUPPRESSED)

    assert news.standing([left_out]) == CommunicationStatus.FAILED
    assert news.remark([left_out]) == f"Not delivered to {JAN}"
