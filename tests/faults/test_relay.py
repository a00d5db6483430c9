"""The SMTP relay has its bad days."""

import asyncio

import pytest

from tests.faults.crm import address
from tests.faults.scenario import Scenario
from tests.processes import SinkControl

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

# LETTERBOX_SMTP_CONNECTIONS of each worker.
CONNECTIONS = 4


async def test_relay_refuses_connections(scenario: Scenario, sink: SinkControl) -> None:
    async def refuse() -> None:
        await sink.behave("refuse")
        await asyncio.sleep(5)
        await sink.behave("take")

    books = await scenario.run(refuse)

    assert books.delivered == books.accepted
    # Connections are cut, too: the answer to a mail that was just taken may be lost with them.
    assert books.again == len(books.doubled) <= 2 * CONNECTIONS


async def test_relay_hangs(scenario: Scenario, sink: SinkControl) -> None:
    async def hang() -> None:
        await sink.behave("hang")
        await asyncio.sleep(5)
        await sink.behave("take")

    books = await scenario.run(hang)

    assert (await sink.counts())["hung"] > 0
    assert books.delivered == books.accepted
    assert books.again == 0


async def test_relay_drops_connections_after_the_mail(
    scenario: Scenario, sink: SinkControl
) -> None:
    async def drop() -> None:
        await sink.behave("drop")
        await sink.until(lambda counts: counts["dropped"] >= 50)
        await sink.behave("take")

    books = await scenario.run(drop)

    assert books.delivered == books.accepted
    unconfirmed = {one["subject"] for one in scenario.arrivals if not one["confirmed"]}
    assert books.again == len(unconfirmed) >= 50
    assert books.doubled == unconfirmed


@pytest.mark.parametrize("reply", ["421", "450"])
async def test_relay_refuses_mails_for_a_while(
    reply: str, scenario: Scenario, sink: SinkControl
) -> None:
    async def refuse() -> None:
        await sink.behave(reply)
        await sink.until(lambda counts: counts["refused"] >= 100)
        await sink.behave("take")

    books = await scenario.run(refuse)

    assert books.delivered == books.accepted
    assert books.again == 0


async def test_relay_refuses_mails_for_good(scenario: Scenario, sink: SinkControl) -> None:
    async def refuse() -> None:
        await sink.behave("550")
        await sink.until(lambda counts: counts["refused"] >= 100)
        await sink.behave("take")

    books = await scenario.run(refuse)

    refused = await sink.refusals()
    assert len(refused) >= 100
    assert {address(number) for number in books.failed} == set(refused)
    assert len(refused) == len(books.failed)
    assert books.delivered == books.accepted - len(refused)
    assert books.again == 0
    words = {books.records[number]["errorMessage"] for number in books.failed}
    assert all("550 5.1.1 No such user" in said for said in words)
