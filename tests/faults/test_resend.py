"""Resend has its bad days; it knows a mail again by its key, so none may be sent twice."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.fakes.resend import FULL
from tests.fakes.resend_faults import (
    BROKEN,
    CONCURRENT,
    OTHER_PAYLOAD,
    TAKEN_AND_BROKEN,
    TAKEN_AND_DROPPED,
    TAKEN_NOT_ANSWERED,
    TOO_MANY,
)
from tests.faults.crm import Crm
from tests.faults.scenario import Scenario
from tests.faults.tally import Tally
from tests.processes import Processes, ResendControl

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

CREATE = (
    "mutation($input: CreateProviderAccountInput!) { createProviderAccount(input: $input) { id } }"
)


@pytest.fixture
async def resend(processes: Processes) -> AsyncIterator[ResendControl]:
    processes.start("resend")
    await processes.ready(f"http://127.0.0.1:{processes.resend_port}/_fake")
    control = ResendControl(processes.resend_port)
    yield control
    await control.client.aclose()


@pytest.fixture
async def outside(resend: ResendControl, crm: Crm) -> ResendControl:
    """The mails go to Resend, by an account of the tenant."""
    account = {
        "name": "Resend",
        "senderEmails": ["crm@acme.test"],
        "settings": {"resend": {"apiKey": FULL}},
    }
    body = {"query": CREATE, "variables": {"input": account}}
    answer = (await crm.client.post("/graphql", json=body)).json()
    assert "errors" not in answer
    return resend


@pytest.fixture
def scenario(scenario: Scenario) -> Scenario:
    scenario.id_field = "messageId"
    return scenario


def assert_each_once(books: Tally) -> None:
    assert books.delivered == books.accepted
    assert books.again == 0


async def test_resend_asks_to_come_later(scenario: Scenario, resend: ResendControl) -> None:
    async def refuse() -> None:
        await resend.befall(always=TOO_MANY)
        await asyncio.sleep(3)
        await resend.befall()

    assert_each_once(await scenario.run(refuse))


async def test_resend_fails(scenario: Scenario, resend: ResendControl) -> None:
    async def fail() -> None:
        # Some are sent by it all the same.
        await resend.befall(always=BROKEN, next_=[TAKEN_AND_BROKEN] * 20)
        await asyncio.sleep(3)
        await resend.befall()

    assert_each_once(await scenario.run(fail))


async def test_resend_takes_mails_and_does_not_say_so(
    scenario: Scenario, resend: ResendControl
) -> None:
    async def fall_silent() -> None:
        await resend.befall(next_=[TAKEN_NOT_ANSWERED, TAKEN_AND_DROPPED] * 30)
        await asyncio.sleep(3)

    assert_each_once(await scenario.run(fall_silent))


async def test_resend_is_still_busy_with_the_same_mail(
    scenario: Scenario, resend: ResendControl
) -> None:
    async def conflict() -> None:
        await resend.befall(always=CONCURRENT)
        await asyncio.sleep(3)
        await resend.befall()

    assert_each_once(await scenario.run(conflict))


async def test_resend_knows_another_mail_by_the_key(
    scenario: Scenario, resend: ResendControl
) -> None:
    async def conflict() -> None:
        await resend.befall(next_=[OTHER_PAYLOAD] * 10)
        await asyncio.sleep(1)

    books = await scenario.run(conflict)

    assert len(books.failed) == 10
    assert books.delivered == books.accepted - 10
    assert books.again == 0


async def test_worker_is_killed_while_resend_has_its_mails(
    scenario: Scenario, resend: ResendControl, processes: Processes
) -> None:
    async def kill() -> None:
        await resend.befall(always=TAKEN_NOT_ANSWERED)
        await asyncio.sleep(1)
        processes.kill("worker-1")
        await resend.befall()

    assert_each_once(await scenario.run(kill))
