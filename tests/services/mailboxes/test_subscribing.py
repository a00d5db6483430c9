"""Subscriptions at Graph: made once, renewed in time, made anew, ended."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest
from pydantic import AnyHttpUrl

from app.context import Deps
from app.documents.inbound_messages import InboundMessage
from app.documents.mailbox_subscriptions import MailboxSubscription
from app.documents.provider_accounts import ProviderAccount
from app.documents.provider_events import ProviderEvent
from app.documents.vocabulary import ReceivingState
from app.providers.graph import LIFE
from app.services.mailboxes import attending
from tests.database import all_rows
from tests.fakes.clock import Clock
from tests.fakes.graph import FakeGraph
from tests.fakes.graph_faults import BROKEN, BUSY, NEVER_ANSWERED, NOT_GRANTED, TOO_LONG, Fault
from tests.fakes.messages import message

Keep = Callable[..., Awaitable[ProviderAccount]]
Attend = Callable[..., Awaitable[MailboxSubscription]]
Work = Callable[..., Awaitable[list[ProviderEvent]]]
ON = "/subscriptions"


def asked(graph: FakeGraph) -> list[str]:
    return [
        call.replace(one, "ONE")
        for call in graph.calls()
        if ON in call
        for one in [call.rpartition("/")[2] if not call.endswith(ON) else "-"]
    ]


async def test_a_subscription_is_made(
    over: Deps, keep: Keep, attend: Attend, graph: FakeGraph, clock: Clock
) -> None:
    account = await keep()

    mailbox = await attend(account)

    url = f"https://mail.example.test/api/v1/webhooks/graph/{account.id}"
    made = graph.subscriptions.only
    assert made["notificationUrl"] == made["lifecycleNotificationUrl"] == url
    assert made["changeType"] == "created"
    assert made["resource"] == "users/crm@acme.test/mailFolders('inbox')/messages"
    assert graph.subscriptions.greetings == [url, url]
    assert (mailbox.subscription_id, mailbox.expires_at) == (made["id"], clock.now() + LIFE)
    assert timedelta(minutes=10_080) > LIFE
    assert mailbox.state is ReceivingState.ACTIVE
    wait = mailbox.subscribe_at - clock.now()
    assert LIFE / 2 <= wait <= LIFE * 0.75 + timedelta(seconds=1)


async def test_the_secret_of_a_subscription_is_its_own_and_stored_as_a_digest(
    keep: Keep, attend: Attend, graph: FakeGraph, capfd: pytest.CaptureFixture[str]
) -> None:
    first = await attend(await keep())
    await attend(await keep("Other"))

    states = [one["clientState"] for one in graph.subscriptions.kept.values()]
    assert len(set(states)) == 2
    assert all(len(state) >= 43 for state in states)
    assert first.client_state == hashlib.sha256(states[0].encode()).hexdigest()
    seen = str(await all_rows()) + "".join(capfd.readouterr())
    assert all(state not in seen for state in states)


async def test_it_is_renewed_long_before_it_ends(
    keep: Keep, attend: Attend, graph: FakeGraph, clock: Clock
) -> None:
    account = await keep()
    made = await attend(account)
    state = graph.subscriptions.only["clientState"]
    clock.advance(made.subscribe_at - clock.now())
    before = len(graph.asked)

    mailbox = await attend(account)

    assert (mailbox.subscription_id, mailbox.expires_at) == (
        made.subscription_id,
        clock.now() + LIFE,
    )
    assert graph.subscriptions.only["clientState"] == state
    assert mailbox.client_state == made.client_state
    assert [call for call in graph.calls()[before:] if ON in call] == [
        f"PATCH /v1.0/subscriptions/{made.subscription_id}"
    ]


async def test_a_life_that_graph_cuts_short_counts(
    keep: Keep, attend: Attend, graph: FakeGraph, clock: Clock
) -> None:
    graph.subscriptions.life = timedelta(hours=1)

    mailbox = await attend(await keep())

    assert mailbox.expires_at == clock.now() + timedelta(hours=1)
    assert mailbox.subscribe_at <= clock.now() + timedelta(minutes=45)


async def test_after_an_outage_it_is_made_anew_and_what_came_meanwhile_is_taken_in(
    keep: Keep, attend: Attend, work: Work, graph: FakeGraph, clock: Clock
) -> None:
    account = await keep()
    first = await attend(account)
    clock.advance(timedelta(days=8))
    graph.box.receive("<1@b.test>", message("<1@b.test>"), received="2100-12-01T09:30:00Z")

    mailbox = await attend(account)
    await work()

    assert mailbox.subscription_id == graph.subscriptions.only["id"] != first.subscription_id
    assert mailbox.client_state != first.client_state
    assert mailbox.read_at == clock.now()
    assert await InboundMessage.count() == 1


@pytest.mark.parametrize("refuses", [True, False])
async def test_one_that_was_made_and_never_written_down_is_replaced(
    keep: Keep, attend: Attend, graph: FakeGraph, clock: Clock, refuses: bool
) -> None:
    graph.subscriptions.refuses_duplicates = refuses
    graph.subscriptions.loses_answer = True
    account = await keep()
    first = await attend(account)
    assert (first.subscription_id, first.notice_faults) == (None, 1)
    [lost] = graph.subscriptions.kept
    clock.advance(first.subscribe_at - clock.now())

    mailbox = await attend(account)

    assert mailbox.subscription_id == graph.subscriptions.only["id"] != lost
    assert (mailbox.notice_fault, mailbox.notice_faults) == (None, 0)


async def test_those_of_others_are_left_alone(keep: Keep, attend: Attend, graph: FakeGraph) -> None:
    graph.subscriptions.size = 2
    for number in range(5):
        url = f"https://other.test/{number}"
        graph.subscriptions.kept[str(number)] = {
            "id": str(number), "notificationUrl": url, "resource": "x", "changeType": "created",
            "expirationDateTime": "2101-01-01T00:00:00Z",
        }  # fmt: skip
    account = await keep()
    mine = f"https://mail.example.test/api/v1/webhooks/graph/{account.id}"
    graph.subscriptions.kept["4"]["notificationUrl"] = mine

    mailbox = await attend(account)

    assert graph.subscriptions.kept.keys() == {"0", "1", "2", "3", mailbox.subscription_id}


async def test_a_list_that_leads_elsewhere_is_not_followed(
    keep: Keep, attend: Attend, graph: FakeGraph
) -> None:
    page = '{"value": [], "@odata.nextLink": "https://elsewhere.test/v1.0/subscriptions"}'
    graph.faults = [Fault(200, body=page, on=f"GET /v1.0{ON}")]

    mailbox = await attend(await keep())

    assert mailbox.notice_fault == "Microsoft Graph gave a link that leads elsewhere"
    assert graph.subscriptions.kept == {}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (NOT_GRANTED, "Microsoft Graph refused us: 403 ErrorAccessDenied: Access is denied."),
        (TOO_LONG, "Microsoft Graph refused: 400 ExtensionError: Subscription expiration"),
        (BROKEN, "Microsoft Graph failed: 500"),
        (Fault(201, body="{}"), "Microsoft Graph gave a subscription without an id"),
    ],
)
async def test_what_refuses_it_is_told_and_the_mail_comes_in_all_the_same(
    keep: Keep,
    attend: Attend,
    work: Work,
    graph: FakeGraph,
    clock: Clock,
    fault: Fault,
    words: str,
) -> None:
    graph.always = replace(fault, on=f"POST /v1.0{ON}")
    account = await keep()
    graph.box.receive("<1@b.test>", message("<1@b.test>"))

    mailbox = await attend(account)
    await work()

    assert mailbox.state is ReceivingState.FAULTY
    assert mailbox.notice_fault is not None
    assert mailbox.notice_fault.startswith(words)
    assert mailbox.subscribe_at == clock.now() + timedelta(seconds=15)
    assert mailbox.poll_at <= clock.now() + timedelta(seconds=66)
    assert await InboundMessage.count() == 1
    graph.always = None
    clock.advance(timedelta(minutes=1))
    assert (await attend(account)).notice_fault is None


async def test_asked_to_wait_it_waits(
    keep: Keep, attend: Attend, graph: FakeGraph, clock: Clock
) -> None:
    graph.faults = [replace(BUSY, on=f"POST /v1.0{ON}", headers={"Retry-After": "1000"})]

    mailbox = await attend(await keep())

    assert mailbox.subscribe_at == clock.now() + timedelta(seconds=1000)


async def test_a_renewal_that_fails_in_passing_is_no_fault_before_the_third_time(
    keep: Keep, attend: Attend, graph: FakeGraph, clock: Clock
) -> None:
    account = await keep()
    clock.advance((await attend(account)).subscribe_at - clock.now())
    graph.always = replace(BUSY, on=f"PATCH /v1.0{ON}")

    told = []
    for _ in range(3):
        mailbox = await attend(account)
        told.append((mailbox.state, mailbox.notice_faults))
        clock.advance(mailbox.subscribe_at - clock.now())

    assert told == [
        (ReceivingState.ACTIVE, 1),
        (ReceivingState.ACTIVE, 2),
        (ReceivingState.FAULTY, 3),
    ]
    assert graph.subscriptions.only["id"] == mailbox.subscription_id
    graph.always = None
    assert (await attend(account)).state is ReceivingState.ACTIVE


async def test_of_many_workers_one_makes_it(over: Deps, keep: Keep, graph: FakeGraph) -> None:
    account = await keep()

    await asyncio.gather(*(attending.attend(over, str(account.id)) for _ in range(8)))

    assert asked(graph) == [f"GET /v1.0{ON}", f"POST /v1.0{ON}"]
    assert len(graph.subscriptions.kept) == 1


async def test_a_worker_that_lost_its_lease_while_it_was_made_leaves_the_others(
    over: Deps, keep: Keep, attend: Attend, graph: FakeGraph, clock: Clock
) -> None:
    account = await keep()
    graph.faults = [replace(NEVER_ANSWERED, on=f"POST /v1.0{ON}", takes=True)]
    slow = asyncio.create_task(attending.attend(over, str(account.id)))
    async with asyncio.timeout(10):
        while not graph.subscriptions.kept:  # noqa: ASYNC110 - made by the job
            await asyncio.sleep(0.01)
    clock.advance(over.settings.lease)

    mailbox = await attend(account)
    graph.stopped.set()
    await slow

    assert mailbox.subscription_id == graph.subscriptions.only["id"]
    assert await MailboxSubscription.of_account(account.id) == mailbox


async def test_an_endpoint_that_does_not_answer_the_greeting_is_told(
    keep: Keep, attend: Attend, graph: FakeGraph
) -> None:
    graph.subscriptions.endpoint = None

    mailbox = await attend(await keep())

    assert mailbox.notice_fault is not None
    assert "Subscription validation request failed" in mailbox.notice_fault


async def test_without_https_there_is_a_fault_and_the_mail_comes_in(
    over: Deps, keep: Keep, attend: Attend, work: Work, graph: FakeGraph, clock: Clock
) -> None:
    settings = over.settings.model_copy(update={"public_url": AnyHttpUrl("http://crm.test")})
    account = await keep()
    graph.box.receive("<1@b.test>", message("<1@b.test>"))

    mailbox = await attend(account, at=replace(over, settings=settings))
    await work()

    assert mailbox.state is ReceivingState.FAULTY
    assert mailbox.notice_fault == (
        "Microsoft Graph tells of new mail at https addresses only, and LETTERBOX_PUBLIC_URL is "
        "none: the mailbox is looked into every 60 seconds instead"
    )
    assert asked(graph) == []
    assert await InboundMessage.count() == 1


@pytest.mark.parametrize("url", ["https://new.example.test", "http://new.example.test"])
async def test_at_a_new_public_address_it_is_made_anew(
    over: Deps, keep: Keep, attend: Attend, graph: FakeGraph, clock: Clock, url: str
) -> None:
    account = await keep()
    first = await attend(account)
    clock.advance(timedelta(minutes=20))
    settings = over.settings.model_copy(update={"public_url": AnyHttpUrl(url)})

    mailbox = await attend(account, at=replace(over, settings=settings))

    told = [one["notificationUrl"] for one in graph.subscriptions.kept.values()]
    assert first.subscription_id not in graph.subscriptions.kept
    assert told == (
        [f"{url}/api/v1/webhooks/graph/{account.id}"] if url.startswith("https") else []
    )
    assert (mailbox.subscription_id is None) == (told == [])


async def test_the_service_answers_the_greeting_while_it_asks(
    keep: Keep, attend: Attend, graph: FakeGraph, anonymous: httpx2.AsyncClient
) -> None:
    """The account is there before its subscription is made, so there is nothing to wait for."""
    account = await keep()

    response = await anonymous.post(
        f"/api/v1/webhooks/graph/{account.id}", params={"validationToken": "<b>1</b> é"}
    )

    assert (response.status_code, response.text) == (200, "<b>1</b> é")
    assert response.headers["content-type"].startswith("text/plain")
    assert (await attend(account)).subscription_id is not None
