"""Mail to a recipient list, from its acceptance to its end."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.recipient_lists import RecipientList
from app.documents.vocabulary import CommunicationStatus, DeliveryStatus, EventType
from app.errors import ConflictError, InvalidInputError
from app.services import (
    list_mail,
    list_members,
    recipient_lists,
    records,
    scheduling,
    sending,
    suppressions,
    templates,
)
from app.services.connections import ListCommand
from app.services.inputs import parse
from app.services.list_members import members_of
from tests.fakes.clock import Clock
from tests.fakes.relay import Relay

MakeList = Callable[..., Awaitable[RecipientList]]
Send = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
RowsOf = Callable[..., Awaitable[list[Delivery]]]
Run = Callable[..., Awaitable[None]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]

JAN = {"email": "jan@c.test", "name": "Jan", "variables": {"city": "Ede"}}
PIET = {"email": "piet@c.test", "variables": {"city": "Urk"}}
EVE = {"email": "eve@c.test"}


async def test_each_member_gets_a_mail_of_its_own(
    deps: Deps, make_list: MakeList, send_list: Send, run_list: Run, stored: Stored,
    relay: Relay, rows_of: RowsOf, clock: Clock,
) -> None:  # fmt: skip
    made = await make_list(JAN, PIET)
    record = await send_list(
        made,
        subject="For {{ name }} in {{ city }}",
        body='<p>{{ greeting }}, {{ email }}: <a href="https://acme.test/o">see</a></p>',
        variables={"greeting": "Hello", "city": "nowhere"},
    )
    assert (record.status, record.recipients) == (CommunicationStatus.PENDING, [])
    assert record.recipient_list_id == str(made.id)
    clock.advance(timedelta(seconds=3))

    await run_list(record)

    mails = {mail.recipients: mail.message for mail in relay.taken}
    assert {to: str(mail["Subject"]) for to, mail in mails.items()} == {
        ("jan@c.test",): "For Jan in Ede",
        ("piet@c.test",): "For  in Urk",
    }
    jan = mails["jan@c.test",]
    assert str(jan["To"]) == "Jan <jan@c.test>"
    text = jan.get_body(("plain",))
    assert text is not None
    assert text.get_content().strip() == "Hello, jan@c.test: see (https://acme.test/o)"
    rows = await rows_of(record)
    assert [row.status for row in rows] == [DeliveryStatus.SENT] * 2
    assert [(row.message, row.batch_at, row.lease, row.claims) for row in rows] == [
        (None, None, None, 1)
    ] * 2
    assert len({row.tracking_id for row in rows} | {record.tracking_id}) == 3
    assert {str(mail["Message-ID"]) for mail in mails.values()} == {r.message_id for r in rows}
    ended = await stored(record.id)
    assert ended.status == CommunicationStatus.SENT
    assert (ended.sent_at, ended.dispatch_at, ended.error_message) == (clock.now(), None, None)
    assert ended.progress is not None
    assert ended.progress.model_dump() == {
        "total": 2, "queued": 0, "sent": 2, "failed": 0, "suppressed": 0, "unsubscribed": 0,
        "cancelled": 0,
    }  # fmt: skip
    assert [(e.type, e.description) for e in ended.events[1:]] == [
        (EventType.SEND, "2 of 2 members sent")
    ]


async def test_who_cannot_get_it_fails_alone_with_the_reason(
    deps: Deps, caller: Caller, make_list: MakeList, send_list: Send, run_list: Run,
    stored: Stored, relay: Relay, rows_of: RowsOf,
) -> None:  # fmt: skip
    made = await make_list(JAN, EVE, PIET, {"email": "kees@c.test", "variables": {"city": "X"}})
    command = parse(suppressions.AddSuppression, {"address": "piet@c.test"})
    await suppressions.add(deps, caller, command)
    relay.replies = {"kees@c.test": "550 no such user"}
    record = await send_list(made, subject="In {{ city }}", body="<p>{{ city }}</p>")

    await run_list(record)

    assert [mail.recipients for mail in relay.taken] == [("jan@c.test",)]
    assert [(r.status, r.recipients[0].reply) for r in await rows_of(record)] == [
        (DeliveryStatus.SENT, None),
        (DeliveryStatus.FAILED, "subject: missing variables: city; body: missing variables: city"),
        (DeliveryStatus.SUPPRESSED, "suppressed by a user"),
        (DeliveryStatus.FAILED, "550 no such user"),
    ]
    ended = await stored(record.id)
    assert ended.status == CommunicationStatus.SENT
    assert ended.events[-1].description == "1 of 4 members sent, 2 failed, 1 suppressed"
    assert ended.error_message == (
        "1 of 4 members sent, 2 failed, 1 suppressed; "
        "eve@c.test (subject: missing variables: city; body: missing variables: city); "
        "piet@c.test (suppressed by a user); kees@c.test (550 no such user)"
    )


async def test_when_nobody_gets_it_it_failed(
    make_list: MakeList, send_list: Send, run_list: Run, stored: Stored, relay: Relay
) -> None:
    made = await make_list(EVE)
    record = await send_list(made, subject="In {{ city }}")

    await run_list(record)

    ended = await stored(record.id)
    assert relay.taken == []
    assert (ended.status, ended.sent_at) == (CommunicationStatus.FAILED, None)
    assert ended.events[-1].type == EventType.FAIL
    assert ended.error_message == (
        "0 of 1 members sent, 1 failed; eve@c.test (subject: missing variables: city)"
    )


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"recipientListId": "nonsense"}, "recipientListId: no recipient list has this id"),
        ({"recipientListId": "6b050e9454d4a1b9322b3eaa"},
         "recipientListId: no recipient list has this id"),
        ({"recipients": ["x@c.test"]},
         "recipients: must be empty: the mail goes to the members of the list"),
        ({"cc": ["x@c.test"]}, "cc: must be empty: the mail goes to the members of the list"),
        ({"bcc": ["x@c.test"]}, "bcc: must be empty: the mail goes to the members of the list"),
        ({"subject": "{{ name"}, "subject: template error"),
        ({"body": "{% for %}"}, "body: template error"),
        ({"body": '<a href="https://a.test">x</a>' * 1001}, "body: has 1001 links"),
    ],
)  # fmt: skip
async def test_what_cannot_be_sent_to_a_list_is_refused(
    make_list: MakeList, send_list: Send, footprint: Footprint, changes: dict[str, Any], fault: str
) -> None:
    made = await make_list(JAN)
    before = await footprint()

    with pytest.raises(InvalidInputError) as refused:
        await send_list(made, **changes)

    assert refused.value.detail.startswith(fault)
    assert await footprint() == before


async def test_an_empty_list_and_that_of_another_tenant_are_refused(
    other_tenant: Caller, make_list: MakeList, send_list: Send
) -> None:
    empty = await make_list()
    with pytest.raises(InvalidInputError, match=r"^recipientListId: the list has no members$"):
        await send_list(empty)
    made = await make_list(JAN, name="Other")
    with pytest.raises(InvalidInputError, match=r"^recipientListId: no recipient list has this"):
        await send_list(made, by=other_tenant)


@pytest.mark.parametrize("given", [{}, {"recipients": None}, {"recipients": []}])
def test_without_a_list_there_must_be_recipients(given: dict[str, Any]) -> None:
    mail = {"subject": "x", "body": "y"}

    with pytest.raises(InvalidInputError, match="recipients: "):
        parse(sending.SendCommunication, {**mail, **given})
    with pytest.raises(InvalidInputError, match="recipients: "):
        parse(sending.SendCommunication, {**mail, **given, "recipientListId": " "})
    listed = parse(sending.SendCommunication, {**mail, **given, "recipientListId": "x"})
    assert listed.recipients == []


async def test_scheduled_list_mail_goes_out_at_its_time(
    deps: Deps, caller: Caller, make_list: MakeList, run_list: Run, stored: Stored,
    relay: Relay, clock: Clock,
) -> None:  # fmt: skip
    made = await make_list(JAN)
    at = clock.now() + timedelta(hours=1)
    command = parse(
        scheduling.ScheduleCommunication,
        {"subject": "x", "body": "y", "recipientListId": str(made.id), "scheduledAt": at},
    )
    record = await scheduling.schedule(deps, caller, command)
    await run_list(record)
    assert (await stored(record.id)).status == CommunicationStatus.SCHEDULED
    clock.advance(timedelta(hours=1))

    await run_list(record)

    assert (await stored(record.id)).status == CommunicationStatus.SENT
    assert len(relay.taken) == 1


async def test_a_template_is_filled_in_for_each_member(
    deps: Deps, caller: Caller, make_list: MakeList, run_list: Run, relay: Relay
) -> None:
    made = await make_list(JAN, PIET)
    words = {"name": "T", "subject": "In {{ city }}", "body": "<p>{{ city }}</p>"}
    template = await templates.create(deps, caller, parse(templates.CreateTemplate, words))
    command = parse(templates.SendTemplate, {"recipientListId": str(made.id)})

    await run_list(await templates.send_template(deps, caller, str(template.id), command))

    assert sorted(str(mail.message["Subject"]) for mail in relay.taken) == ["In Ede", "In Urk"]


async def test_sent_again_it_goes_to_the_members_of_then(
    deps: Deps, caller: Caller, make_list: MakeList, send_list: Send, run_list: Run,
    stored: Stored, relay: Relay, rows_of: RowsOf,
) -> None:  # fmt: skip
    made = await make_list(JAN)
    record = await send_list(made)
    await run_list(record)
    await list_members.add(deps, caller, str(made.id), [PIET])

    resent = await sending.resend(deps, caller, str(record.id))
    await run_list(resent)

    assert (resent.progress, resent.fan_out) == (None, None)
    assert sorted(mail.recipients for mail in relay.taken) == [
        ("jan@c.test",), ("jan@c.test",), ("piet@c.test",)
    ]  # fmt: skip
    assert len({str(mail.message["Message-ID"]) for mail in relay.taken}) == 3
    assert len(await rows_of(record, sending=2)) == 2
    ended = await stored(record.id)
    assert ended.progress is not None
    assert (ended.progress.total, ended.progress.sent) == (2, 2)


async def test_without_its_list_it_is_not_sent_again(
    deps: Deps, caller: Caller, make_list: MakeList, send_list: Send, run_list: Run,
    footprint: Footprint,
) -> None:  # fmt: skip
    made = await make_list(JAN)
    record = await send_list(made)
    await run_list(record)
    await recipient_lists.delete(deps, caller, str(made.id))
    before = await footprint()

    with pytest.raises(ConflictError, match="no recipient list has this id"):
        await sending.resend(deps, caller, str(record.id), idempotency_key="again")

    assert await footprint() == before


async def test_a_list_deleted_before_the_mail_began_fails_it(
    deps: Deps, caller: Caller, make_list: MakeList, send_list: Send, run_list: Run,
    stored: Stored, relay: Relay,
) -> None:  # fmt: skip
    made = await make_list(JAN)
    record = await send_list(made)
    await recipient_lists.delete(deps, caller, str(made.id))

    await run_list(record)

    ended = await stored(record.id)
    assert (ended.status, ended.error_message) == (
        CommunicationStatus.FAILED,
        "The recipient list was deleted.",
    )
    assert relay.taken == []


async def test_a_list_emptied_before_the_mail_began_fails_it(
    deps: Deps, caller: Caller, make_list: MakeList, send_list: Send, run_list: Run,
    stored: Stored,
) -> None:  # fmt: skip
    made = await make_list(JAN)
    record = await send_list(made)
    (member,) = (await members_of(caller, str(made.id), ListCommand())).nodes
    await list_members.remove(caller, str(made.id), [str(member.id)])

    await run_list(record)

    ended = await stored(record.id)
    assert (ended.status, ended.error_message) == (
        CommunicationStatus.FAILED,
        "The recipient list has no members.",
    )


async def test_passing_failures_are_tried_again(
    deps: Deps, make_list: MakeList, send_list: Send, run_list: Run, stored: Stored,
    relay: Relay, rows_of: RowsOf, clock: Clock,
) -> None:  # fmt: skip
    made = await make_list(JAN, PIET)
    relay.replies = {"jan@c.test": "451 later"}
    record = await send_list(made)
    await run_list(record)
    clock.advance(timedelta(seconds=5))
    await run_list(record)
    waiting = await stored(record.id)
    jan, _ = await rows_of(record)
    assert jan.message is not None
    assert waiting.status == CommunicationStatus.SENDING
    assert waiting.dispatch_at == jan.batch_at
    assert waiting.progress is not None
    assert (waiting.progress.queued, waiting.progress.sent) == (1, 1)
    relay.replies = {}
    clock.advance(timedelta(minutes=1))

    await run_list(record)

    assert (await stored(record.id)).status == CommunicationStatus.SENT
    assert [mail.recipients for mail in relay.taken] == [("piet@c.test",), ("jan@c.test",)]
    assert relay.taken[1].message["Message-ID"] == jan.message_id


async def test_given_up_after_as_many_attempts_as_any_mail(
    deps: Deps, make_list: MakeList, send_list: Send, run_list: Run, stored: Stored,
    relay: Relay, rows_of: RowsOf, clock: Clock,
) -> None:  # fmt: skip
    made = await make_list(JAN)
    relay.replies = {"jan@c.test": "451 later"}
    record = await send_list(made)
    for _ in range(deps.settings.send_attempts):
        await run_list(record)
        clock.advance(timedelta(hours=1))

    (row,) = await rows_of(record)
    assert (row.status, len(row.attempts)) == (DeliveryStatus.FAILED, 3)
    assert row.attempts[-1].detail == "Gave up after 3 attempts: jan@c.test: 451 later"
    assert (await stored(record.id)).status == CommunicationStatus.FAILED


async def test_members_who_came_or_left_meanwhile(
    deps: Deps, caller: Caller, make_list: MakeList, send_list: Send, run_list: Run,
    fan_out: Run, stored: Stored, relay: Relay, clock: Clock,
) -> None:  # fmt: skip
    made = await make_list(JAN, PIET)
    record = await send_list(made)
    await fan_out(record)
    clock.advance(timedelta(seconds=1))
    await list_members.add(deps, caller, str(made.id), [EVE])
    jan = (await members_of(caller, str(made.id), ListCommand())).nodes[0]
    await list_members.remove(caller, str(made.id), [str(jan.id)])

    await run_list(record)

    ended = await stored(record.id)
    assert [mail.recipients for mail in relay.taken] == [("piet@c.test",)]
    assert ended.progress is not None
    assert (ended.progress.total, ended.progress.sent, ended.progress.cancelled) == (2, 1, 1)


async def test_paused_it_waits_and_resumed_it_goes_on(
    deps: Deps, caller: Caller, make_list: MakeList, send_list: Send, run_list: Run,
    fan_out: Run, stored: Stored, relay: Relay,
) -> None:  # fmt: skip
    made = await make_list(JAN, PIET)
    record = await send_list(made)
    await fan_out(record)

    paused = await list_mail.pause(deps, caller, str(record.id))
    await run_list(record)
    held = await stored(record.id)
    taken = len(relay.taken)
    resumed = await list_mail.resume(deps, caller, str(record.id))
    await run_list(record)

    assert (paused.status, paused.paused_at) == (CommunicationStatus.SENDING, deps.now())
    assert (held.status, held.dispatch_at, taken) == (CommunicationStatus.SENDING, None, 0)
    assert resumed.paused_at is None
    ended = await stored(record.id)
    assert (ended.status, len(relay.taken)) == (CommunicationStatus.SENT, 2)
    assert [(e.type, e.author_id, e.description) for e in ended.events[1:3]] == [
        (EventType.UPDATE, "alice", "paused"),
        (EventType.UPDATE, "alice", "resumed"),
    ]


async def test_paused_before_it_began(
    deps: Deps, caller: Caller, make_list: MakeList, send_list: Send, run_list: Run,
    stored: Stored, relay: Relay,
) -> None:  # fmt: skip
    record = await send_list(await make_list(JAN))
    await list_mail.pause(deps, caller, str(record.id))

    await run_list(record)
    assert (await stored(record.id)).status == CommunicationStatus.PENDING
    await list_mail.resume(deps, caller, str(record.id))
    await run_list(record)

    assert len(relay.taken) == 1


async def test_pausing_makes_sense_on_the_way_only(
    deps: Deps, caller: Caller, make_list: MakeList, send_list: Send, send: Send, run_list: Run,
    footprint: Footprint,
) -> None:  # fmt: skip
    made = await make_list(JAN)
    ended, single, paused = await send_list(made), await send(), await send_list(made)
    await run_list(ended)
    await list_mail.pause(deps, caller, str(paused.id))
    before = await footprint()

    for record in (ended, single, paused):
        with pytest.raises(ConflictError):
            await list_mail.pause(deps, caller, str(record.id))
    for record in (ended, single):
        with pytest.raises(ConflictError):
            await list_mail.resume(deps, caller, str(record.id))

    assert await footprint() == before


async def test_cancelled_on_the_way_what_waits_is_called_off(
    deps: Deps, caller: Caller, make_list: MakeList, send_list: Send, run_list: Run,
    fan_out: Run, stored: Stored, relay: Relay, rows_of: RowsOf,
) -> None:  # fmt: skip
    relay.replies = {"jan@c.test": "451 later"}
    record = await send_list(await make_list(JAN, PIET))
    await run_list(record)

    cancelled = await scheduling.cancel(deps, caller, str(record.id))
    await run_list(record)

    assert cancelled.status == CommunicationStatus.CANCELLED
    ended = await stored(record.id)
    assert (ended.status, ended.dispatch_at) == (CommunicationStatus.CANCELLED, None)
    assert ended.progress is not None
    assert (ended.progress.sent, ended.progress.cancelled) == (1, 1)
    assert [(r.status, r.message) for r in await rows_of(record)] == [
        (DeliveryStatus.CANCELLED, None),
        (DeliveryStatus.SENT, None),
    ]
    with pytest.raises(ConflictError):
        await scheduling.cancel(deps, caller, str(record.id))


async def test_cancelled_while_paused_and_before_it_began(
    deps: Deps, caller: Caller, make_list: MakeList, send_list: Send, run_list: Run,
    fan_out: Run, stored: Stored, relay: Relay,
) -> None:  # fmt: skip
    made = await make_list(JAN)
    waiting, paused = await send_list(made), await send_list(made)
    await fan_out(paused)
    await list_mail.pause(deps, caller, str(paused.id))

    for record in (waiting, paused):
        await scheduling.cancel(deps, caller, str(record.id))
        await run_list(record)
        ended = await stored(record.id)
        assert (ended.status, ended.dispatch_at, ended.paused_at) == (
            CommunicationStatus.CANCELLED, None, None
        )  # fmt: skip
    assert relay.taken == []
    with pytest.raises(ConflictError):
        await list_mail.resume(deps, caller, str(paused.id))


async def test_large_list_mail_is_sent_and_leaves_nothing(
    deps: Deps, make_list: MakeList, send_list: Send, run_list: Run, relay: Relay,
    footprint: Footprint,
) -> None:  # fmt: skip
    made = await make_list(JAN, PIET)
    record = await send_list(made, body="<p>" + "x" * 5_000_000 + " {{ city }}</p>")

    await run_list(record)

    assert sorted(mail.recipients for mail in relay.taken) == [("jan@c.test",), ("piet@c.test",)]
    assert (await footprint())["deliveries.content.files"] == []


async def test_two_workers_send_each_once(
    deps: Deps, make_list: MakeList, send_list: Send, run_list: Run, relay: Relay, stored: Stored
) -> None:
    rows = [{"email": f"m{n}@c.test"} for n in range(350)]
    record = await send_list(await make_list(*rows))

    await asyncio.gather(run_list(record), run_list(record), run_list(record))
    await run_list(record)

    taken = [mail.recipients for mail in relay.taken]
    assert sorted(taken) == sorted((row["email"],) for row in rows)
    ended = await stored(record.id)
    assert ended.progress is not None
    assert (ended.status, ended.progress.sent) == (CommunicationStatus.SENT, 350)


async def test_deleted_on_the_way_the_rest_is_called_off(
    deps: Deps, caller: Caller, make_list: MakeList, send_list: Send, run_list: Run,
    fan_out: Run, relay: Relay, rows_of: RowsOf,
) -> None:  # fmt: skip
    record = await send_list(await make_list(JAN, PIET))
    await fan_out(record)
    await records.delete(deps, caller, str(record.id))

    await run_list(record)

    found = await Communication.get(record.id)
    assert found is not None
    assert (found.status, found.dispatch_at) == (CommunicationStatus.CANCELLED, None)
    assert [row.status for row in await rows_of(record)] == [DeliveryStatus.CANCELLED] * 2
    assert relay.taken == []
