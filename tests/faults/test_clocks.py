"""Two workers whose clocks do not agree."""

import sys

import pytest

from tests.faults.scenario import Scenario
from tests.processes import SinkControl

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]


@pytest.fixture
def variables(variables: dict[str, str]) -> dict[str, str]:
    """The lease of production, within which clocks may differ by 20 seconds."""
    return {**variables, "LETTERBOX_LEASE": "30"}


@pytest.fixture(params=["5", "-5"], ids=["ahead", "behind"])
def workers(request: pytest.FixtureRequest) -> dict[str, list[str]]:
    shifted = [sys.executable, "-m", "tests.faults.shifted_worker", request.param]
    return {"worker-1": [], "worker-2": shifted}


async def test_a_clock_is_five_seconds_off(scenario: Scenario, sink: SinkControl) -> None:
    async def defer() -> None:
        # Due times are then written by one clock and read by the other.
        await sink.behave("450")
        await sink.until(lambda counts: counts["refused"] >= 100)
        await sink.behave("take")

    books = await scenario.run(defer)

    assert books.delivered == books.accepted
    assert books.again == 0
