"""A mail that was scheduled goes out once and in time, also when everything stops meanwhile."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.bootstrap import utc_now
from app.instants import format_instant, parse_instant
from tests.doors import RestDoor
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

PUNCTUAL = timedelta(seconds=2)
MAIL = {"subject": "At its time", "body": "<p>Now.</p>"}


def terminate(stack: Stack) -> None:
    """End the stack as Ctrl-C does."""
    stack.stop()


def kill_children(stack: Stack) -> None:
    """Kill servers, inbox, API and worker; the stack then ends."""
    for file in (stack.data / "run").glob("*.pid"):
        os.kill(int(file.read_text()), signal.SIGKILL)
    stack.stop()


@pytest.fixture
def stack(stack: Stack) -> Iterator[Stack]:
    """The stack of all tests, which goes on running also after one that failed halfway."""
    yield stack
    if not stack.is_running:
        stack.start()


async def schedule(stack: Stack, due: datetime) -> str:
    mail = {**MAIL, "recipients": [f"{uuid4().hex}@b.test"], "scheduledAt": format_instant(due)}
    async with stack.client() as crm:
        accepted = await RestDoor(crm).schedule(mail)
    assert accepted.record["status"] == "SCHEDULED"
    return str(accepted.record["id"])


async def until_sent(door: RestDoor, id_: str) -> dict[str, Any]:
    while True:
        record: dict[str, Any] = (await door.find(id_)).record
        if record["status"] in {"SENT", "FAILED"}:
            return record
        await asyncio.sleep(0.05)


async def outcome(stack: Stack, id_: str) -> tuple[dict[str, Any], list[str]]:
    """The record once it was sent, and what its recipient got up to another mail, by subject."""
    async with stack.client() as crm:
        door = RestDoor(crm)
        record = await until_sent(door, id_)
        # Whatever was queued a second time for the first mail has had its turn by then.
        to = record["recipients"]
        last = await door.send({**MAIL, "recipients": to, "subject": "After it"})
        await until_sent(door, last.record["id"])
        messages = (await crm.get("/dev/inbox")).json()["messages"]
    theirs = [message for message in messages if message["envelopeTo"] == to]
    return record, sorted(message["subject"] for message in theirs)


def events(record: dict[str, Any]) -> list[str]:
    return [event["type"] for event in record["events"]]


@pytest.mark.parametrize("end", [terminate, kill_children])
async def test_a_restart_before_the_time_changes_nothing(
    end: Callable[[Stack], None], stack: Stack
) -> None:
    due = utc_now() + timedelta(seconds=10 + 2 * round(stack.ready_seconds))
    id_ = await schedule(stack, due)

    await asyncio.to_thread(end, stack)
    await asyncio.to_thread(stack.start)
    assert utc_now() < due, "the stack was not up again before the mail was due"
    record, arrived = await outcome(stack, id_)

    late = parse_instant(record["sentAt"]) - parse_instant(record["scheduledAt"])
    assert parse_instant(record["scheduledAt"]) == due
    assert timedelta() <= late < PUNCTUAL
    assert arrived == ["After it", "At its time"]
    assert events(record) == ["CREATE", "SCHEDULE", "SEND"]


async def test_what_was_due_while_everything_was_down_goes_out_at_the_start(stack: Stack) -> None:
    due = utc_now() + timedelta(seconds=5 + round(stack.ready_seconds))
    id_ = await schedule(stack, due)
    await asyncio.to_thread(kill_children, stack)
    down = utc_now()
    assert down < due, "the stack was still up when the mail was due"
    while utc_now() <= due:  # noqa: ASYNC110 - time itself is waited for
        await asyncio.sleep(0.1)

    begun = utc_now()
    await asyncio.to_thread(stack.start)
    ready = utc_now()
    record, arrived = await outcome(stack, id_)

    assert parse_instant(record["scheduledAt"]) == due
    assert begun < parse_instant(record["sentAt"]) < ready + PUNCTUAL
    assert arrived == ["After it", "At its time"]
    assert events(record) == ["CREATE", "SCHEDULE", "SEND"]
