"""Which mail has a way out, and that the way stays the same whatever becomes of the mail."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import SecretStr

from app.context import Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.recipient_lists import RecipientList
from app.documents.topics import Topic
from app.errors import InvalidInputError
from app.mail.unsubscribe_tokens import read_unsubscribe_token, unsubscribe_token
from app.services import delivery, sending
from tests.fakes.relay import Relay
from tests.fakes.resend import FakeResend

MakeList = Callable[..., Awaitable[RecipientList]]
MakeTopic = Callable[..., Awaitable[Topic]]
Send = Callable[..., Awaitable[Communication]]
RowsOf = Callable[..., Awaitable[list[Delivery]]]
Run = Callable[..., Awaitable[None]]
Adjusted = Callable[..., Deps]
Footprint = Callable[[], Awaitable[dict[str, Any]]]

JAN, PIET = {"email": "jan@c.test"}, {"email": "piet@c.test"}
PUBLIC = "http://mail.example.test"
POST = "List-Unsubscribe=One-Click"


def link(deps: Deps, mail_id: object) -> str:
    key = deps.settings.unsubscribe_keys[0]
    return f"{PUBLIC}/u/{unsubscribe_token(key, tenant='acme', mail_id=str(mail_id))}"


async def test_each_member_of_a_list_has_a_link_of_its_own(
    deps: Deps, make_list: MakeList, send_list: Send, run_list: Run, rows_of: RowsOf, relay: Relay
) -> None:
    made = await make_list(JAN, PIET)
    record = await send_list(made)

    await run_list(record)

    rows = await rows_of(record)
    assert (record.unsubscribable, record.unsubscribe_id) == (True, None)
    assert [
        (mail["List-Unsubscribe"], mail["List-Unsubscribe-Post"], mail["List-Id"])
        for mail in (one.message for one in sorted(relay.taken, key=lambda one: one.recipients))
    ] == [(f"<{link(deps, row.id)}>", POST, f"<{made.id}.acme.mail.example.test>") for row in rows]
    assert len({row.id for row in rows}) == 2


async def test_mail_about_a_topic_names_it(
    make_topic: MakeTopic, make_list: MakeList, send_list: Send, run_list: Run, dispatched: Send,
    relay: Relay,
) -> None:  # fmt: skip
    topic = await make_topic("news")
    record = await dispatched({"topicId": str(topic.id)})
    await run_list(await send_list(await make_list(PIET), topicId=str(topic.id)))

    assert record.unsubscribable
    for mail in relay.taken:
        assert mail.message["List-Id"] == f"<{topic.id}.acme.mail.example.test>"
        assert mail.message["List-Unsubscribe"].startswith(f"<{PUBLIC}/u/")
    assert len(relay.taken) == 2


async def test_without_keys_mail_about_a_topic_goes_without(
    adjusted: Adjusted, make_topic: MakeTopic, send: Send, relay: Relay
) -> None:
    topic, over = await make_topic("news"), adjusted(secret_keys=None)

    record = await send({"topicId": str(topic.id)}, over=over)
    await delivery.dispatch(over, str(record.id))

    assert not record.unsubscribable
    assert relay.taken[0].message["List-Unsubscribe"] is None
    assert relay.taken[0].message["List-Id"] is None


async def test_the_fields_are_written_as_they_stand(
    deps: Deps, dispatched: Send, relay: Relay
) -> None:
    record = await dispatched({"unsubscribable": True})

    head = relay.taken[0].content.partition(b"\r\n\r\n")[0].decode()
    assert f"List-Unsubscribe: <{link(deps, record.unsubscribe_id)}>\r\n" in f"{head}\r\n"
    assert f"List-Unsubscribe-Post: {POST}\r\n" in f"{head}\r\n"
    assert "List-Id" not in head


async def test_ordinary_mail_has_none(dispatched: Send, relay: Relay) -> None:
    for changes in ({}, {"unsubscribable": False}, {"unsubscribable": None}):
        record = await dispatched(changes)
        assert (record.unsubscribable, record.unsubscribe_id) == (False, None)

    assert all("List-Unsubscribe" not in one.message for one in relay.taken)
    assert len(relay.taken) == 3


async def test_with_a_domain_for_answers_there_is_an_address_too(
    deps: Deps, adjusted: Adjusted, dispatched: Send, relay: Relay
) -> None:
    over = adjusted(inbound_domain="in.letterbox.test")
    record = await dispatched({"unsubscribable": True}, over=over)

    url = link(deps, record.unsubscribe_id)
    token = url.rpartition("/")[2]
    assert relay.taken[0].message["List-Unsubscribe"] == (
        f"<{url}>, <mailto:unsubscribe+{token}@in.letterbox.test?subject=unsubscribe>"
    )


async def test_resend_gets_the_fields_too(deps: Deps, mailed: Send, resend: FakeResend) -> None:
    record = await mailed({"unsubscribable": True})

    [mail] = resend.mails
    assert mail.fields["headers"] == {
        "List-Unsubscribe": f"<{link(deps, record.unsubscribe_id)}>",
        "List-Unsubscribe-Post": POST,
    }


async def test_a_retry_and_a_resend_lead_to_the_same_page(
    deps: Deps, dispatched: Send, caller: Any, relay: Relay, stored: Any, clock: Any
) -> None:
    relay.data_replies = ["451 later"]
    record = await dispatched({"unsubscribable": True})
    clock.advance(deps.settings.retry_delay_limit)
    row = await Delivery.of_communication(record.id, 1)
    assert row is not None
    await delivery.deliver(deps, str(row.id))
    await sending.resend(deps, caller, str(record.id))
    await delivery.dispatch(deps, str(record.id))

    url = link(deps, record.unsubscribe_id)
    assert [one.message["List-Unsubscribe"] for one in relay.taken] == [f"<{url}>"] * 2


async def test_the_first_key_signs(deps: Deps, adjusted: Adjusted, dispatched: Send) -> None:
    older = deps.settings.secret_keys
    assert older is not None
    newer = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="
    over = adjusted(secret_keys=SecretStr(f"{newer},{older.get_secret_value()}"))
    record = await dispatched({"unsubscribable": True}, over=over)
    row = await Delivery.of_communication(record.id, 1)
    assert row is not None

    token = read_unsubscribe_token(link(over, record.unsubscribe_id).rpartition("/")[2])
    assert token is not None
    assert token.text.encode() in await row.stored_message()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"recipients": ["jan@c.test", "piet@c.test"]},
            "is for mail to one address, or to a list: each recipient has a link of its own",
        ),
        (
            {"bcc": ["piet@c.test"]},
            "is for mail to one address, or to a list: each recipient has a link of its own",
        ),
        ({"unsubscribable": "yes"}, "must be true or false"),
    ],
)
async def test_what_could_not_be_kept_is_refused(
    send: Send, footprint: Footprint, changes: dict[str, Any], message: str
) -> None:
    before = await footprint()

    with pytest.raises(InvalidInputError) as refused:
        await send({"unsubscribable": True, **changes})

    [fault] = refused.value.fields
    assert (fault.path, message) == ("unsubscribable", fault.message)
    assert await footprint() == before


async def test_one_address_in_several_places_is_one(send: Send) -> None:
    record = await send({"unsubscribable": True, "cc": ["Jan <JAN@customer.test>"]})

    assert record.unsubscribable


async def test_mail_to_a_list_always_lets_one_leave(
    make_list: MakeList, send_list: Send, footprint: Footprint
) -> None:
    made = await make_list(JAN)
    before = await footprint()

    with pytest.raises(InvalidInputError) as refused:
        await send_list(made, unsubscribable=False)

    assert [(one.path, one.message) for one in refused.value.fields] == [
        ("unsubscribable", "cannot be false: mail to a list or about a topic lets one leave")
    ]
    assert await footprint() == before


async def test_without_keys_it_is_refused_where_it_is_asked_for(
    adjusted: Adjusted, send: Send, footprint: Footprint
) -> None:
    before = await footprint()

    with pytest.raises(InvalidInputError) as refused:
        await send({"unsubscribable": True}, over=adjusted(secret_keys=None))

    assert [(one.path, one.message) for one in refused.value.fields] == [
        (
            "unsubscribable",
            "cannot be: LETTERBOX_SECRET_KEYS, by which links are signed, is not set",
        )
    ]
    assert await footprint() == before


async def test_without_keys_mail_to_lists_goes_without(
    adjusted: Adjusted, make_list: MakeList, send: Send, run_list: Run, relay: Relay
) -> None:
    made, over = await make_list(JAN), adjusted(secret_keys=None)
    record = await send({"recipients": [], "recipientListId": str(made.id)}, over=over)

    await run_list(record, over=over)

    assert not record.unsubscribable
    assert "List-Unsubscribe" not in relay.taken[0].message
