"""Mail to recipient lists through real workers."""

import asyncio
import subprocess
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from app.context import Caller, Deps, Scope
from app.documents.communications import Communication
from app.documents.list_progress import Progress
from app.documents.vocabulary import CommunicationStatus
from app.services import list_mail, list_members, recipient_lists, sending
from app.services.inputs import parse
from app.services.recipient_lists import CreateRecipientList
from tests.fakes.relay import Relay

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]
ALICE = Caller("acme", "alice", frozenset(Scope))
MEMBERS = 400
StartWorker = Callable[[], "subprocess.Popen[bytes]"]


async def accept(deps: Deps) -> Communication:
    named = parse(CreateRecipientList, {"name": "Customers"})
    made = await recipient_lists.create(deps, ALICE, named)
    rows = [{"email": f"m{n}@c.test", "variables": {"n": n}} for n in range(MEMBERS)]
    await list_members.add(deps, ALICE, str(made.id), rows)
    mail = {"subject": "No. {{ n }}", "body": "<p>{{ n }}</p>", "recipientListId": str(made.id)}
    return await sending.accept(deps, ALICE, parse(sending.SendCommunication, mail))


async def until(record: Communication, status: CommunicationStatus) -> Communication:
    while True:
        shown = await Communication.shown("acme", str(record.id))
        assert shown is not None
        if shown.status == status:
            return shown
        await asyncio.sleep(0.05)


async def until_taken(relay: Relay, count: int) -> None:
    while len(relay.taken) < count:  # noqa: ASYNC110 - what another process does
        await asyncio.sleep(0.01)


async def test_every_member_gets_one_mail(
    start_worker: StartWorker, real_time: Deps, relay: Relay
) -> None:
    start_worker()
    record = await accept(real_time)

    ended = await until(record, CommunicationStatus.SENT)

    assert {(*mail.recipients, str(mail.message["Subject"])) for mail in relay.taken} == {
        (f"m{n}@c.test", f"No. {n}") for n in range(MEMBERS)
    }
    assert len(relay.taken) == MEMBERS
    assert ended.progress == Progress(total=MEMBERS, sent=MEMBERS)


async def test_a_queue_that_loses_everything_only_delays_it(
    start_worker: StartWorker, real_time: Deps, relay: Relay, redis: Redis
) -> None:
    start_worker()
    record = await accept(real_time)
    await until_taken(relay, 20)
    await redis.flushdb()

    await until(record, CommunicationStatus.SENT)

    assert len({mail.recipients for mail in relay.taken}) == len(relay.taken) == MEMBERS


async def test_two_workers_of_which_one_is_killed(
    start_worker: StartWorker, real_time: Deps, relay: Relay
) -> None:
    first, _ = start_worker(), start_worker()
    record = await accept(real_time)
    await until_taken(relay, 50)
    first.kill()
    first.wait()

    await until(record, CommunicationStatus.SENT)

    copies = Counter(mail.recipients for mail in relay.taken)
    ids = {(mail.recipients, str(mail.message["Message-ID"])) for mail in relay.taken}
    assert len(copies) == len(ids) == MEMBERS
    # What was out and not written down yet goes out again; that is at most what it held.
    assert max(copies.values()) <= 2


async def test_another_mail_does_not_wait_behind_it(
    start_worker: StartWorker, real_time: Deps, relay: Relay, mail: dict[str, Any]
) -> None:
    async def slow(_: object) -> None:
        await asyncio.sleep(0.05)

    start_worker()
    relay.on_data = slow
    campaign = await accept(real_time)
    await until_taken(relay, 10)
    record = await sending.accept(real_time, ALICE, parse(sending.SendCommunication, mail))

    await until(record, CommunicationStatus.SENT)

    assert len(relay.taken) < MEMBERS / 2
    await list_mail.pause(real_time, ALICE, str(campaign.id))
    await asyncio.sleep(3)
    paused = len(relay.taken)
    await asyncio.sleep(1)
    assert len(relay.taken) == paused < MEMBERS
