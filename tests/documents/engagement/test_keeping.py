import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Deps
from app.documents.communications import ClickedLink, Communication, Event
from app.documents.engagement.hits import Engagement
from app.documents.engagement.keeping import Judge, keep
from app.documents.vocabulary import EventType
from app.mail.engagement.hits import EngagementKind, EngagementSource, EngagementVerdict, Judgement
from tests.fakes.clock import Clock

Store = Callable[..., Awaitable[Communication]]
Figures = Callable[[PydanticObjectId], Awaitable[dict[str, Any]]]
Make = Callable[..., Engagement]
RowOf = Callable[[Communication], Awaitable[dict[str, Any] | None]]

CLICK = {"kind": EngagementKind.CLICK, "link": 0, "url": "https://acme.test"}
MARKS = ["HUMAN", "PROXY", "PREFETCH", "SCANNER", "HUMAN+", "SCANNER+"]


async def test_an_open_of_a_tracked_mail(
    store_communication: Store, row_of: RowOf, hit: Make, as_marked: Judge
) -> None:
    record = await store_communication()
    opened = hit(record, after=1)

    await keep([opened], as_marked, rules=3)

    row = await row_of(record)
    assert row is not None
    assert (row["opened"], row["openCount"], row["machineOpenCount"]) == (True, 1, 0)
    assert row["openedAt"] == row["lastOpenedAt"] == row["updated"] == opened.created
    assert [event["type"] for event in row["events"]] == [EventType.CREATE, EventType.OPEN]
    [kept] = await Engagement.find_all().to_list()
    assert kept == opened.judged(Judgement(EngagementVerdict.HUMAN, "marked"), 3)


async def test_a_machine_is_counted_beside_and_changes_nothing_that_is_documented(
    store_communication: Store, row_of: RowOf, hit: Make, as_marked: Judge
) -> None:
    record = await store_communication()
    before = await row_of(record)
    assert before is not None

    fetched = [hit(record, after=9, user_agent=mark) for mark in ("PREFETCH", "SCANNER")]
    await keep(fetched, as_marked, rules=1)
    await keep([hit(record, after=9, user_agent="SCANNER", **CLICK)], as_marked, rules=1)

    row = await row_of(record)
    assert row is not None
    assert row.pop("machineOpenCount") == 2
    assert row["clickedLinks"][0].pop("machineClickCount") == 1
    # The totals are to be told.
    assert row.pop("isUncounted") is True
    before.pop("machineOpenCount")
    before["clickedLinks"][0].pop("machineClickCount")
    assert row == before


async def test_what_is_no_mail_of_ours_is_not_kept(
    store_communication: Store, row_of: RowOf, hit: Make, as_marked: Judge
) -> None:
    untracked = await store_communication(tracking_enabled=False)
    gone = untracked.model_copy(update={"id": PydanticObjectId()})
    before = await row_of(untracked)

    await keep([hit(untracked), hit(gone), hit(gone, **CLICK)], as_marked, rules=1)

    assert await row_of(untracked) == before
    assert await Engagement.count() == 0


async def test_what_a_provider_told_is_kept_once(
    store_communication: Store, hit: Make, as_marked: Judge, counted: Figures
) -> None:
    record = await store_communication()
    told = hit(record, source=EngagementSource.RESEND)

    await keep([told], as_marked, rules=1)
    await keep([told], as_marked, rules=1)

    assert (await counted(record.id))["opens"] == (1, 0, told.created, told.created)
    assert await Engagement.count() == 1


async def test_a_link_that_the_record_does_not_list_is_listed(
    store_communication: Store, hit: Make, as_marked: Judge
) -> None:
    record = await store_communication()
    own = {"kind": EngagementKind.CLICK, "link": 7, "url": "https://own.test"}

    await keep([hit(record, **own), hit(record, **own)], as_marked, rules=1)
    await keep([hit(record, user_agent="SCANNER", **own)], as_marked, rules=1)

    found = await Communication.shown("acme", str(record.id))
    assert found is not None
    assert [
        (one.original_url, one.url, one.click_count, one.machine_click_count)
        for one in found.clicked_links
    ] == [("https://acme.test", "https://t.test", 0, 0), ("https://own.test",) * 2 + (2, 1)]
    assert [event.description for event in found.events[1:]] == ["https://own.test"]


async def test_at_most_a_thousand_links_are_listed(
    store_communication: Store, row_of: RowOf, hit: Make, as_marked: Judge
) -> None:
    listed = [ClickedLink(original_url=f"https://{n}.test", url="x") for n in range(1000)]
    record = await store_communication(clicked_links=listed)
    before = await row_of(record)

    await keep([hit(record, **{**CLICK, "url": "https://own.test"})], as_marked, rules=1)
    assert await row_of(record) == before
    await keep([hit(record, **{**CLICK, "url": "https://999.test"})], as_marked, rules=1)

    found = await Communication.shown("acme", str(record.id))
    assert found is not None
    assert found.clicked_links[999].click_count == 1


async def test_two_links_to_one_address_count_each(
    store_communication: Store, hit: Make, clock: Clock
) -> None:
    links = [ClickedLink(original_url="https://acme.test", url=f"t{n}") for n in range(2)]
    record = await store_communication(clicked_links=links)
    first, other = hit(record, after=1, **CLICK), hit(record, after=2, **{**CLICK, "link": 1})
    await keep(
        [first, other], lambda hits: [Judgement(EngagementVerdict.HUMAN, "x")] * len(hits), rules=1
    )
    third = hit(record, after=3, **CLICK)

    def not_the_first(hits: Sequence[Engagement]) -> list[Judgement]:
        return [
            Judgement(
                EngagementVerdict.SCANNER if one.id == first.id else EngagementVerdict.HUMAN, "x"
            )
            for one in hits
        ]

    await keep([third], not_the_first, rules=1)

    found = await Communication.get(record.id)
    assert found is not None
    assert [
        (one.click_count, one.machine_click_count, one.clicked_at) for one in found.clicked_links
    ] == [(1, 1, third.created), (1, 0, other.created)]


async def test_what_comes_late_stands_where_it_happened(
    store_communication: Store, hit: Make, as_marked: Judge
) -> None:
    record = await store_communication()
    late, early = hit(record, after=9), hit(record, after=1)
    click = hit(record, after=5, **CLICK)

    for one in (late, click, early):
        await keep([one], as_marked, rules=1)

    found = await Communication.get(record.id)
    assert found is not None
    assert (found.opened_at, found.last_opened_at) == (early.created, late.created)
    assert [(event.type, event.date) for event in found.events[1:]] == [
        (EventType.OPEN, early.created),
        (EventType.CLICK, click.created),
    ]


async def test_what_was_counted_before_hits_were_kept_stays_counted(
    store_communication: Store, hit: Make, as_marked: Judge, clock: Clock
) -> None:
    opened = clock.now() - timedelta(days=1)
    record = await store_communication(
        opened=True, open_count=4, opened_at=opened, last_opened_at=opened
    )
    collection = Communication.get_motor_collection()
    await collection.update_one({"_id": record.id}, {"$unset": {"machineOpenCount": ""}})

    await keep([hit(record), hit(record, user_agent="SCANNER")], as_marked, rules=1)

    found = await Communication.get(record.id)
    assert found is not None
    assert (found.open_count, found.machine_open_count) == (5, 1)
    assert (found.opened_at, found.last_opened_at) == (opened, clock.now())
    assert [event.type for event in found.events] == [EventType.CREATE]


@pytest.mark.parametrize("seed", range(4))
async def test_figures_are_those_of_the_kept_hits(
    store_communication: Store,
    hit: Make,
    clock: Clock,
    counted: Figures,
    recounted: Figures,
    seed: int,
) -> None:
    """Whatever is kept in whichever order, and however often it is thought of otherwise."""
    random = Random(seed)  # noqa: S311 - to be repeated
    record = await store_communication(events=[Event(type=EventType.CREATE, date=clock.now())])

    def anything(hits: Sequence[Engagement]) -> list[Judgement]:
        marks = [random.choice(MARKS) for _ in hits]
        return [
            Judgement(EngagementVerdict(mark.rstrip("+")), "any", repeat=mark.endswith("+"))
            for mark in marks
        ]

    for _ in range(12):
        few = [
            hit(
                record,
                after=random.randrange(50),
                **random.choice([{}, CLICK, {**CLICK, "link": 3, "url": "https://own.test"}]),
            )
            for _ in range(random.randrange(1, 4))
        ]
        await keep(few, anything, rules=1)
        assert await counted(record.id) == await recounted(record.id)


async def test_hits_at_once_are_each_counted_once(
    deps: Deps,
    store_communication: Store,
    hit: Make,
    as_marked: Judge,
    counted: Figures,
    recounted: Figures,
) -> None:
    """From several processes: each transaction here is one of its own."""
    record = await store_communication()
    kinds: list[dict[str, Any]] = [{}, CLICK, {"user_agent": "SCANNER"}]
    kinds.append({**CLICK, "user_agent": "SCANNER"})

    await asyncio.gather(
        *(keep([hit(record, after=n, **kinds[n % 4])], as_marked, rules=1) for n in range(24))
    )

    figures = await counted(record.id)
    assert figures["opens"][:2] == (6, 6)
    assert figures["links"]["https://acme.test"][:2] == (6, 6)
    assert len(figures["events"]) == 2
    assert figures == await recounted(record.id)


async def test_a_fault_in_between_leaves_neither_the_hit_nor_its_count(
    store_communication: Store, row_of: RowOf, hit: Make, as_marked: Judge
) -> None:
    record = await store_communication()
    # The hit is inserted by the time this is added to.
    collection = Communication.get_motor_collection()
    await collection.update_one({"_id": record.id}, {"$set": {"openCount": "no number"}})
    before = await row_of(record)

    with pytest.raises(TypeError):
        await keep([hit(record)], as_marked, rules=1)

    assert await Engagement.count() == 0
    assert await row_of(record) == before


async def test_one_at_fault_keeps_no_other_from_being_kept(
    deps: Deps, store_communication: Store, hit: Make, as_marked: Judge
) -> None:
    record, odd = await store_communication(), await store_communication()
    collection = Communication.get_motor_collection()
    await collection.update_one({"_id": odd.id}, {"$set": {"openCount": "no number"}})

    answers = await asyncio.gather(
        *(
            deps.gathered.keep_hit(hit(one), as_marked, rules=1)
            for one in (record, record, odd, record)
        ),
        return_exceptions=True,
    )

    assert [answer is None for answer in answers] == [True, True, False, True]
    found = await Communication.get(record.id)
    assert found is not None
    assert found.open_count == 3


async def test_a_hit_that_is_kept_again_counts_once(
    store_communication: Store, hit: Make, as_marked: Judge, counted: Figures
) -> None:
    record = await store_communication()
    hits = [hit(record), hit(record, after=9)]
    await keep(hits[:1], as_marked, rules=1)

    await asyncio.gather(*(keep(hits, as_marked, rules=1) for _ in range(3)))

    assert (await counted(record.id))["opens"][0] == await Engagement.count() == 2
