"""Who gets a mail, by what they said they want."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents import news
from app.documents.base import StoreUnavailableError
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.preferences import Preference
from app.documents.recipient_lists import RecipientList
from app.documents.topics import Topic
from app.documents.vocabulary import (
    CommunicationStatus,
    DeliveryStatus,
    NewsKind,
    PreferenceSource,
    PreferenceState,
    RecipientStatus,
    SuppressionReason,
)
from app.errors import ConflictError, InvalidInputError
from app.services import (
    delivery,
    preferences,
    scheduling,
    suppressions,
    topics,
)
from app.services.inputs import parse
from app.services.scheduling import ScheduleCommunication
from app.services.sending import SendCommunication, fingerprinted
from tests.fakes.clock import Clock
from tests.fakes.mongo_calls import MongoCalls
from tests.fakes.relay import Relay

JAN, PIET = "jan@customer.test", "piet@customer.test"
ONE_ADDRESS = "is for mail to one address or to a list; recipients, cc and bcc have"
UNKNOWN = "6b050e9454d4a1b9322b3eaa"
Say = Callable[..., Awaitable[Preference]]
MakeTopic = Callable[..., Awaitable[Topic]]
Send = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
DeliveryOf = Callable[[PydanticObjectId], Awaitable[Delivery]]
MakeList = Callable[..., Awaitable[RecipientList]]
RowsOf = Callable[..., Awaitable[list[Delivery]]]
Run = Callable[..., Awaitable[None]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]


@pytest.fixture
def leave(deps: Deps) -> Say:
    return partial(
        preferences.say,
        deps,
        "acme",
        state=PreferenceState.UNSUBSCRIBED,
        via=PreferenceSource.ONE_CLICK,
    )


@pytest.fixture
def join(deps: Deps) -> Say:
    return partial(
        preferences.say, deps, "acme", state=PreferenceState.SUBSCRIBED, via=PreferenceSource.PAGE
    )


@pytest.fixture
def topic(deps: Deps, caller: Caller) -> MakeTopic:
    async def made(key: str = "news", default: str = "OPT_OUT", *, by: Caller = caller) -> Topic:
        given = {"key": key, "name": key.title(), "default": default}
        return await topics.create(deps, by, parse(topics.CreateTopic, given))

    return made


async def test_a_mail_of_a_topic_does_not_go_to_whoever_left_it(
    topic: MakeTopic, leave: Say, dispatched: Send, stored: Stored, delivery_of: DeliveryOf,
    relay: Relay,
) -> None:  # fmt: skip
    news = await topic()
    await leave(JAN, topic_id=news.id)

    accepted = await dispatched({"recipients": ["Jan@Customer.test"], "topicId": str(news.id)})

    record, row = await stored(accepted.id), await delivery_of(accepted.id)
    words = "unsubscribed from News on 2100-11-24 by one click"
    assert relay.connections == 0
    assert (record.topic_id, record.status) == (news.id, CommunicationStatus.FAILED)
    assert record.error_message == f"Jan@customer.test: {words}; no address is left to send to"
    assert record.events[-1].description == record.error_message
    assert (row.status, row.due_at) == (DeliveryStatus.FAILED, None)
    assert [(r.address, r.status, r.reply) for r in row.recipients] == [
        ("Jan@customer.test", RecipientStatus.UNSUBSCRIBED, words)
    ]


@pytest.mark.parametrize(
    ("left", "fields", "words"),
    [
        ("news", {"topicId": "offers"}, None),
        ("news", {"unsubscribable": True}, None),
        ("news", {}, None),
        ("everything", {}, None),
        ("everything", {"unsubscribable": False}, None),
        ("everything", {"topicId": "news"}, "unsubscribed from all mail"),
        ("everything", {"unsubscribable": True}, "unsubscribed from all mail"),
        ("nothing", {"topicId": "news"}, None),
        ("nothing", {"topicId": "invitations"}, "never subscribed to Invitations"),
        ("invitations", {"topicId": "invitations"}, "unsubscribed from Invitations"),
    ],
    ids=str,
)
async def test_which_word_stops_which_mail(
    topic: MakeTopic, leave: Say, dispatched: Send, delivery_of: DeliveryOf,
    left: str, fields: dict[str, Any], words: str | None,
) -> None:  # fmt: skip
    known = {"news": await topic(), "offers": await topic("offers")}
    known["invitations"] = await topic("invitations", "OPT_IN")
    if left != "nothing":
        await leave(JAN, topic_id=None if left == "everything" else known[left].id)
    if "topicId" in fields:
        fields = {"topicId": str(known[fields["topicId"]].id)}

    accepted = await dispatched(fields)

    [recipient] = (await delivery_of(accepted.id)).recipients
    if words is None:
        assert (recipient.status, recipient.reply) == (RecipientStatus.ACCEPTED, None)
    else:
        assert recipient.status == RecipientStatus.UNSUBSCRIBED
        assert (recipient.reply or "").startswith(words)


@pytest.mark.parametrize(
    ("via", "words"),
    [
        (PreferenceSource.ONE_CLICK, "by one click"),
        (PreferenceSource.PAGE, "on the preference page"),
        (PreferenceSource.MAILTO, "by e-mail"),
        (PreferenceSource.USER, "as a user wrote down"),
    ],
)
async def test_the_reason_tells_how_it_was_said(
    deps: Deps, dispatched: Send, delivery_of: DeliveryOf, via: PreferenceSource, words: str
) -> None:
    await preferences.say(
        deps, "acme", JAN, state=PreferenceState.UNSUBSCRIBED, topic_id=None, via=via
    )

    accepted = await dispatched({"unsubscribable": True})

    [recipient] = (await delivery_of(accepted.id)).recipients
    assert recipient.reply == f"unsubscribed from all mail on 2100-11-24 {words}"


async def test_whoever_subscribed_gets_what_is_for_subscribers_only(
    topic: MakeTopic, leave: Say, join: Say, dispatched: Send, relay: Relay
) -> None:
    invitations = await topic("invitations", "OPT_IN")
    await leave(JAN, topic_id=None)
    await join(JAN, topic_id=invitations.id)

    await dispatched({"topicId": str(invitations.id)})

    assert [mail.recipients for mail in relay.taken] == [(JAN,)]


async def test_tenants_words_are_their_own(deps: Deps, dispatched: Send, relay: Relay) -> None:
    await preferences.say(
        deps,
        "globex",
        JAN,
        state=PreferenceState.UNSUBSCRIBED,
        topic_id=None,
        via=PreferenceSource.ONE_CLICK,
    )

    await dispatched({"unsubscribable": True})

    assert [mail.recipients for mail in relay.taken] == [(JAN,)]


async def test_who_is_suppressed_too_is_told_to_be_that(
    deps: Deps, leave: Say, dispatched: Send, delivery_of: DeliveryOf
) -> None:
    await leave(JAN, topic_id=None)
    await suppressions.learn(
        deps, "acme", JAN, SuppressionReason.BOUNCE, detail=None,
        communication_id=PydanticObjectId(UNKNOWN),
    )  # fmt: skip

    accepted = await dispatched({"unsubscribable": True})

    [recipient] = (await delivery_of(accepted.id)).recipients
    assert recipient.status == RecipientStatus.SUPPRESSED


async def test_whoever_leaves_while_a_mail_waits_for_its_time_does_not_get_it(
    deps: Deps, caller: Caller, topic: MakeTopic, leave: Say, stored: Stored, relay: Relay,
    mail: dict[str, Any], clock: Clock,
) -> None:  # fmt: skip
    news = await topic()
    due = clock.now() + timedelta(hours=1)
    asked = {**mail, "topicId": str(news.id), "scheduledAt": due.isoformat()}
    record = await scheduling.schedule(deps, caller, parse(ScheduleCommunication, asked))
    await leave(JAN, topic_id=news.id)
    clock.advance(timedelta(hours=1))

    await delivery.dispatch(deps, str(record.id))

    assert relay.connections == 0
    assert (await stored(record.id)).status == CommunicationStatus.FAILED


async def test_whoever_leaves_between_two_attempts_does_not_get_it(
    deps: Deps, topic: MakeTopic, leave: Say, dispatched: Send, delivery_of: DeliveryOf,
    relay: Relay, clock: Clock,
) -> None:  # fmt: skip
    news = await topic()
    relay.data_replies = ["451 later"]
    accepted = await dispatched({"topicId": str(news.id)})
    row = await delivery_of(accepted.id)
    assert row.status == DeliveryStatus.QUEUED
    await leave(JAN, topic_id=news.id)
    clock.advance(timedelta(hours=1))

    await delivery.deliver(deps, str(row.id))

    assert relay.taken == []
    [recipient] = (await delivery_of(accepted.id)).recipients
    assert recipient.status == RecipientStatus.UNSUBSCRIBED


async def test_an_archived_topic_still_holds_for_mail_that_waits(
    deps: Deps, caller: Caller, topic: MakeTopic, leave: Say, send: Send, relay: Relay
) -> None:
    news = await topic()
    record = await send({"topicId": str(news.id)})
    await leave(JAN, topic_id=news.id)
    await topics.archive(deps, caller, str(news.id))

    await delivery.dispatch(deps, str(record.id))

    assert relay.connections == 0


async def test_members_who_left_are_left_out_of_list_mail(
    topic: MakeTopic, leave: Say, make_list: MakeList, send_list: Send, run_list: Run,
    stored: Stored, rows_of: RowsOf, relay: Relay,
) -> None:  # fmt: skip
    news = await topic()
    await leave(JAN, topic_id=news.id)
    await leave("eve@c.test", topic_id=None)
    made = await make_list({"email": JAN}, {"email": PIET}, {"email": "eve@c.test"})
    record = await send_list(made, topicId=str(news.id))

    await run_list(record)

    assert [mail.recipients for mail in relay.taken] == [(PIET,)]
    assert [(row.status, row.recipients[0].reply) for row in await rows_of(record)] == [
        (DeliveryStatus.UNSUBSCRIBED, "unsubscribed from News on 2100-11-24 by one click"),
        (DeliveryStatus.SENT, None),
        (DeliveryStatus.UNSUBSCRIBED, "unsubscribed from all mail on 2100-11-24 by one click"),
    ]
    ended = await stored(record.id)
    assert ended.progress is not None
    assert (ended.progress.unsubscribed, ended.progress.suppressed) == (2, 0)
    assert ended.error_message == (
        "1 of 3 members sent, 2 unsubscribed; "
        f"{JAN} (unsubscribed from News on 2100-11-24 by one click); "
        "eve@c.test (unsubscribed from all mail on 2100-11-24 by one click)"
    )


async def test_list_mail_without_a_topic_goes_to_all_but_those_who_left_everything(
    topic: MakeTopic, leave: Say, make_list: MakeList, send_list: Send, run_list: Run, relay: Relay
) -> None:
    await leave(JAN, topic_id=(await topic()).id)
    await leave(PIET, topic_id=None)
    record = await send_list(await make_list({"email": JAN}, {"email": PIET}))

    await run_list(record)

    assert [mail.recipients for mail in relay.taken] == [(JAN,)]


async def test_whoever_leaves_while_a_batch_goes_out_gets_nothing_of_it(
    open_relay: Callable[..., Deps], topic: MakeTopic, leave: Say, make_list: MakeList,
    send_list: Send, run_list: Run, rows_of: RowsOf, relay: Relay, clock: Clock,
) -> None:  # fmt: skip
    news = await topic()
    made = await make_list({"email": JAN}, {"email": PIET})
    record = await send_list(made, topicId=str(news.id))

    async def others_leave(_: SMTP) -> None:
        """While the relay takes the first mail, the other one is written already."""
        await asyncio.gather(*(leave(address, topic_id=news.id) for address in (JAN, PIET)))
        clock.advance(timedelta(seconds=1))

    relay.on_data = others_leave
    one_by_one = open_relay(smtp_port=relay.port, list_connections=1)

    await run_list(record, over=one_by_one)

    assert len(relay.taken) == 1
    assert sorted(row.status for row in await rows_of(record)) == [
        DeliveryStatus.SENT,
        DeliveryStatus.UNSUBSCRIBED,
    ]


async def test_while_the_store_is_away_a_batch_goes_on_by_what_was_said_before(
    open_relay: Callable[..., Deps], leave: Say, make_list: MakeList, send_list: Send,
    run_list: Run, relay: Relay, clock: Clock, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    await leave(JAN, topic_id=None)
    made = await make_list({"email": JAN}, {"email": PIET}, {"email": "eve@c.test"})
    record = await send_list(made)

    async def away(*_: Any) -> None:
        raise StoreUnavailableError

    async def time_passes(_: SMTP) -> None:
        monkeypatch.setattr("app.services.withholding.unsubscribed", away)
        clock.advance(timedelta(seconds=1))

    relay.on_data = time_passes

    await run_list(record, over=open_relay(smtp_port=relay.port, list_connections=1))

    assert {mail.recipients for mail in relay.taken} == {(PIET,), ("eve@c.test",)}


async def test_no_news_moves_whoever_was_left_out(
    leave: Say, dispatched: Send, delivery_of: DeliveryOf, clock: Clock
) -> None:
    await leave(JAN, topic_id=None)
    row = await delivery_of((await dispatched({"unsubscribable": True})).id)

    moved = [
        await news.move_recipient(
            row.id, JAN, kind, date=clock.now(), words=None, news_id=kind.value
        )
        for kind in NewsKind
    ]

    assert moved == [None] * len(NewsKind)


async def test_mail_that_one_cannot_be_unsubscribed_from_asks_nobody(
    dispatched: Send, mongo_calls: MongoCalls
) -> None:
    await dispatched()

    assert not any("preferences" in name or "topics" in name for name in mongo_calls.names)


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"topicId": UNKNOWN}, ["topicId: no topic has this id"]),
        ({"topicId": "news"}, ["topicId: no topic has this id"]),
        ({"topicId": "$theirs"}, ["topicId: no topic has this id"]),
        ({"topicId": "$archived"}, ["topicId: the topic is archived"]),
        (
            {"topicId": "$news", "cc": [PIET], "bcc": ["eve@c.test"]},
            ["topicId: is for mail to one address or to a list; recipients, cc and bcc have 3"],
        ),
        (
            {"topicId": "$news", "unsubscribable": False},
            ["unsubscribable: cannot be false: mail to a list or about a topic lets one leave"],
        ),
        ({"topicId": 7}, ["topicId: must be a string"]),
    ],
    ids=str,
)
async def test_what_cannot_have_a_topic_is_refused(
    deps: Deps, caller: Caller, other_tenant: Caller, topic: MakeTopic, send: Send,
    footprint: Footprint, changes: dict[str, Any], faults: list[str],
) -> None:  # fmt: skip
    known = {"$news": await topic(), "$theirs": await topic(by=other_tenant)}
    known["$archived"] = await topic("old")
    await topics.archive(deps, caller, str(known["$archived"].id))
    before = await footprint()
    given = {
        name: str(known[value].id) if isinstance(value, str) and value in known else value
        for name, value in changes.items()
    }

    with pytest.raises(InvalidInputError) as refused:
        await send(given)

    assert [f"{fault.path}: {fault.message}" for fault in refused.value.fields] == faults
    assert await footprint() == before


async def test_a_key_is_good_for_one_topic(topic: MakeTopic, send: Send) -> None:
    news, offers = str((await topic()).id), str((await topic("offers")).id)
    first = await send({"topicId": news}, key="k")

    again = await send({"topicId": news}, key="k")

    assert again.id == first.id
    for other in ({"topicId": offers}, {}, {"topicId": news, "unsubscribable": True}):
        with pytest.raises(ConflictError):
            await send(other, key="k")


def test_requests_without_a_topic_are_the_same_as_before_there_were_any(
    mail: dict[str, Any],
) -> None:
    _, fields = fingerprinted(parse(SendCommunication, mail), [])

    assert isinstance(fields, dict)
    assert {"topic_id", "unsubscribable"}.isdisjoint(fields)
