import asyncio
from collections.abc import Sequence

import pytest

from app.context import Caller, Deps
from app.documents.gathered_received import GatheredReceived, Landing
from app.documents.inbound_messages import InboundMessage
from app.services.inbound import ingest
from tests.fakes.messages import message


@pytest.fixture
async def three(deps: Deps, caller: Caller) -> list[InboundMessage]:
    return [await ingest(deps, caller, message(f"<{number}@c.test>")) for number in range(3)]


async def test_what_is_wrong_with_one_is_not_wrong_with_those_beside_it(
    three: list[InboundMessage],
) -> None:
    received = GatheredReceived()
    groups: list[int] = []

    async def settle(messages: Sequence[InboundMessage]) -> Sequence[bool]:
        groups.append(len(messages))
        if three[1] in messages:
            raise ValueError("of the second")
        return [True] * len(messages)

    told = await asyncio.gather(
        *(received.settle(one, settle) for one in three), return_exceptions=True
    )

    assert groups == [3, 1, 1, 1]
    assert [told[0], told[2]] == [True, True]
    assert str(told[1]) == "of the second"


async def test_no_tenant_waits_for_another(three: list[InboundMessage]) -> None:
    received = GatheredReceived()
    others = three[0].model_copy(update={"tenant_id": "globex"})
    is_through = asyncio.Event()

    async def settle(messages: Sequence[InboundMessage]) -> Sequence[bool]:
        if messages[0] is others:
            is_through.set()
        else:
            await is_through.wait()
        return [True] * len(messages)

    told = await asyncio.gather(*(received.settle(one, settle) for one in (three[0], others)))

    assert told == [True, True]


async def test_each_is_told_what_came_of_it(three: list[InboundMessage]) -> None:
    received = GatheredReceived()
    fault = ValueError("of the third")

    async def land(messages: Sequence[InboundMessage]) -> Sequence[Landing | Exception]:
        given = (Landing.KNOWN, Landing.SETTLED, fault)
        return [given[three.index(one)] for one in messages]

    told = await asyncio.gather(
        *(received.land(one, land) for one in reversed(three)), return_exceptions=True
    )

    assert told == [fault, Landing.SETTLED, Landing.KNOWN]
