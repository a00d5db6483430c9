from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId
from pydantic import AnyHttpUrl

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.provider_accounts import ProviderAccount
from app.documents.vocabulary import CommunicationStatus, DeliveryStatus, EventType, ProviderType
from app.providers.resend import ResendAccount, ResendProvider
from app.services import delivery, identification, inbound, sending
from tests.fakes.clock import Clock
from tests.fakes.messages import message
from tests.fakes.resend import FULL, SENDING, FakeResend
from tests.fakes.resend_faults import BROKEN, TOO_MANY

DeliveryOf = Callable[[PydanticObjectId], Awaitable[Delivery]]
Send = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
Queued = Callable[[], Awaitable[dict[str, float]]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]

SECONDS = timedelta(seconds=1)


@pytest.fixture
async def out(by_resend: Deps, mailed: Send, stored: Stored) -> Communication:
    """A mail that is out by Resend, under a Message-ID that is not known yet."""
    accepted = await mailed({"conversationId": "thread"})
    return await stored(accepted.id)


@pytest.fixture
def asked(by_resend: Deps, delivery_of: DeliveryOf, clock: Clock) -> Callable[..., Awaitable[None]]:
    """Asks for the Message-ID of a record's mail when that is due."""

    async def ask(record: Communication, *, over: Deps = by_resend) -> None:
        row = await delivery_of(record.id)
        assert row.identify_at is not None
        clock.advance(row.identify_at - clock.now())
        await identification.identify(over, str(row.id))

    return ask


async def test_the_message_id_is_asked_for_once_the_mail_is_out(
    by_resend: Deps,
    out: Communication,
    asked: Any,
    stored: Stored,
    delivery_of: DeliveryOf,
    queued: Queued,
    resend: FakeResend,
    clock: Clock,
) -> None:
    row = await delivery_of(out.id)
    assert row.identify_at == clock.now() + 5 * SECONDS
    clock.advance(3 * SECONDS)
    assert await delivery.sweep(by_resend) == 1
    due = row.identify_at.timestamp() * 1000
    assert (await queued())[f"identify:{row.id}:{due:.0f}"] == pytest.approx(due)

    await asked(out)

    record, row = await stored(out.id), await delivery_of(out.id)
    message_id = resend.mails[0].message_id
    assert record.internet_message_id == row.internet_message_id == message_id
    assert record.status == CommunicationStatus.SENT
    assert record.updated == clock.now()
    assert row.identify_at is None
    assert resend.requests == ["POST /emails", f"GET /emails/{row.provider_id}"]
    clock.advance(timedelta(days=1))
    assert await delivery.sweep(by_resend) == 0


async def test_it_is_not_asked_before_its_time_or_for_nothing(
    by_resend: Deps, out: Communication, delivery_of: DeliveryOf, footprint: Footprint
) -> None:
    row = await delivery_of(out.id)
    before = await footprint()

    for id_ in (str(row.id), "0123456789abcdef01234567", "nonsense", ""):
        await identification.identify(by_resend, id_)

    assert await footprint() == before


async def test_a_mail_whose_message_id_is_ours_is_not_asked_about(
    deps: Deps, dispatched: Send, stored: Stored, delivery_of: DeliveryOf
) -> None:
    accepted = await dispatched()

    row = await delivery_of(accepted.id)
    assert row.identify_at is None
    assert (await stored(accepted.id)).internet_message_id == row.message_id


async def test_the_pauses_grow_and_end_after_a_day(
    out: Communication, asked: Any, delivery_of: DeliveryOf, resend: FakeResend, clock: Clock
) -> None:
    resend.tells_message_ids = False
    began, pauses = clock.now(), []

    while (due := (await delivery_of(out.id)).identify_at) is not None:
        pauses.append((due - clock.now()) // SECONDS)
        await asked(out)

    assert pauses[:12] == [5, 5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600]
    assert set(pauses[11:]) == {3600}
    assert timedelta(days=1) <= clock.now() - began <= timedelta(days=1, hours=1)
    assert len(resend.requests) < 45


async def test_what_fails_for_now_is_asked_again(
    out: Communication, asked: Any, stored: Stored, resend: FakeResend
) -> None:
    resend.always = BROKEN
    await asked(out)
    resend.always = replace(TOO_MANY, headers={"retry-after": "0"})
    await asked(out)
    resend.always = None

    await asked(out)

    assert (await stored(out.id)).internet_message_id == resend.mails[0].message_id


async def test_a_service_that_asks_for_a_wait_gets_it(
    out: Communication, asked: Any, delivery_of: DeliveryOf, resend: FakeResend, clock: Clock
) -> None:
    resend.always = replace(BROKEN, headers={"retry-after": "90"})

    await asked(out)

    assert (await delivery_of(out.id)).identify_at == clock.now() + 90 * SECONDS


async def test_a_provider_that_is_not_set_up_here_is_asked_later(
    deps: Deps, out: Communication, asked: Any, delivery_of: DeliveryOf, clock: Clock
) -> None:
    await asked(out, over=deps)

    assert (await delivery_of(out.id)).identify_at == clock.now() + 5 * SECONDS


async def test_a_key_that_may_only_send_is_asked_once(
    by_resend: Deps,
    out: Communication,
    asked: Any,
    delivery_of: DeliveryOf,
    stored: Stored,
    resend: FakeResend,
) -> None:
    provider = ResendProvider(ResendAccount(SENDING, resend.url), by_resend.http)

    await asked(out, over=replace(by_resend, providers={ProviderType.RESEND: provider}))

    assert (await delivery_of(out.id)).identify_at is None
    assert await stored(out.id) == out


async def test_an_answer_to_the_providers_message_id_is_threaded(
    by_resend: Deps, caller: Caller, out: Communication, asked: Any, stored: Stored,
    resend: FakeResend,
) -> None:  # fmt: skip
    await asked(out)

    reply = await inbound.ingest(by_resend, caller, message(in_reply_to=resend.mails[0].message_id))

    assert reply.conversation_id == "thread"
    assert reply.parent_communication_id == out.id
    assert [event.type for event in (await stored(out.id)).events][-1] == EventType.REPLY


async def test_an_answer_that_came_first_is_threaded_when_the_message_id_is_known(
    by_resend: Deps, caller: Caller, out: Communication, asked: Any, stored: Stored,
    resend: FakeResend,
) -> None:  # fmt: skip
    raw = message(in_reply_to=resend.mails[0].message_id)
    early = await inbound.ingest(by_resend, caller, raw)
    assert early.parent_communication_id is None

    await asked(out)

    reply = await inbound.ingest(by_resend, caller, raw)
    assert (reply.id, reply.conversation_id) == (early.id, "thread")
    assert reply.parent_communication_id == out.id
    types = [event.type for event in (await stored(out.id)).events]
    assert types == [EventType.CREATE, EventType.SEND, EventType.REPLY]


async def test_an_answer_of_another_tenant_is_not_drawn_in(
    by_resend: Deps, other_tenant: Caller, out: Communication, asked: Any, resend: FakeResend
) -> None:
    raw = message(in_reply_to=resend.mails[0].message_id)
    foreign = await inbound.ingest(by_resend, other_tenant, raw)

    await asked(out)

    again = await inbound.ingest(by_resend, other_tenant, raw)
    assert again.conversation_id == foreign.conversation_id != "thread"
    assert again.parent_communication_id is None


async def test_an_answer_to_an_earlier_sending_is_threaded(
    by_resend: Deps, caller: Caller, out: Communication, asked: Any, stored: Stored,
    resend: FakeResend, clock: Clock,
) -> None:  # fmt: skip
    await asked(out)
    await sending.resend(by_resend, caller, str(out.id))
    await delivery.dispatch(by_resend, str(out.id))
    first, second = resend.mails
    assert (await stored(out.id)).internet_message_id is None

    reply = await inbound.ingest(by_resend, caller, message(in_reply_to=first.message_id))

    assert reply.parent_communication_id == out.id
    row = await Delivery.of_communication(out.id, 2)
    assert row is not None
    clock.advance(5 * SECONDS)
    await identification.identify(by_resend, str(row.id))
    assert (await stored(out.id)).internet_message_id == second.message_id
    raw = message("<other@customer.test>", in_reply_to=second.message_id)
    assert (await inbound.ingest(by_resend, caller, raw)).parent_communication_id == out.id


async def test_the_message_id_of_an_earlier_sending_is_not_the_records(
    by_resend: Deps, caller: Caller, out: Communication, asked: Any, stored: Stored,
    delivery_of: DeliveryOf, resend: FakeResend,
) -> None:  # fmt: skip
    await sending.resend(by_resend, caller, str(out.id))
    await delivery.dispatch(by_resend, str(out.id))

    await asked(out)

    assert (await stored(out.id)).internet_message_id is None
    row = await delivery_of(out.id)
    assert row.internet_message_id == resend.mails[0].message_id
    reply = await inbound.ingest(by_resend, caller, message(in_reply_to=resend.mails[0].message_id))
    assert reply.parent_communication_id == out.id


async def test_the_next_mail_of_the_conversation_answers_the_providers_message_id(
    by_resend: Deps, out: Communication, asked: Any, mailed: Send, resend: FakeResend
) -> None:
    await asked(out)

    await mailed({"conversationId": "thread"})

    first, second = resend.mails
    assert second.fields["headers"] == {
        "In-Reply-To": first.message_id,
        "References": first.message_id,
    }


async def test_cut_off_anywhere_it_is_done_again(
    by_resend: Deps, out: Communication, asked: Any, stored: Stored, delivery_of: DeliveryOf,
    resend: FakeResend,
) -> None:  # fmt: skip
    message_id = resend.mails[0].message_id
    # A worker died when it had written the delivery.
    await Delivery.get_motor_collection().update_one(
        {"communicationId": out.id}, {"$set": {"internetMessageId": message_id}}
    )

    await asked(out)

    assert (await stored(out.id)).internet_message_id == message_id
    assert (await delivery_of(out.id)).identify_at is None
    # Nobody had to be asked.
    assert resend.requests == ["POST /emails"]


async def test_a_worker_that_died_before_it_settled_the_delivery_loses_no_id(
    by_resend: Deps, out: Communication, asked: Any, stored: Stored, delivery_of: DeliveryOf,
    resend: FakeResend, clock: Clock,
) -> None:  # fmt: skip
    row = await delivery_of(out.id)
    await Delivery.get_motor_collection().update_one(
        {"_id": row.id},
        {
            "$set": {"status": "QUEUED", "dueAt": clock.now(), "lease": "dead", "attempts": []},
            "$unset": {"providerId": "", "identifyAt": ""},
        },
    )

    await delivery.deliver(by_resend, str(row.id))

    settled = await delivery_of(out.id)
    assert (settled.status, settled.provider_id) == (DeliveryStatus.SENT, resend.mails[0].id)
    await asked(out)
    assert (await stored(out.id)).internet_message_id == resend.mails[0].message_id
    assert len(resend.mails) == 1


async def test_the_account_that_carried_it_is_asked(
    adjusted: Callable[..., Deps],
    account: Callable[..., Awaitable[ProviderAccount]],
    dispatched: Send,
    delivery_of: DeliveryOf,
    stored: Stored,
    resend: FakeResend,
    clock: Clock,
) -> None:
    over = adjusted(resend_url=AnyHttpUrl(resend.url))
    used = await account("Resend", resend={"apiKey": FULL})
    accepted = await dispatched({"providerType": "RESEND"}, over=over)
    row = await delivery_of(accepted.id)
    assert (row.status, row.account_id) == (DeliveryStatus.SENT, used.id)
    clock.advance(5 * SECONDS)

    await identification.identify(over, str(row.id))

    assert (await stored(accepted.id)).internet_message_id == resend.mails[0].message_id


async def test_an_account_that_is_gone_is_not_asked(
    by_resend: Deps, out: Communication, asked: Any, delivery_of: DeliveryOf
) -> None:
    await Delivery.get_motor_collection().update_one(
        {"communicationId": out.id}, {"$set": {"accountId": PydanticObjectId()}}
    )

    await asked(out)

    row = await delivery_of(out.id)
    assert (row.identify_at, row.internet_message_id) == (None, None)


async def test_a_record_that_is_gone_is_let_go(
    by_resend: Deps, out: Communication, delivery_of: DeliveryOf, clock: Clock
) -> None:
    await Communication.get_motor_collection().delete_one({"_id": out.id})
    row = await delivery_of(out.id)
    clock.advance(timedelta(days=2))

    await identification.identify(by_resend, str(row.id))

    assert (await delivery_of(out.id)).identify_at is None


async def test_what_a_provider_reports_by_itself_is_taken(
    by_resend: Deps, out: Communication, stored: Stored, delivery_of: DeliveryOf
) -> None:
    row = await delivery_of(out.id)

    for id_ in ("<told@resend.test>", "<told@resend.test>", "<other@resend.test>"):
        await identification.record(by_resend, row, id_)

    assert (await stored(out.id)).internet_message_id == "<told@resend.test>"
    row = await delivery_of(out.id)
    assert (row.internet_message_id, row.identify_at) == ("<told@resend.test>", None)
