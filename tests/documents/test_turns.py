import asyncio
import sys

import pytest

from app.context import Deps
from app.documents.turns import Turn, turn

# What another process does: take the turn, say so, and never give it back.
OTHER = """
import asyncio, sys
from app.bootstrap import open_deps
from app.documents.turns import turn
from app.settings import Settings

async def main():
    settings = Settings(mongo_url=sys.argv[1], mongo_database=sys.argv[2])
    async with open_deps(settings), turn("acme", "inbound"):
        print("mine", flush=True)
        await asyncio.sleep(3600)

asyncio.run(main())
"""


async def held() -> bool:
    row = await Turn.get_motor_collection().find_one({"holder": {"$ne": None}})
    return row is not None


async def test_one_at_a_time(deps: Deps) -> None:
    inside = 0
    seen = []

    async def work() -> None:
        nonlocal inside
        async with turn("acme", "inbound"):
            inside += 1
            await asyncio.sleep(0)
            seen.append(inside)
            inside -= 1

    await asyncio.gather(*(work() for _ in range(20)))

    assert seen == [1] * 20
    assert await Turn.count() == 1
    assert not await held()


@pytest.mark.parametrize("other", [("acme", "other"), ("globex", "inbound")])
async def test_other_work_and_other_tenants_go_on(deps: Deps, other: tuple[str, str]) -> None:
    async with turn("acme", "inbound"), turn(*other):
        assert await Turn.count() == 2


async def test_it_is_given_back_when_the_work_fails(deps: Deps) -> None:
    with pytest.raises(ValueError, match="broken"):
        async with turn("acme", "inbound"):
            raise ValueError("broken")

    assert not await held()


async def test_it_shows_whether_it_was_held_to_its_end(deps: Deps) -> None:
    async with turn("acme", "inbound") as held:
        pass
    async with turn("acme", "inbound") as lost:
        await Turn.get_motor_collection().update_one({}, {"$set": {"holder": "another"}})

    assert (held.to_its_end, lost.to_its_end) == (True, False)


async def test_another_process_waits_and_inherits_from_a_dead_one(deps: Deps) -> None:
    settings = deps.settings
    other = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", OTHER, settings.mongo_url, settings.mongo_database),
        stdout=asyncio.subprocess.PIPE,
    )
    assert other.stdout is not None
    assert await other.stdout.readline() == b"mine\n"

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3), turn("acme", "inbound"):
            pass
    other.kill()
    await other.wait()
    assert await held()
    await Turn.get_motor_collection().update_one({}, [{"$set": {"until": "$$NOW"}}])
    async with turn("acme", "inbound"):
        assert await held()

    assert not await held()
