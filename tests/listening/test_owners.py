import pytest

from app.context import Deps
from app.listening.owners import SECONDS, Owners
from app.services.receiving import domains
from tests.fakes.mongo_calls import MongoCalls


class Watch:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


async def test_it_asks_once_in_a_second_for_an_address(
    deps: Deps, bound: None, watch: Watch, mongo_calls: MongoCalls
) -> None:
    owners = Owners(watch.now)

    told = [await owners.owner_of(deps.settings, "jan@acme.test") for _ in range(3)]
    assert told == ["acme"] * 3
    assert mongo_calls.names == ["find inboundDomains"]
    assert await owners.owner_of(deps.settings, "shared@acme.test") == "globex"
    watch.seconds += SECONDS
    assert await owners.owner_of(deps.settings, "jan@acme.test") == "acme"
    assert len(mongo_calls.names) == 3


async def test_what_is_taken_away_or_given_to_another_is_known_within_a_second(
    deps: Deps, bound: None, watch: Watch
) -> None:
    owners = Owners(watch.now)
    assert await owners.owner_of(deps.settings, "jan@acme.test") == "acme"
    await domains.remove("acme.test")

    watch.seconds += SECONDS - 0.1
    assert await owners.owner_of(deps.settings, "jan@acme.test") == "acme"
    watch.seconds += 0.1
    assert await owners.owner_of(deps.settings, "jan@acme.test") is None
    await domains.add(deps, "globex", "acme.test")
    assert await owners.owner_of(deps.settings, "jan@acme.test") == "globex"


async def test_it_does_not_remember_without_end(
    deps: Deps, bound: None, watch: Watch, mongo_calls: MongoCalls
) -> None:
    owners = Owners(watch.now, most=2)

    for name in ("jan", "piet", "jan", "joris", "jan"):
        assert await owners.owner_of(deps.settings, f"{name}@acme.test") == "acme"

    assert len(mongo_calls.names) == 4
