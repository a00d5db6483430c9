"""Leaving by a mail to the address in List-Unsubscribe, as mail programs send it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.inbound_messages import InboundMessage
from app.documents.origins import Origin
from app.documents.preferences import Preference
from app.documents.vocabulary import PreferenceSource, PreferenceState, ProviderType
from app.mail.kinds import InboundKind
from app.mail.unsubscribe_tokens import unsubscribe_address, unsubscribe_token
from app.services import inbound, records
from app.services.receiving.mail_servers import whose
from app.services.unsubscribing.leaving import choose_all
from tests.fakes.clock import Clock
from tests.fakes.messages import message
from tests.fakes.reports import gmail as bounce

Send = Callable[..., Awaitable[Communication]]
DOMAIN = "in.letterbox.test"


@pytest.fixture
def receiving(deps: Deps) -> Deps:
    """`deps` of a service that mail comes in to."""
    return replace(deps, settings=deps.settings.model_copy(update={"inbound_domain": DOMAIN}))


def token(deps: Deps, mail_id: object, *, tenant: str = "acme") -> str:
    key = deps.settings.unsubscribe_keys[0]
    return unsubscribe_token(key, tenant=tenant, mail_id=str(mail_id))


def address(deps: Deps, record: Communication, *, tenant: str = "acme") -> str:
    return unsubscribe_address(token(deps, record.unsubscribe_id, tenant=tenant), domain=DOMAIN)


def to(address: str, **fields: Any) -> bytes:
    raw = message(**{"subject": "unsubscribe", "text": "", **fields})
    return raw.replace(b"To: crm@acme.test", f"To: <{address}>".encode())


async def states() -> list[tuple[str, PreferenceState, PreferenceSource]]:
    found = await Preference.find_all().to_list()
    return [(one.address, one.state, one.via) for one in found]


GONE = ("jan@customer.test", PreferenceState.UNSUBSCRIBED, PreferenceSource.MAILTO)


async def test_a_mail_to_it_unsubscribes_and_is_kept(
    receiving: Deps, caller: Caller, dispatched: Send, stored: Any
) -> None:
    record = await dispatched({"unsubscribable": True}, over=receiving)

    kept = await inbound.ingest(receiving, caller, to(address(receiving, record)))

    assert await states() == [GONE]
    [said] = await Preference.find_all().to_list()
    assert said.communication_id == record.id
    assert (kept.kind, kept.is_reply, kept.leaving_id) == (InboundKind.UNSUBSCRIBE, False, None)
    assert kept.subject == "unsubscribe"
    assert (await stored(record.id)).reply_count == 0


async def test_even_in_reply_it_is_no_answer(
    receiving: Deps, caller: Caller, dispatched: Send, stored: Any
) -> None:
    record = await dispatched({"unsubscribable": True}, over=receiving)
    row = await Delivery.of_communication(record.id, 1)
    assert row is not None
    raw = to(address(receiving, record), in_reply_to=row.message_id)

    kept = await inbound.ingest(receiving, caller, raw)

    assert kept.parent_communication_id == record.id
    answered = await stored(record.id)
    assert (answered.reply_count, answered.replied_at) == (0, None)
    assert await states() == [GONE]


@pytest.mark.parametrize("way", ["envelope", "delivered-to", "cc", "upper case"])
async def test_it_is_found_wherever_it_stands(
    receiving: Deps, caller: Caller, dispatched: Send, way: str
) -> None:
    record = await dispatched({"unsubscribable": True}, over=receiving)
    name = address(receiving, record)
    raw, origin = message(), Origin()
    if way == "envelope":
        origin = Origin(provider=ProviderType.SMTP, recipients=(name,))
    elif way == "delivered-to":
        raw = f"Delivered-To: {name}\r\n".encode() + raw
    elif way == "cc":
        raw = raw.replace(b"Cc: ", f"Cc: {name}, ".encode())
    else:
        raw = to(name.upper())

    kept = await inbound.ingest(receiving, caller, raw, origin=origin)

    assert kept.kind == InboundKind.UNSUBSCRIBE
    assert await states() == [GONE]


async def test_delivered_again_it_does_not_undo_what_was_said_since(
    receiving: Deps, caller: Caller, dispatched: Send, clock: Clock
) -> None:
    record = await dispatched({"unsubscribable": True}, over=receiving)
    raw = to(address(receiving, record))
    first = await inbound.ingest(receiving, caller, raw)
    clock.advance(timedelta(days=1))
    await choose_all(receiving, token(receiving, record.unsubscribe_id), wanted=True)

    again = await inbound.ingest(receiving, caller, raw)

    assert again.id == first.id
    assert await states() == [
        ("jan@customer.test", PreferenceState.SUBSCRIBED, PreferenceSource.PAGE)
    ]


async def test_what_was_cut_off_is_done_by_the_next_delivery(
    receiving: Deps, caller: Caller, dispatched: Send
) -> None:
    record = await dispatched({"unsubscribable": True}, over=receiving)
    raw = to(address(receiving, record))
    kept = await inbound.ingest(receiving, caller, raw)
    await Preference.find_all().delete()
    # As a crash right behind the insert leaves it.
    rows = InboundMessage.get_motor_collection()
    await rows.update_one({"_id": kept.id}, {"$set": {"leavingId": record.unsubscribe_id}})

    await inbound.ingest(receiving, caller, raw)

    assert await states() == [GONE]


async def test_after_the_purge_it_works_still(
    receiving: Deps, caller: Caller, dispatched: Send, clock: Clock
) -> None:
    record = await dispatched({"unsubscribable": True}, over=receiving)
    await records.delete(receiving, caller, str(record.id))
    clock.advance(receiving.settings.retention)
    await records.purge(receiving)

    kept = await inbound.ingest(receiving, caller, to(address(receiving, record)))

    assert kept.kind == InboundKind.UNSUBSCRIBE
    assert await states() == [GONE]


async def test_forged_and_foreign_addresses_do_nothing(
    receiving: Deps, caller: Caller, other_tenant: Caller, dispatched: Send
) -> None:
    record = await dispatched({"unsubscribable": True}, over=receiving)
    genuine = address(receiving, record)
    other = "c" if genuine[40] == "b" else "b"
    forged = [
        (caller, genuine[:40] + other + genuine[41:]),
        (caller, address(receiving, record, tenant="globex")),
        (caller, genuine.replace(DOMAIN, "elsewhere.test")),
        (caller, genuine.replace("unsubscribe+", "reply+")),
        # Our own token, handed in by another tenant.
        (other_tenant, genuine),
        (other_tenant, address(receiving, record, tenant="globex")),
    ]

    for number, (by, name) in enumerate(forged):
        raw = to(name, id_=f"<{number}@customer.test>")
        await inbound.ingest(receiving, by, raw)

    assert await states() == []


async def test_without_a_domain_for_answers_there_is_no_such_address(
    deps: Deps, receiving: Deps, caller: Caller, dispatched: Send
) -> None:
    record = await dispatched({"unsubscribable": True}, over=receiving)
    name = address(deps, record)

    kept = await inbound.ingest(deps, caller, to(name))

    assert kept.kind == InboundKind.PERSONAL
    assert await states() == []
    assert await whose(deps.settings, name) is None


async def test_a_report_of_such_a_mail_stays_a_report(
    receiving: Deps, caller: Caller, dispatched: Send
) -> None:
    record = await dispatched({"unsubscribable": True}, over=receiving)
    origin = Origin(provider=ProviderType.SMTP, recipients=(address(receiving, record),))

    kept = await inbound.ingest(receiving, caller, bounce("<ours@acme.test>"), origin=origin)

    assert kept.kind == InboundKind.DELIVERY_REPORT


async def test_mail_servers_are_told_that_it_is_here(receiving: Deps, dispatched: Send) -> None:
    record = await dispatched({"unsubscribable": True}, over=receiving)
    settings, name = receiving.settings, address(receiving, record)

    assert await whose(settings, name) == "acme"
    assert await whose(settings, name.upper()) == "acme"
    assert await whose(settings, address(receiving, record, tenant="globex")) is None
    assert await whose(settings, f"unsubscribe+{'a' * 45}@{DOMAIN}") is None
