import pytest

from app.context import Deps
from app.documents import paces
from app.documents.paces import Limits, Pace
from tests.documents.pace_book import BUSY, GRANTED, LIMITS, SECOND, earlier, near, row, send, take


async def test_as_many_as_may_at_once(deps: Deps) -> None:
    assert [await take(who) for who in "abc"] == [GRANTED, GRANTED, BUSY]

    await paces.release("acme", "box", "a", sent=True)

    assert await take("c") == GRANTED
    assert await Pace.count() == 1


async def test_tenants_and_keys_do_not_count_together(deps: Deps) -> None:
    assert [await take(who) for who in "ab"] == [GRANTED, GRANTED]

    assert await take("c", tenant="globex") == GRANTED
    other = await paces.take("acme", "other", who="c", holder="c", limits=LIMITS)
    assert other == GRANTED


async def test_when_the_pace_is_used_up_each_is_told_its_own_time(deps: Deps) -> None:
    for who in "abc":
        await send(who)

    answers = [await take(who) for who in "defgh"]

    assert [answer.granted for answer in answers] == [False] * 5
    # The three that went out free their slots; those after them follow at the pace itself.
    waits = [answer.wait for answer in answers]
    assert near(waits[0], 60 * SECOND)
    assert near(waits[1], 80 * SECOND)
    assert near(waits[4], 140 * SECOND)
    assert [place["who"] for place in (await row())["waiting"]] == list("defgh")


async def test_asking_again_keeps_the_place(deps: Deps) -> None:
    for who in "abcde":
        await take(who, limits=Limits(9, 3, LIMITS.window))
    before = [place["at"] for place in (await row())["waiting"]]

    answer = await take("d", limits=Limits(9, 3, LIMITS.window))

    assert near(answer.wait, 60 * SECOND)
    assert [place["at"] for place in (await row())["waiting"]] == before


async def test_whoever_has_a_place_goes_before_who_comes_later(deps: Deps) -> None:
    for who in "abc":
        await send(who)
    for who in "de":
        await take(who)
    await earlier("sends", "at", 50 * SECOND)
    await earlier("waiting", "at", 50 * SECOND)
    # One slot is free again, and there are two places.
    row_ = await row()
    oldest = [*row_["sends"]]
    oldest[0]["at"] -= 20 * SECOND
    await Pace.get_motor_collection().update_one({}, {"$set": {"sends": oldest}})

    assert not (await take("new")).granted
    assert not (await take("e")).granted
    assert await take("d") == GRANTED
    assert [place["who"] for place in (await row())["waiting"]] == ["e", "new"]


async def test_a_place_that_nobody_comes_for_is_given_up(deps: Deps) -> None:
    for who in "abc":
        await send(who)
    await take("d")
    await earlier("sends", "at", 300 * SECOND)
    await earlier("waiting", "at", 300 * SECOND)

    assert await take("new") == GRANTED

    assert (await row())["waiting"] == []


async def test_when_the_calendar_is_full_one_is_told_its_end(
    deps: Deps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paces, "CALENDAR_LIMIT", 20)
    limits = Limits(at_once=1000, sends=1, window=SECOND * 60)
    await take("first", limits=limits)
    for number in range(20):
        await take(f"w{number}", limits=limits)

    answer = await take("late", limits=limits)

    assert len((await row())["waiting"]) == 20
    assert answer.wait is not None
    assert answer.wait > 60 * SECOND * 18


async def test_a_dead_holder_loses_its_lease_and_counts_for_a_window(deps: Deps) -> None:
    assert [await take(who) for who in "ab"] == [GRANTED, GRANTED]
    await earlier("leases", "until", paces.LEASE)

    assert await take("c") == GRANTED
    assert [one["holder"] for one in (await row())["leases"]] == ["c"]
    assert [one["holder"] for one in (await row())["sends"]] == ["a", "b", "c"]
    assert not await paces.begin_send("acme", "box", "a")
    assert not await paces.extend("acme", "box", "a")


async def test_what_was_let_through_counts_until_it_has_sent(deps: Deps) -> None:
    limits = Limits(at_once=9, sends=1, window=LIMITS.window)
    assert await take("slow", limits=limits) == GRANTED
    await earlier("sends", "at", 600 * SECOND)
    assert not (await take("b", limits=limits)).granted

    assert await paces.begin_send("acme", "box", "slow")
    await paces.release("acme", "box", "slow", sent=True)

    # It is counted from when it sent, not from when it was let through.
    assert near((await take("b", limits=limits)).wait, 61 * SECOND)


async def test_what_did_not_send_does_not_count(deps: Deps) -> None:
    for who in "abcdef":
        assert await take(who) == GRANTED
        await paces.release("acme", "box", who, sent=False)


async def test_a_lease_is_renewed(deps: Deps) -> None:
    await take("a")
    await earlier("leases", "until", paces.LEASE - 10 * SECOND)

    assert await paces.extend("acme", "box", "a")

    lease = (await row())["leases"][0]
    assert lease["until"] > (await row())["sends"][0]["at"] + paces.LEASE - SECOND


@pytest.mark.parametrize("who", ["$sends", "$$NOW", "a.b", "", "ü" * 100])
async def test_any_name_is_only_a_name(deps: Deps, who: str) -> None:
    limits = Limits(at_once=9, sends=1, window=LIMITS.window)
    await take("first", limits=limits)

    answer = await paces.take("acme", "box", who=who, holder="h", limits=limits)

    assert not answer.granted
    assert [place["who"] for place in (await row())["waiting"]] == [who]
