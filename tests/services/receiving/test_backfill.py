"""Mail that no webhook told of: found in Resend's list, from where the last look left off."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from app.context import Caller, Deps
from app.documents.backfills import Backfill
from app.documents.inbound_messages import InboundMessage
from app.documents.provider_accounts import ProviderAccount
from app.documents.provider_events import ProviderEvent
from app.services import provider_accounts
from app.services.account_commands import CreateProviderAccount
from app.services.event_processing import process
from app.services.inputs import parse
from app.services.receiving import backfill
from app.services.receiving.resend import data_of
from tests.fakes.clock import Clock
from tests.fakes.messages import message
from tests.fakes.resend import FULL, FakeResend
from tests.fakes.resend_events import received
from tests.fakes.resend_faults import BROKEN, TOO_MANY, Fault
from tests.fakes.resend_mailroom import ReceivedMail

pytestmark = pytest.mark.usefixtures("resend_account")
Receive = Callable[..., ReceivedMail]
Run = Callable[[], Awaitable[list[str]]]
LISTS = "GET /emails/receiving"


@pytest.fixture
def receive(resend: FakeResend, clock: Clock) -> Receive:
    """Lets Resend receive a mail now, and tell nobody."""

    def arrive(number: int) -> ReceivedMail:
        at = f"{clock.now():%Y-%m-%d %H:%M:%S.%f}+00"
        id_ = f"<{number}@c.test>"
        return resend.mailroom.receive(message(id_), created_at=at, told={"message_id": id_})

    return arrive


@pytest.fixture
def run(over: Deps) -> Run:
    """Looks through what is due; the Message-IDs of all that was ever told of, in order."""

    async def look() -> list[str]:
        await backfill.run(over)
        events = await ProviderEvent.find_all().to_list()
        return sorted(data_of(event)["message_id"] for event in events)

    return look


async def test_what_no_webhook_told_of_is_taken_in(
    over: Deps, receive: Receive, run: Run, resend_account: ProviderAccount
) -> None:
    mail = receive(1)

    assert await run() == ["<1@c.test>"]

    [event] = await ProviderEvent.find_all().to_list()
    await process(over, str(event.id))
    [kept] = await InboundMessage.find_all().to_list()
    assert (event.event_id, event.kind) == (f"received:{mail.id}", "email.received")
    assert kept.provider_message_id == mail.id
    assert kept.provider_account_id == resend_account.id
    assert kept.envelope_recipients == ["crm@acme.test"]


async def test_what_is_here_already_is_left_alone(
    receive: Receive,
    run: Run,
    take: Callable[..., Awaitable[str]],
    look: Callable[..., Awaitable[ProviderEvent]],
    clock: Clock,
) -> None:
    await look(await take(received(receive(1))))

    assert await run() == ["<1@c.test>"]
    clock.advance(timedelta(minutes=5))
    assert await run() == ["<1@c.test>"]

    assert await ProviderEvent.count() == 1


async def test_a_webhook_that_comes_late_changes_nothing(
    over: Deps,
    receive: Receive,
    run: Run,
    take: Callable[..., Awaitable[str]],
    look: Callable[..., Awaitable[ProviderEvent]],
) -> None:
    mail = receive(1)
    await run()
    [event] = await ProviderEvent.find_all().to_list()
    await process(over, str(event.id))

    await look(await take(received(mail)))

    [kept] = await InboundMessage.find_all().to_list()
    assert kept.envelope_recipients == ["crm@acme.test", "sales@acme.test"]


async def test_a_long_outage_is_looked_through_page_by_page(
    receive: Receive, run: Run, resend: FakeResend, clock: Clock
) -> None:
    receive(0)
    await run()
    resend.mailroom.page = 2
    for number in range(1, 6):
        clock.advance(timedelta(hours=1))
        receive(number)
    resend.requests.clear()

    assert await run() == [f"<{number}@c.test>" for number in range(6)]

    # 5 and 4, 3 and 2, 1 and the one that was known.
    assert resend.requests.count(LISTS) == 3


async def test_it_goes_on_where_it_left_off(
    receive: Receive, run: Run, resend: FakeResend, clock: Clock
) -> None:
    await run()
    resend.mailroom.page = 1
    for number in range(1, 4):
        clock.advance(timedelta(hours=1))
        receive(number)
    resend.mailroom.faults = [None, BROKEN]  # type: ignore[list-item] # the first is answered

    assert await run() == ["<3@c.test>"]
    [waiting] = await Backfill.find_all().to_list()
    assert (waiting.after, waiting.faults) == (list(resend.mailroom.mails)[2], 1)
    receive(4)
    clock.advance(timedelta(minutes=1))
    assert await run() == ["<1@c.test>", "<2@c.test>", "<3@c.test>"]
    clock.advance(timedelta(minutes=5))
    resend.mailroom.page = 100
    assert await run() == [f"<{number}@c.test>" for number in range(1, 5)]

    [through] = await Backfill.find_all().to_list()
    assert (through.after, through.newest, through.faults) == (None, None, 0)
    assert through.since == clock.now() - timedelta(minutes=6)


async def test_it_begins_anew_where_resend_forgot_the_place(
    receive: Receive, run: Run, resend: FakeResend, clock: Clock
) -> None:
    await run()
    clock.advance(timedelta(hours=1))
    receive(1)
    await Backfill.get_motor_collection().update_many({}, {"$set": {"after": "forgotten"}})
    resend.mailroom.faults = [Fault(422, "validation_error", "Unknown `after`")]

    assert await run() == []
    clock.advance(timedelta(minutes=1))

    assert await run() == ["<1@c.test>"]


async def test_a_pace_that_is_used_up_is_no_fault(
    receive: Receive, run: Run, resend: FakeResend, clock: Clock
) -> None:
    receive(1)
    resend.mailroom.faults = [TOO_MANY]

    assert await run() == []

    [waiting] = await Backfill.find_all().to_list()
    assert waiting.faults == 0
    assert clock.now() < waiting.due_at < clock.now() + timedelta(minutes=1)


async def test_before_the_account_nothing_was_ours(
    resend: FakeResend, run: Run, clock: Clock
) -> None:
    at = f"{clock.now() - timedelta(hours=1):%Y-%m-%d %H:%M:%S}+00"
    resend.mailroom.receive(message(), created_at=at)

    assert await run() == []


async def test_it_is_asked_no_more_often_than_set(
    run: Run, resend: FakeResend, clock: Clock
) -> None:
    for _ in range(3):
        await run()
    assert resend.requests.count(LISTS) == 1

    clock.advance(timedelta(minutes=5))
    await run()
    assert resend.requests.count(LISTS) == 2


async def test_several_workers_do_it_once(run: Run, receive: Receive, resend: FakeResend) -> None:
    receive(1)

    await asyncio.gather(*(run() for _ in range(4)))

    assert resend.requests.count(LISTS) == 1
    assert await ProviderEvent.count() == 1


async def test_a_deleted_account_is_forgotten(
    run: Run, resend: FakeResend, resend_account: ProviderAccount, clock: Clock
) -> None:
    await run()
    await resend_account.delete()
    clock.advance(timedelta(minutes=5))

    await run()

    assert await Backfill.count() == 0
    assert resend.requests.count(LISTS) == 1


async def test_an_account_that_takes_no_webhooks_is_not_asked(
    over: Deps, run: Run, resend: FakeResend, caller: Caller, resend_account: ProviderAccount
) -> None:
    await resend_account.delete()
    command = parse(CreateProviderAccount, {"name": "Sending", "resend": {"apiKey": FULL}})
    await provider_accounts.create(over, caller, command)

    await run()

    assert LISTS not in resend.requests
    assert await Backfill.count() == 0
