"""Today's rules over kept hits: what they change, and that all figures follow."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps, Scope
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.engagement.hits import Engagement
from app.documents.vocabulary import EventType, RecipientStatus
from app.errors import InvalidInputError
from app.mail.engagement.rules import VERSION
from app.services import analytics
from app.services.reclassification import Reclassified, Turn, reclassify
from tests import fetching
from tests.fakes.clock import Clock
from tests.fakes.visits import BY_APPLE, PERSON

Send = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]

TO_SCANNER = Turn("CLICK", "HUMAN (person)", "SCANNER (at-delivery)")
TO_PERSON = Turn("CLICK", "SCANNER (at-delivery)", "HUMAN (person)")


async def judged(deps: Deps, **asked: Any) -> Reclassified:
    """What it comes to in the end."""
    return ([Reclassified()] + [done async for done in reclassify(deps, **asked)])[-1]


def patient(deps: Deps, seconds: float) -> Deps:
    """The same with another time within which links are scanned."""
    delay = {"scan_delay": timedelta(seconds=seconds)}
    return replace(deps, settings=deps.settings.model_copy(update=delay))


@pytest.fixture
async def clicked(deps: Deps, dispatched: Send, clock: Clock) -> Communication:
    """A mail that was opened, and followed 8 seconds and an hour after it was handed over."""
    record = await dispatched()
    clock.advance(timedelta(seconds=8))
    await fetching.record_open(deps, record.tracking_id, PERSON)
    await fetching.record_open(deps, record.tracking_id, BY_APPLE)
    await fetching.follow_link(deps, record.tracking_id, 0, PERSON)
    clock.advance(timedelta(hours=1))
    await fetching.follow_link(deps, record.tracking_id, 0, PERSON)
    return record


async def test_figures_and_events_follow_the_rules_there_and_back(
    deps: Deps, clicked: Communication, stored: Stored, clock: Clock
) -> None:
    before = await stored(clicked.id)
    later = clock.now()

    changed = await judged(patient(deps, 10))
    without = await stored(clicked.id)
    again = await judged(patient(deps, 10))
    back = await judged(deps)

    assert (changed.looked_at, changed.turns) == (4, {TO_SCANNER: 1})
    [link] = without.clicked_links
    assert (link.click_count, link.machine_click_count) == (1, 1)
    assert link.clicked_at == link.last_clicked_at == later
    clicks = [event for event in without.events if event.type is EventType.CLICK]
    assert [event.date for event in clicks] == [later]
    assert (without.open_count, without.machine_open_count) == (1, 1)
    assert again.turns == {}
    assert back.turns == {TO_PERSON: 1}
    assert (await stored(clicked.id)).model_dump() == before.model_dump()


async def test_what_counts_no_more_is_gone_from_the_analytics(
    deps: Deps, dispatched: Send, caller: Caller, stored: Stored, clock: Clock
) -> None:
    record = await dispatched()
    sent = await stored(record.id)
    clock.advance(timedelta(seconds=8))
    await fetching.follow_link(deps, record.tracking_id, 0, PERSON)
    ever: dict[str, Any] = {"start": None, "end": None, "timezone": None}

    before = await analytics.analytics(deps, caller, **ever)
    await judged(patient(deps, 10))
    after = await analytics.analytics(deps, caller, **ever)

    assert (before.rates.total_clicked, after.rates.total_clicked) == (1, 0)
    record = await stored(record.id)
    assert record.events == sent.events
    assert (record.clicked_links[0].clicked_at, record.updated) == (None, clock.now())


async def test_a_delivery_that_was_told_late_tells_of_a_scan(
    deps: Deps, clicked: Communication, stored: Stored, clock: Clock
) -> None:
    """A server that made the mail wait for an hour looked into it before it took it."""
    await Delivery.get_motor_collection().update_one(
        {"communicationId": clicked.id},
        {
            "$set": {
                "recipients.0.status": RecipientStatus.DELIVERED,
                "recipients.0.date": clock.now() + timedelta(seconds=2),
            }
        },
    )

    done = await judged(deps)

    assert done.turns == {TO_SCANNER: 1}
    [link] = (await stored(clicked.id)).clicked_links
    assert (link.click_count, link.machine_click_count) == (1, 1)
    scanned = await Engagement.find_one({"rule": "at-delivery"})
    assert scanned is not None
    assert scanned.since_delivery == 2


async def test_part_by_part_it_comes_to_the_same(
    deps: Deps, dispatched: Send, stored: Stored, clock: Clock
) -> None:
    body = "".join(f'<a href="https://acme.test/{number}">{number}</a>' for number in range(4))
    records = [await dispatched({"body": body}) for _ in range(2)]
    clock.advance(timedelta(minutes=1))
    for number in range(4):
        clock.advance(timedelta(seconds=1.5))
        for record in records:
            await fetching.follow_link(deps, record.tracking_id, number, PERSON)
    figures = [(await stored(record.id)).model_dump(exclude={"updated"}) for record in records]
    # As rules would have left them that know nothing of bursts.
    await Engagement.get_motor_collection().update_many({}, {"$set": {"rules": 7}})

    for at_a_time in (1, 2, 3):
        steps = [one.looked_at async for one in reclassify(deps, at_a_time=at_a_time)]
        assert steps == [*range(at_a_time, 8, at_a_time), 8]
        assert (await judged(deps, at_a_time=at_a_time)).turns == {}

    assert [
        (await stored(record.id)).model_dump(exclude={"updated"}) for record in records
    ] == figures
    assert {one.rule for one in await Engagement.find_all().to_list()} == {"burst"}
    assert {one.rules for one in await Engagement.find_all().to_list()} == {VERSION}


async def test_it_goes_on_where_it_was_ended(deps: Deps, clicked: Communication) -> None:
    steps = reclassify(patient(deps, 10), at_a_time=3)
    first = await anext(steps)
    await steps.aclose()

    rest = await judged(patient(deps, 10), after=first.last)

    assert (first.looked_at, rest.looked_at) == (3, 1)
    assert first.turns == {TO_SCANNER: 1}


@pytest.mark.parametrize(
    ("asked", "looked_at"),
    [
        ({"tenant": "acme"}, 4),
        ({"tenant": "rival"}, 0),
        ({"since": timedelta(minutes=30)}, 1),
        ({"since": timedelta(hours=2)}, 4),
        ({"since": timedelta(0), "tenant": "acme"}, 1),
        ({"since": timedelta(seconds=-1)}, 0),
    ],
)
async def test_only_some_may_be_looked_at(
    deps: Deps, clicked: Communication, clock: Clock, asked: dict[str, Any], looked_at: int
) -> None:
    if "since" in asked:
        asked = {**asked, "since": clock.now() - asked["since"]}

    assert (await judged(deps, **asked)).looked_at == looked_at


async def test_tenants_come_one_after_another(
    deps: Deps, clicked: Communication, dispatched: Send, send: Send, clock: Clock
) -> None:
    theirs = await send(by=Caller("rival", "eve", frozenset(Scope)))
    [hit] = await Engagement.find({"kind": "CLICK"}).sort("created").limit(1).to_list()
    await hit.model_copy(
        update={"id": PydanticObjectId(), "tenant_id": "rival", "communication_id": theirs.id}
    ).insert()

    of_rival = await judged(patient(deps, 10), tenant="rival")
    rest = await judged(patient(deps, 10), after=str(hit.id))

    assert (of_rival.looked_at, of_rival.turns) == (1, {TO_SCANNER: 1})
    # The second click of acme's, then rival's; the first stands where it ended.
    assert rest.looked_at == 2


@pytest.mark.parametrize("after", ["x", "", "6b050e9454d4a1b9322b3eaa"])
async def test_a_place_that_is_not_there_is_refused(
    deps: Deps, clicked: Communication, footprint: Footprint, after: str
) -> None:
    before = await footprint()

    with pytest.raises(InvalidInputError, match="after: is no hit that is kept"):
        await judged(patient(deps, 10), after=after)

    hit = await Engagement.find_one({})
    assert hit is not None
    with pytest.raises(InvalidInputError, match="after: is no hit that is kept"):
        await judged(patient(deps, 10), after=str(hit.id), tenant="rival")
    assert await footprint() == before


async def test_what_comes_meanwhile_is_counted_once(
    deps: Deps, clicked: Communication, stored: Stored
) -> None:
    readers = [replace(PERSON, address=f"198.51.{number}.1") for number in range(10)]

    judging = asyncio.create_task(judged(patient(deps, 10), at_a_time=1))
    await asyncio.gather(
        *(fetching.follow_link(deps, clicked.tracking_id, 0, reader) for reader in readers)
    )
    done = await judging

    [link] = (await stored(clicked.id)).clicked_links
    assert done.turns == {TO_SCANNER: 1}
    assert (link.click_count, link.machine_click_count) == (11, 1)
