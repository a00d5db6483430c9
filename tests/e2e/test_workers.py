"""Workers come and go; what was accepted goes out all the same."""

import asyncio
import signal
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from redis.asyncio import Redis

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.vocabulary import CommunicationStatus
from app.services import sending
from app.services.inputs import parse
from tests.fakes.relay import Relay

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


async def accept(deps: Deps, mail: dict[str, Any]) -> Communication:
    caller = Caller("acme", "alice", frozenset())
    return await sending.accept(deps, caller, parse(sending.SendCommunication, mail))


async def until_sent(record: Communication) -> Communication:
    while True:
        shown = await Communication.shown("acme", str(record.id))
        assert shown is not None
        if shown.status == CommunicationStatus.SENT:
            return shown
        await asyncio.sleep(0.05)


async def test_a_mail_accepted_while_the_worker_was_dead_goes_out_once(
    start_worker: Callable[[], "subprocess.Popen[bytes]"],
    real_time: Deps,
    relay: Relay,
    mail: dict[str, Any],
) -> None:
    worker = start_worker()
    await until_sent(await accept(real_time, mail))
    worker.kill()
    worker.wait()

    record = await accept(real_time, {**mail, "subject": "While it was dead"})
    start_worker()
    await until_sent(record)

    assert [str(taken.message["Subject"]) for taken in relay.taken] == [
        mail["subject"],
        "While it was dead",
    ]


async def test_a_mail_accepted_while_the_queue_lost_everything_goes_out(
    start_worker: Callable[[], "subprocess.Popen[bytes]"],
    real_time: Deps,
    relay: Relay,
    redis: Redis,
    mail: dict[str, Any],
) -> None:
    record = await accept(real_time, mail)
    await redis.flushdb()

    start_worker()
    await until_sent(record)

    assert len(relay.taken) == 1


async def test_a_worker_killed_with_a_mail_in_hand_is_followed_by_another(
    start_worker: Callable[[], "subprocess.Popen[bytes]"],
    real_time: Deps,
    relay: Relay,
    mail: dict[str, Any],
) -> None:
    in_hand, never = asyncio.Event(), asyncio.Event()

    async def hang(server: SMTP) -> None:
        in_hand.set()
        await never.wait()

    relay.on_data = hang
    worker = start_worker()
    record = await accept(real_time, mail)
    await in_hand.wait()
    worker.kill()
    worker.wait()
    relay.on_data = None

    start_worker()
    shown = await until_sent(record)

    (taken,) = relay.taken
    assert taken.message["Message-ID"] == shown.internet_message_id


async def test_sigterm_lets_the_mail_in_hand_finish(
    start_worker: Callable[[], "subprocess.Popen[bytes]"],
    real_time: Deps,
    relay: Relay,
    mail: dict[str, Any],
) -> None:
    in_hand, go_on = asyncio.Event(), asyncio.Event()

    async def slow(server: SMTP) -> None:
        in_hand.set()
        await go_on.wait()

    relay.on_data = slow
    worker = start_worker()
    record = await accept(real_time, mail)
    await in_hand.wait()
    worker.send_signal(signal.SIGTERM)
    await asyncio.sleep(0.2)
    go_on.set()
    code = await asyncio.to_thread(worker.wait, 20)

    shown = await Communication.shown("acme", str(record.id))
    assert code == 0
    assert len(relay.taken) == 1
    assert shown is not None
    assert shown.status == CommunicationStatus.SENT
