"""Each kind of mail, and each way not to want it: who is left out, why, and how it counts."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.vocabulary import (
    CommunicationStatus,
    PreferenceSource,
    PreferenceState,
    RecipientStatus,
)
from app.services import (
    batches,
    delivery,
    inbound,
    preferences,
    replies,
    scheduling,
    sending,
    suppressions,
    templates,
)
from app.services.analytics import analytics
from app.services.inputs import parse
from app.services.preferences.changes import ImportPreferences, import_preferences
from tests.fakes.clock import Clock
from tests.fakes.messages import message
from tests.fakes.relay import Relay

JAN, PIET = "Jan@customer.test", "piet@customer.test"
BY_CLICK = "unsubscribed from all mail on 2100-11-24 by one click"
BY_USER = "unsubscribed from all mail on 2100-11-24 as a user wrote down"
WORDS = {"name": "Offer", "subject": "Offer", "body": "<p>Dear reader</p>"}
Accept = Callable[[], Awaitable[Communication]]
Send = Callable[..., Awaitable[Communication]]
Kinds = Mapping[str, Callable[[], Awaitable[Accept]]]
Begin = Callable[[str], Awaitable[Accept]]
Wish = Callable[[str], Awaitable[None]]
Finish = Callable[[Communication], Awaitable[Communication]]


@pytest.fixture
async def template(deps: Deps, caller: Caller) -> str:
    made = await templates.create(deps, caller, parse(templates.CreateTemplate, WORDS))
    return str(made.id)


@pytest.fixture
def to_jan(
    deps: Deps, caller: Caller, mail: dict[str, Any], send: Send, dispatched: Send, clock: Clock
) -> Kinds:
    asked = {**mail, "recipients": [JAN], "unsubscribable": True}

    async def single() -> Accept:
        return partial(send, asked)

    async def resend() -> Accept:
        record = await dispatched(asked)
        return partial(sending.resend, deps, caller, str(record.id))

    async def scheduled() -> Accept:
        later = {**asked, "scheduledAt": (clock.now() + timedelta(hours=1)).isoformat()}
        command = parse(scheduling.ScheduleCommunication, later)
        return partial(scheduling.schedule, deps, caller, command)

    async def batch() -> Accept:
        async def accept() -> Communication:
            command = parse(sending.SendCommunication, asked)
            [item] = await batches.send_batch(deps, caller, [command])
            assert isinstance(item, Communication)
            return item

        return accept

    return {"single": single, "resend": resend, "scheduled": scheduled, "batch": batch}


@pytest.fixture
def begin(
    deps: Deps, caller: Caller, to_jan: Kinds, make_list: Any, send_list: Send, template: str
) -> Begin:
    """Does what comes before a mail of this kind is accepted; gives what accepts it."""

    async def test() -> Accept:
        command = parse(templates.SendTest, {"recipients": [JAN]})
        return partial(templates.send_test, deps, caller, template, command)

    async def reply() -> Accept:
        received = await inbound.ingest(deps, caller, message("<m@customer.test>", sender=JAN))
        target = parse(replies.ReplyTarget, {"inboundMessageId": str(received.id)})
        words = parse(replies.Reply, {"body": "<p>In May.</p>"})
        return partial(replies.reply, deps, caller, target, words)

    async def to_list() -> Accept:
        return partial(send_list, await make_list({"email": JAN}, {"email": PIET}))

    async def template_to_list() -> Accept:
        to = await make_list({"email": JAN}, {"email": PIET})
        given = {"recipients": [], "recipientListId": str(to.id)}
        command = parse(templates.SendTemplate, given)
        return partial(templates.send_template, deps, caller, template, command)

    others = {"test": test, "reply": reply, "list": to_list, "template to a list": template_to_list}
    return lambda kind: {**to_jan, **others}[kind]()


@pytest.fixture
def wish(deps: Deps, caller: Caller) -> Wish:
    """Jan does not want mail, as it is told in this way."""
    left = PreferenceState.UNSUBSCRIBED

    async def wish(way: str) -> None:
        if way == "suppressed":
            command = parse(suppressions.AddSuppression, {"address": JAN})
            await suppressions.add(deps, caller, command)
        elif way == "imported":
            told = {"addresses": [f"Jan <{JAN.upper()}>"], "state": left}
            await import_preferences(deps, caller, parse(ImportPreferences, told))
        else:
            address = JAN.swapcase() if way == "other case" else JAN
            one_click = PreferenceSource.ONE_CLICK
            await preferences.say(deps, "acme", address, state=left, topic_id=None, via=one_click)

    return wish


@pytest.fixture
def finish(deps: Deps, run_list: Any, stored: Any, clock: Clock) -> Finish:
    """Does what workers do with a mail when it is due; the record as it stands then."""

    async def finish(record: Communication) -> Communication:
        if record.scheduled_at is not None:
            clock.advance(record.scheduled_at - clock.now())
        if record.recipient_list_id is None:
            await delivery.dispatch(deps, str(record.id))
        else:
            await run_list(record)
        found: Communication = await stored(record.id)
        return found

    return finish


@pytest.mark.parametrize(
    ("way", "state", "words"),
    [
        ("before", RecipientStatus.UNSUBSCRIBED, BY_CLICK),
        ("while it waits", RecipientStatus.UNSUBSCRIBED, BY_CLICK),
        ("other case", RecipientStatus.UNSUBSCRIBED, BY_CLICK),
        ("imported", RecipientStatus.UNSUBSCRIBED, BY_USER),
        ("suppressed", RecipientStatus.SUPPRESSED, "suppressed by a user"),
    ],
)
@pytest.mark.parametrize(
    ("kind", "asks", "sent"),
    [
        # Whether it asks for consent, and how many mails count as sent beside it.
        ("single", True, 0),
        ("batch", True, 0),
        ("scheduled", True, 0),
        # What went out before still counts.
        ("resend", True, 1),
        ("list", True, 1),
        ("template to a list", True, 1),
        ("reply", False, 0),
        ("test", False, 0),
    ],
)
async def test_whoever_does_not_want_a_mail(
    deps: Deps, caller: Caller, begin: Begin, wish: Wish, finish: Finish, relay: Relay, kind: str,
    asks: bool, sent: int, way: str, state: RecipientStatus, words: str,
) -> None:  # fmt: skip
    accept = await begin(kind)
    before = [taken.recipients for taken in relay.taken]
    if way != "while it waits":
        await wish(way)
    accepted = await accept()
    if way == "while it waits":
        await wish(way)

    record = await finish(accepted)

    is_suppressed = state is RecipientStatus.SUPPRESSED
    others = [(PIET,)] if record.recipient_list_id else []
    goes = [(JAN,)] if not (asks or is_suppressed) else others
    assert [taken.recipients for taken in relay.taken] == before + goes
    rows = Delivery.find({"communicationId": record.id, "sending": record.sending})
    told = {one.address.lower(): one async for row in rows for one in row.recipients}
    jan = told[JAN.lower()]
    figures = await analytics(deps, caller, start=None, end=None, timezone=None)
    counted = (figures.rates.total_sent, figures.failure_rate)
    if not (asks or is_suppressed):
        assert (jan.status, jan.reply) == (RecipientStatus.ACCEPTED, None)
        assert (record.status, record.error_message) == (CommunicationStatus.SENT, None)
        assert counted == (0 if kind == "test" else 1, 0.0)
        return
    assert (jan.status, jan.reply) == (state, words)
    assert words in (record.error_message or "")
    assert record.events[-1].description is not None
    if others:
        assert record.status == CommunicationStatus.SENT
        assert record.progress is not None
        left_out = (record.progress.unsubscribed, record.progress.suppressed)
        assert left_out == ((0, 1) if is_suppressed else (1, 0))
        assert counted == (1, 0.0)
    else:
        assert record.status == CommunicationStatus.FAILED
        assert record.error_message == f"{jan.address}: {words}; no address is left to send to"
        # Only what somebody wanted, and does not get, is a failure; tests count nowhere.
        failed = 1 if is_suppressed and kind != "test" else 0
        assert counted == (sent, failed / (failed + sent) if failed else 0.0)


async def test_a_campaign_that_nobody_wants_is_no_failure(
    deps: Deps, caller: Caller, make_list: Any, send_list: Send, wish: Wish, finish: Finish
) -> None:
    record = await send_list(await make_list({"email": JAN}, {"email": PIET}))
    await wish("before")
    some = await finish(record)
    to = await make_list({"email": JAN}, name="Jan")

    none = await finish(await send_list(to))

    figures = await analytics(deps, caller, start=None, end=None, timezone=None)
    assert (some.status, none.status) == (CommunicationStatus.SENT, CommunicationStatus.FAILED)
    assert (figures.rates.total_sent, figures.failure_rate) == (1, 0.0)


async def test_sent_again_and_refused_it_is_a_failure(
    deps: Deps, caller: Caller, dispatched: Send, wish: Wish, finish: Finish, relay: Relay
) -> None:
    await wish("before")
    record = await dispatched({"recipients": [JAN], "unsubscribable": True})
    back = PreferenceState.SUBSCRIBED
    await preferences.say(deps, "acme", JAN, state=back, topic_id=None, via=PreferenceSource.PAGE)
    relay.replies = {JAN: "550 no such user"}

    again = await finish(await sending.resend(deps, caller, str(record.id)))

    figures = await analytics(deps, caller, start=None, end=None, timezone=None)
    assert again.error_message == f"{JAN}: 550 no such user"
    assert figures.failure_rate == 1.0


async def test_who_is_suppressed_too_makes_it_a_failure(
    deps: Deps, caller: Caller, dispatched: Send, wish: Wish, stored: Any
) -> None:
    await wish("before")
    await wish("suppressed")

    record = await stored((await dispatched({"recipients": [JAN], "unsubscribable": True})).id)

    figures = await analytics(deps, caller, start=None, end=None, timezone=None)
    assert record.error_message == f"{JAN}: suppressed by a user; no address is left to send to"
    assert figures.failure_rate == 1.0
