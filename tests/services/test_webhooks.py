"""Events of Resend, from the signed body to the record they are about."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.engagement.hits import Engagement
from app.documents.provider_accounts import ProviderAccount
from app.documents.provider_events import ProviderEvent
from app.documents.suppressions import Suppression
from app.documents.vocabulary import (
    CommunicationStatus,
    EventType,
    EventVerdict,
    RecipientStatus,
)
from app.services import delivery, inbound, provider_accounts, sending, webhooks
from app.services.account_commands import CreateProviderAccount
from app.services.event_processing import process
from app.services.inputs import parse
from app.services.signatures import Signed
from tests import fetching
from tests.fakes.clock import Clock
from tests.fakes.messages import message
from tests.fakes.resend import FakeResend
from tests.fakes.resend_events import EMAIL_ID, bounce, event
from tests.fakes.svix import SECRET, signed
from tests.fakes.visits import BARRACUDA, CHROME, PERSON

Dispatched = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
DeliveryOf = Callable[[PydanticObjectId], Awaitable[Delivery]]
Tell = Callable[..., Awaitable[ProviderEvent]]
Sent = Callable[..., Awaitable[Delivery]]

JAN, PIET = "jan@customer.test", "piet@customer.test"


@pytest.fixture
def sent(dispatched: Dispatched, delivery_of: DeliveryOf) -> Sent:
    """The delivery of a mail that is out."""

    async def send_out(changes: dict[str, Any] | None = None) -> Delivery:
        return await delivery_of((await dispatched(changes)).id)

    return send_out


@pytest.fixture
def tell(deps: Deps, caller: Caller, clock: Clock) -> Tell:
    """Takes an event in as Resend tells it, and looks into it; what came of it."""
    accounts: list[ProviderAccount] = []

    async def take(body: bytes, *, id_: str | None = None) -> ProviderEvent:
        if not accounts:
            key = {"apiKey": "re_1", "webhookSecret": SECRET}
            command = parse(CreateProviderAccount, {"name": "Resend", "resend": key})
            accounts.append(await provider_accounts.create(deps, caller, command))
        name = id_ or f"msg_{await ProviderEvent.count()}"
        headers = signed(body, id_=name, at=clock.now())
        await webhooks.take_resend(deps, str(accounts[0].id), Signed(*headers.values()), body)
        kept = await ProviderEvent.find_one({"eventId": name})
        assert kept is not None
        await process(deps, str(kept.id))
        found = await ProviderEvent.get(kept.id)
        assert found is not None
        return found

    return take


async def test_a_bounce_for_good(
    sent: Sent, tell: Tell, stored: Stored, delivery_of: DeliveryOf, clock: Clock
) -> None:
    row = await sent()
    clock.advance(timedelta(minutes=5))

    told = await tell(event("bounced", delivery=str(row.id), **bounce()))

    record, after = await stored(row.communication_id), await delivery_of(row.communication_id)
    assert (told.verdict, told.reason) == (EventVerdict.APPLIED, None)
    assert (told.delivery_id, told.communication_id) == (row.id, row.communication_id)
    assert record.status == CommunicationStatus.BOUNCED
    assert record.error_message == f"Not delivered to {JAN} (550 5.1.1 user unknown)"
    # The event's own time, not that of the mail.
    at = datetime(2100, 11, 24, 9, 31, 12, 126_000, tzinfo=UTC)
    assert (record.events[-1].type, record.events[-1].date) == (EventType.BOUNCE, at)
    assert (after.recipients[0].status, after.recipients[0].date) == (RecipientStatus.BOUNCED, at)
    [suppression] = await Suppression.find_all().to_list()
    assert (suppression.address, suppression.detail) == (JAN, "550 5.1.1 user unknown")


async def test_a_bounce_that_passes_suppresses_nothing(
    sent: Sent, tell: Tell, stored: Stored
) -> None:
    row = await sent()

    await tell(event("bounced", delivery=str(row.id), **bounce("Transient")))

    assert (await stored(row.communication_id)).status == CommunicationStatus.BOUNCED
    assert await Suppression.count() == 0


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("delivered", "DELIVERED"),
        ("delivery_delayed", "SENT"),
        ("complained", "COMPLAINED"),
        ("failed", "FAILED"),
        ("suppressed", "FAILED"),
    ],
)
async def test_the_record_follows(
    sent: Sent, tell: Tell, stored: Stored, kind: str, status: str
) -> None:
    row = await sent()

    told = await tell(event(kind, delivery=str(row.id)))

    assert told.verdict == EventVerdict.APPLIED
    assert (await stored(row.communication_id)).status == status


async def test_only_whom_it_names_is_moved(
    sent: Sent, tell: Tell, stored: Stored, delivery_of: DeliveryOf
) -> None:
    row = await sent({"cc": [PIET]})

    told = await tell(
        event("bounced", delivery=str(row.id), to=("Piet <PIET@customer.test>",), **bounce())
    )

    after = await delivery_of(row.communication_id)
    assert told.verdict == EventVerdict.APPLIED
    assert [r.status for r in after.recipients] == [
        RecipientStatus.ACCEPTED,
        RecipientStatus.BOUNCED,
    ]
    assert (await stored(row.communication_id)).status == CommunicationStatus.SENT


async def test_one_event_about_two(sent: Sent, tell: Tell, stored: Stored) -> None:
    row = await sent({"cc": [PIET]})

    await tell(event("bounced", delivery=str(row.id), to=(JAN, PIET), **bounce()))

    record = await stored(row.communication_id)
    assert record.status == CommunicationStatus.BOUNCED
    assert [e.type for e in record.events[2:]] == [EventType.BOUNCE, EventType.BOUNCE]
    assert await Suppression.count() == 2


async def test_what_would_go_back_is_kept_with_the_reason(
    sent: Sent, tell: Tell, stored: Stored
) -> None:
    row = await sent()
    await tell(event("bounced", delivery=str(row.id), **bounce()))

    late = await tell(event("delivered", delivery=str(row.id)))

    assert (late.verdict, late.reason) == (
        EventVerdict.NO_MOVE,
        "the address is BOUNCED already",
    )
    assert (await stored(row.communication_id)).status == CommunicationStatus.BOUNCED


async def test_that_it_was_sent_we_know(sent: Sent, tell: Tell, stored: Stored) -> None:
    row = await sent()
    await tell(event("delivered", delivery=str(row.id)))

    late = await tell(event("sent", delivery=str(row.id)))

    assert (late.verdict, late.reason) == (
        EventVerdict.NO_MOVE,
        "the hand-over is recorded already",
    )
    assert (await stored(row.communication_id)).status == CommunicationStatus.DELIVERED


@pytest.mark.parametrize("tag", [None, "6b050e9454d4a1b9322b3eaa", "nonsense"])
async def test_without_our_tag_resends_id_will_do(
    sent: Sent, tell: Tell, stored: Stored, tag: str | None
) -> None:
    row = await sent()
    await Delivery.get_motor_collection().update_one(
        {"_id": row.id}, {"$set": {"providerId": EMAIL_ID}}
    )

    await tell(event("delivered", delivery=tag))

    assert (await stored(row.communication_id)).status == CommunicationStatus.DELIVERED


async def test_another_tenants_mail_is_unknown(
    deps: Deps, send: Dispatched, other_tenant: Caller, tell: Tell, delivery_of: DeliveryOf
) -> None:
    theirs = await send(by=other_tenant)
    await delivery.dispatch(deps, str(theirs.id))
    row = await delivery_of(theirs.id)

    told = await tell(event("bounced", delivery=str(row.id), **bounce()))

    assert (told.verdict, told.reason) == (
        EventVerdict.UNKNOWN,
        "no mail of ours has this tag or id",
    )
    assert await delivery_of(theirs.id) == row
    assert await Suppression.count() == 0


async def test_the_message_id_that_recipients_see_is_learnt(
    deps: Deps, caller: Caller, sent: Sent, tell: Tell, stored: Stored, delivery_of: DeliveryOf
) -> None:
    row = await sent()
    # As Resend leaves it, which does not tell the Message-ID when it takes a mail.
    for document in (Delivery, Communication):
        await document.get_motor_collection().update_one({}, {"$unset": {"internetMessageId": ""}})

    await tell(event("sent", delivery=str(row.id), message_id="<1@eu.resend.test>"))
    await tell(event("delivered", delivery=str(row.id), message_id="<2@eu.resend.test>"))

    assert (await delivery_of(row.communication_id)).internet_message_id == "<1@eu.resend.test>"
    assert (await stored(row.communication_id)).internet_message_id == "<1@eu.resend.test>"
    answer = await inbound.ingest(deps, caller, message(in_reply_to="<1@eu.resend.test>"))
    assert answer.parent_communication_id == row.communication_id


async def test_the_message_id_of_an_earlier_sending_is_not_the_new_ones(
    deps: Deps, caller: Caller, sent: Sent, tell: Tell, stored: Stored, clock: Clock
) -> None:
    row = await sent()
    await Delivery.get_motor_collection().update_one(
        {"_id": row.id}, {"$unset": {"internetMessageId": ""}}
    )
    clock.advance(timedelta(hours=1))
    await sending.resend(deps, caller, str(row.communication_id))
    before = await stored(row.communication_id)

    await tell(event("sent", delivery=str(row.id), message_id="<1@eu.resend.test>"))

    assert await stored(row.communication_id) == before


async def test_an_event_before_the_hand_over_is_recorded_waits(
    deps: Deps, claimed: Callable[[], Awaitable[Delivery]], tell: Tell, clock: Clock
) -> None:
    row = await claimed()

    for kind in ("sent", "delivered"):
        told = await tell(event(kind, delivery=str(row.id), message_id="<1@eu.resend.test>"))
        assert (told.verdict, told.delivery_id) == (None, row.id)
        assert told.due_at == clock.now() + timedelta(seconds=15)

    clock.advance(timedelta(seconds=15))
    await process(deps, str(told.id))
    again = await ProviderEvent.get(told.id)
    assert again is not None
    assert again.due_at == clock.now() + timedelta(seconds=30)
    after = await Delivery.get(row.id)
    assert after is not None
    assert (after.internet_message_id, after.news_waits) == (None, True)


async def test_a_time_in_the_future_is_ours(sent: Sent, tell: Tell, stored: Stored) -> None:
    row = await sent()

    await tell(event("delivered", delivery=str(row.id), created_at="2150-01-01T00:00:00Z"))

    assert (await stored(row.communication_id)).events[-1].date.year == 2100


@pytest.mark.parametrize("tagged", [True, False], ids=["by our tag", "by its id"])
async def test_a_mail_by_resend_up_to_its_answer(
    deps: Deps,
    caller: Caller,
    mailed: Dispatched,
    stored: Stored,
    resend: FakeResend,
    tell: Tell,
    tagged: bool,
) -> None:
    record = await mailed()
    (mail,) = resend.mails
    # Resend gives the tags back as an object.
    tags = {tag["name"]: tag["value"] for tag in mail.fields["tags"]} if tagged else {}

    told = await tell(
        event("delivered", tags=tags, email_id=mail.id, message_id="<1@eu.resend.test>")
    )

    assert told.verdict == EventVerdict.APPLIED
    after = await stored(record.id)
    assert after.status == CommunicationStatus.DELIVERED
    assert after.internet_message_id == "<1@eu.resend.test>"
    answer = await inbound.ingest(deps, caller, message(in_reply_to="<1@eu.resend.test>"))
    assert answer.parent_communication_id == record.id


ODD: list[Any] = [{}, 7, None, {"link": ["x"], "timestamp": {}, "userAgent": 7}]


# Resend writes when something happened, by its own clock; the mail is out since 09:30:00.
def opened(row: Delivery, second: int = 60, **more: Any) -> bytes:
    at = f"2100-11-24T09:{30 + second // 60}:{second % 60:02}.000Z"
    return event("opened", delivery=str(row.id), created_at=at, **more)


def clicked(row: Delivery, link: str, second: int = 60, **more: Any) -> bytes:
    at = f"2100-11-24T09:{30 + second // 60}:{second % 60:02}.000Z"
    click = {"ipAddress": "192.0.2.9", "link": link, "timestamp": at, "userAgent": CHROME, **more}
    return event("clicked", delivery=str(row.id), click=click)


def link_of(row: Delivery, index: int = 0) -> str:
    return f"http://mail.example.test/api/v1/communications/link/{row.tracking_id}/{index}"


async def test_an_open_that_resend_tells_counts_as_a_persons(
    sent: Sent, tell: Tell, stored: Stored, clock: Clock
) -> None:
    row = await sent()
    clock.advance(timedelta(minutes=5))

    told = await tell(opened(row))

    record = await stored(row.communication_id)
    at = datetime(2100, 11, 24, 9, 31, tzinfo=UTC)
    assert (told.verdict, told.reason) == (EventVerdict.APPLIED, None)
    assert (record.open_count, record.opened_at, record.machine_open_count) == (1, at, 0)
    assert (record.events[-1].type, record.events[-1].date) == (EventType.OPEN, at)
    [hit] = await Engagement.find_all().to_list()
    assert (hit.source, hit.verdict, hit.rule) == ("RESEND", "HUMAN", "told-by-provider")
    assert (hit.recipient, hit.user_agent, hit.address) == (JAN, None, None)


async def test_a_click_that_resend_tells_is_judged_like_ours(
    sent: Sent, tell: Tell, stored: Stored, clock: Clock
) -> None:
    row = await sent({"cc": [PIET]})
    clock.advance(timedelta(minutes=5))

    await tell(clicked(row, link_of(row), 4))
    await tell(clicked(row, link_of(row), 70, userAgent=BARRACUDA))
    await tell(clicked(row, link_of(row), 130))

    [link] = (await stored(row.communication_id)).clicked_links
    assert (link.click_count, link.machine_click_count) == (1, 2)
    assert link.clicked_at == datetime(2100, 11, 24, 9, 32, 10, tzinfo=UTC)
    hits = await Engagement.find_all().sort("created").to_list()
    assert [hit.rule for hit in hits] == ["at-delivery", "scanner-agent", "person"]
    last = hits[-1]
    assert (last.link, last.url) == (0, "https://acme.test/offer?id=1&x=2")
    # Of a mail to two it is Resend that knows whose it was.
    assert (last.recipient, last.user_agent, last.address) == (JAN, CHROME, "192.0.2.0/24")


@pytest.mark.parametrize("ours_first", [True, False])
async def test_what_we_saw_too_counts_once(
    deps: Deps, sent: Sent, tell: Tell, stored: Stored, clock: Clock, ours_first: bool
) -> None:
    row = await sent()
    clock.advance(timedelta(minutes=1))

    async def ours() -> None:
        await fetching.record_open(deps, row.tracking_id, PERSON)
        await fetching.follow_link(deps, row.tracking_id, 0, PERSON)

    if ours_first:
        await ours()
    await tell(opened(row, 58))
    await tell(clicked(row, link_of(row), 58))
    if not ours_first:
        await ours()

    record = await stored(row.communication_id)
    [link] = record.clicked_links
    assert (record.open_count, link.click_count) == (1, 1)
    assert record.opened_at == link.clicked_at == clock.now()
    assert [event.type for event in record.events[2:]] == [EventType.OPEN, EventType.CLICK]
    assert await Engagement.count() == 4


async def test_an_open_told_twice_or_looked_into_twice_counts_once(
    deps: Deps, sent: Sent, tell: Tell, stored: Stored
) -> None:
    row = await sent()

    told = await tell(opened(row), id_="msg_1")
    await tell(opened(row), id_="msg_1")
    # A worker died before it wrote down what came of it.
    await ProviderEvent.get_motor_collection().update_one(
        {"_id": told.id}, {"$set": {"dueAt": deps.now()}, "$unset": {"verdict": ""}}
    )
    await process(deps, str(told.id))

    assert (await stored(row.communication_id)).open_count == 1
    assert await Engagement.count() == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"trackingEnabled": False}, "opens of this mail are not counted"),
        (None, "it is no link whose clicks are counted"),
    ],
)
async def test_what_is_not_to_be_counted_is_not_kept(
    sent: Sent, tell: Tell, stored: Stored, changes: dict[str, Any] | None, reason: str
) -> None:
    row = await sent(changes)
    other = await sent()
    before = (await stored(row.communication_id)).model_dump()
    links = [
        "https://acme.test/offer?id=1&x=2",
        link_of(row, 7),
        link_of(other),
        f"{link_of(row)}/..",
        link_of(row).replace("mail.example.test", "mail-example.test"),
        "",
    ]

    told = (
        [await tell(opened(row))]
        if changes
        else [await tell(clicked(row, link)) for link in links]
        + [await tell(event("clicked", delivery=str(row.id), click=odd)) for odd in ODD]
    )

    assert {(one.verdict, one.reason) for one in told} == {(EventVerdict.NO_MOVE, reason)}
    assert (await stored(row.communication_id)).model_dump() == before
    assert await Engagement.count() == 0


async def test_an_open_of_a_mail_that_is_gone_is_not_kept(
    sent: Sent, tell: Tell, stored: Stored
) -> None:
    row = await sent()
    await Communication.get_motor_collection().delete_one({"_id": row.communication_id})

    told = await tell(opened(row))

    assert told.verdict == EventVerdict.NO_MOVE
    assert await Engagement.count() == 0
