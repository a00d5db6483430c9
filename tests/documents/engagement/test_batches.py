"""Hits that come in bit by bit are thought of as if all had been there at once."""

from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Deps
from app.documents.communications import Communication
from app.documents.engagement.hits import Engagement
from app.documents.engagement.keeping import keep
from app.mail.engagement.hits import EngagementKind, EngagementSource
from app.mail.engagement.rules import VERSION
from app.services.tracking import judge_of, judge_with_new
from tests.fakes.visits import APPLE, BARRACUDA, CHROME

Store = Callable[..., Awaitable[Communication]]
Figures = Callable[[PydanticObjectId], Awaitable[dict[str, Any]]]
Make = Callable[..., Engagement]


def anything(random: Random) -> dict[str, Any]:
    """The fields of a hit within two minutes, near others more often than not."""
    clicked = random.random() < 0.5
    told = random.random() < 0.2
    return {
        "after": random.choice([0, 30, 59, 118]) + random.randrange(14) / 2,
        "kind": EngagementKind.CLICK if clicked else EngagementKind.OPEN,
        "url": f"https://{random.randrange(4)}.test" if clicked else None,
        "link": 0 if clicked else None,
        "source": EngagementSource.RESEND if told else EngagementSource.OWN,
        "user_agent": random.choice([CHROME, CHROME, CHROME, APPLE, BARRACUDA, None]),
        "address": random.choice(["192.0.2.0/24", "198.51.100.0/24", None]),
        "since_delivery": random.choice([3.0, 3600.0, 3600.0]),
    }


@pytest.mark.parametrize("mails", [1, 3])
@pytest.mark.parametrize("seed", range(4))
async def test_they_are_judged_as_all_at_once(
    deps: Deps,
    store_communication: Store,
    hit: Make,
    counted: Figures,
    recounted: Figures,
    seed: int,
    mails: int,
) -> None:
    random = Random(seed)  # noqa: S311 - to be repeated
    records = [await store_communication(clicked_links=[]) for _ in range(mails)]
    hits = [[hit(record, **anything(random)) for _ in range(40)] for record in records]
    waiting = random.sample([one for theirs in hits for one in theirs], k=40 * mails)

    while waiting:
        some = [waiting.pop() for _ in range(min(len(waiting), random.randrange(1, 7 * mails)))]
        await keep(some, partial(judge_with_new, deps.settings), rules=VERSION)

    kept = {one.id: one.judgement for one in await Engagement.find_all().to_list()}
    for record, theirs in zip(records, hits, strict=True):
        at_once = judge_of(deps.settings, theirs)
        assert [kept[one.id] for one in theirs] == at_once
        assert await counted(record.id) == await recounted(record.id)


async def test_a_kept_hit_stays_what_an_earlier_release_took_it_for(
    deps: Deps, store_communication: Store, hit: Make
) -> None:
    """Its own rules are run again by `letterbox reclassify` only."""
    record = await store_communication()
    early = hit(record, user_agent="curl/8.5.0").judged(
        judge_of(deps.settings, [hit(record, user_agent=CHROME)])[0], 1
    )
    await Engagement.get_motor_collection().insert_one(early.stored())
    again = hit(record, after=0.5, user_agent="curl/8.5.0")

    await keep([again], partial(judge_with_new, deps.settings), rules=VERSION)

    kept = {one.id: one for one in await Engagement.find_all().to_list()}
    assert (kept[early.id].judgement, kept[early.id].rules) == (early.judgement, 1)
    assert (kept[again.id].rule, kept[again.id].repeat) == ("program-agent", True)
    assert kept[again.id].rules == VERSION
