"""Whoever takes mail in may end at any moment: what is told again then is done once, and whole."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from beanie import PydanticObjectId
from bson import ObjectId

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.documents.origins import Origin
from app.documents.turns import Turn
from app.documents.vocabulary import ProviderType
from app.mail.unsubscribe_tokens import unsubscribe_address, unsubscribe_token
from app.services import scheduling
from app.services.inbound import ingest
from app.services.inputs import parse
from tests.database import Rows, all_rows, empty, put_rows
from tests.fakes.messages import message
from tests.fakes.mongo_calls import MongoCalls
from tests.fakes.power import Power, PowerCutError, ending_after
from tests.fakes.reports import postfix
from workers import jobs

Dispatched = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
Delivered = tuple[bytes, Origin]
Prepare = Callable[[Deps, Caller, Communication], Awaitable[Delivered]]

# Changes that the least of them makes.
FEWEST = 5
DOMAIN = "in.letterbox.test"
_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{24}")
# Contents that nobody names are removed later; whose turn it is ends by itself.
_PASSING = ("turns", "attachments", "attachments.content.files", "inboundMessages.content.files")


async def an_answer(deps: Deps, caller: Caller, record: Communication) -> Delivered:
    """It joins mail that came before it with the record, and calls a follow-up off."""
    loose = message("<before@c.test>")
    await ingest(deps, caller, loose)
    await ingest(deps, caller, message("<after@c.test>", in_reply_to="<answer@c.test>"))
    mail = {
        "subject": "Your offer",
        "body": "<p>Well?</p>",
        "recipients": ["jan@customer.test"],
        "conversationId": record.conversation_id,
        "scheduledAt": deps.now() + timedelta(days=1),
        "cancelOnReply": True,
    }
    await scheduling.schedule(deps, caller, parse(scheduling.ScheduleCommunication, mail))
    both = f"{record.internet_message_id} <before@c.test>"
    return message("<answer@c.test>", references=both, file="What I thought."), Origin()


async def a_report(_deps: Deps, _caller: Caller, record: Communication) -> Delivered:
    return postfix(str(record.internet_message_id)), Origin()


async def one_that_leaves(deps: Deps, _caller: Caller, record: Communication) -> Delivered:
    key = deps.settings.unsubscribe_keys[0]
    token = unsubscribe_token(key, tenant="acme", mail_id=str(record.unsubscribe_id))
    address = unsubscribe_address(token, domain=DOMAIN)
    return message(), Origin(provider=ProviderType.SMTP, recipients=(address,))


async def what_was_only_told_of(deps: Deps, caller: Caller, record: Communication) -> Delivered:
    told = Origin(ProviderType.RESEND, "1", fetch_error="a quota")
    await ingest(deps, caller, message(text=""), origin=told)
    whole = message(in_reply_to=record.internet_message_id, text="x" * 100_000)
    return whole, replace(told, fetch_error=None, recipients=("crm@acme.test",))


async def what_came_by_another_way(deps: Deps, caller: Caller, record: Communication) -> Delivered:
    raw = message(in_reply_to=record.internet_message_id, text="x" * 100_000)
    await ingest(deps, caller, raw)
    return raw, Origin(ProviderType.RESEND, "1", recipients=("crm@acme.test",))


NEW: list[Prepare] = [an_answer, a_report, one_that_leaves]
KNOWN: list[Prepare] = [what_was_only_told_of, what_came_by_another_way]


@pytest.fixture
def receiving(deps: Deps) -> Deps:
    """`deps` of a service that mail comes in to."""
    return replace(deps, settings=deps.settings.model_copy(update={"inbound_domain": DOMAIN}))


def told(rows: Rows, *, times: bool = True) -> dict[str, Any]:
    """What is stored, with each id as the number of its first appearance."""
    numbers: dict[str, int] = {}

    def number(id_: str) -> str:
        return f"#{numbers.setdefault(id_, len(numbers))}"

    def plain(value: Any) -> Any:
        match value:
            case ObjectId():
                return number(str(value))
            case datetime() if not times:
                return "some time"
            case str():
                return _ID.sub(lambda found: number(found[0]), value)
            case dict():
                return {name: plain(one) for name, one in value.items()}
            case list():
                return [plain(one) for one in value]
            case _:
                return value

    return {name: plain(held) for name, held in rows.items() if name not in _PASSING}


async def expire(calls: MongoCalls) -> None:
    """Let time pass: what who ended held is free again."""
    await Turn.get_motor_collection().update_many({}, [{"$set": {"until": "$$NOW"}}])
    held = {one["lsid"]["id"] for one in calls.commands if one.get("autocommit") is False}
    # No session at all stands for every one, also those of the other processes of the tests.
    if held:
        client: Any = Turn.get_motor_collection().database.client
        await client.admin.command("killSessions", [{"id": id_} for id_ in held])


@pytest.fixture
async def record(receiving: Deps, dispatched: Dispatched, stored: Stored) -> Communication:
    """A mail that is out."""
    return await stored((await dispatched({"unsubscribable": True}, over=receiving)).id)


@pytest.fixture
def cut_off(
    receiving: Deps, caller: Caller, mongo_calls: MongoCalls
) -> Callable[[Rows, Delivered], AsyncIterator[Power]]:
    """Takes the mail in and ends, from these rows on: after one change more each time."""

    async def each(before: Rows, mail: Delivered) -> AsyncIterator[Power]:
        raw, origin = mail
        for changes in count():
            await empty()
            await put_rows(before)
            mongo_calls.clear()
            with ending_after(changes) as power, suppress(PowerCutError):
                await ingest(receiving, caller, raw, origin=origin)
            if not power.is_out:
                return
            await expire(mongo_calls)
            yield power

    return each


CutOff = Callable[[Rows, Delivered], AsyncIterator[Power]]


@pytest.mark.parametrize("prepare", [*NEW, *KNOWN], ids=lambda prepare: prepare.__name__)
async def test_told_again_it_is_as_if_nobody_had_ended(
    receiving: Deps, caller: Caller, record: Communication, cut_off: CutOff, prepare: Prepare
) -> None:
    raw, origin = await prepare(receiving, caller, record)
    before = await all_rows(octets=True)
    await ingest(receiving, caller, raw, origin=origin)
    whole, times = told(await all_rows()), 0

    async for _ in cut_off(before, (raw, origin)):
        await ingest(receiving, caller, raw, origin=origin)

        assert told(await all_rows()) == whole
        times += 1
    assert times >= FEWEST


@pytest.mark.parametrize("prepare", NEW, ids=lambda prepare: prepare.__name__)
async def test_told_to_nobody_again_what_is_kept_is_finished_by_the_sweep(
    receiving: Deps, caller: Caller, record: Communication, cut_off: CutOff, prepare: Prepare
) -> None:
    raw, origin = await prepare(receiving, caller, record)
    before, kept = await all_rows(octets=True), await InboundMessage.count()
    await ingest(receiving, caller, raw, origin=origin)
    whole, times = told(await all_rows(), times=False), 0
    later = receiving.now() + timedelta(minutes=2)

    async for _ in cut_off(before, (raw, origin)):
        if await InboundMessage.count() == kept:
            continue
        await jobs.sweep({"deps": replace(receiving, now=lambda: later)})

        assert told(await all_rows(), times=False) == whole
        times += 1
    assert times >= FEWEST - 1
