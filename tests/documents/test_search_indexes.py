"""Which index answers what a CRM asks, and that MongoDB looks at no more than it shows."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from app.context import Caller
from app.documents import listing
from app.documents.base import Filter
from app.documents.communications import Communication
from app.documents.criteria import Condition, Operator, matching
from app.documents.fields import FIELDS
from app.services import scheduling
from tests.documents.conftest import START

Store = Callable[..., Awaitable[Communication]]
Profile = Callable[[], Awaitable[list[dict[str, Any]]]]
LISTED = 5
MATCHING = 40


def any_of(name: str, *values: Any) -> Condition:
    return Condition(FIELDS[name], Operator.ANY_OF, list(values))


def compared(name: str, operator: Operator, value: Any) -> Condition:
    return Condition(FIELDS[name], operator, value)


ONE_DAY = [
    compared("created", Operator.GTE, START),
    compared("created", Operator.LT, START + timedelta(minutes=MATCHING)),
]
PATHS: dict[str, tuple[list[Condition], str]] = {
    "everything": ([], "tenantId: 1, deletedAt: 1, created: -1"),
    "status": ([any_of("status", "FAILED")], "tenantId: 1, status: 1, deletedAt: 1, created: -1"),
    "type": ([any_of("type", "FACTUUR")], "tenantId: 1, type: 1, deletedAt: 1, created: -1"),
    "entity": (
        [any_of("relatedEntityType", "deal"), any_of("relatedEntityId", "3")],
        "tenantId: 1, relatedEntityType: 1, relatedEntityId: 1, deletedAt: 1, created: -1",
    ),
    "recipient": (
        [any_of("recipients", "3@customer.test")],
        "tenantId: 1, recipients: 1, deletedAt: 1, created: -1",
    ),
    "date": (ONE_DAY, "tenantId: 1, deletedAt: 1, created: -1"),
    "status and date": (
        [any_of("status", "FAILED"), *ONE_DAY],
        "tenantId: 1, status: 1, deletedAt: 1, created: -1",
    ),
    "two statuses": (
        [any_of("status", "FAILED", "BOUNCED")],
        "tenantId: 1, status: 1, deletedAt: 1, created: -1",
    ),
}


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(("conditions", "index"), PATHS.values(), ids=PATHS)
async def test_a_page_reads_its_records_only_and_sorts_nothing(
    profile: Profile, conditions: list[Condition], index: str
) -> None:
    rows = await listing.page("acme", matching(conditions, []), (), skip=0, limit=LISTED)

    (plan,) = [one for one in await profile() if one["op"] == "query"]
    assert len(rows) in {LISTED, 4}
    assert f"IXSCAN {{ {index}" in plan["planSummary"]
    assert not plan.get("hasSortStage", False)
    # A range of dates next to a state is checked in the index, key by key.
    assert plan["docsExamined"] == len(rows)
    assert plan["keysExamined"] <= MATCHING + LISTED


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("path", ["everything", "status", "type", "entity", "date"])
async def test_counting_looks_at_no_record(profile: Profile, path: str) -> None:
    conditions, index = PATHS[path]

    counted = await listing.count("acme", matching(conditions, []))

    (plan,) = await profile()
    assert counted == (400 if path == "everything" else MATCHING)
    assert index in plan["planSummary"]
    assert plan["docsExamined"] == 0
    assert plan["keysExamined"] <= counted + 4


@pytest.mark.usefixtures("many")
async def test_a_count_by_recipient_reads_what_it_counts(profile: Profile) -> None:
    counted = await listing.count("acme", matching(PATHS["recipient"][0], []))

    (plan,) = await profile()
    assert counted == MATCHING
    assert "recipients: 1" in plan["planSummary"]
    assert plan["docsExamined"] == MATCHING


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("name", ["created", "sentAt"])
async def test_a_range_of_dates_sorted_by_it_sorts_nothing(profile: Profile, name: str) -> None:
    conditions = [compared(name, Operator.GTE, START + timedelta(hours=1))]
    order = [(FIELDS[name], False)]

    rows = await listing.page("acme", matching(conditions, []), order, skip=0, limit=LISTED)

    (plan,) = [one for one in await profile() if one["op"] == "query"]
    assert len(rows) == LISTED
    assert not plan.get("hasSortStage", False)
    assert plan["docsExamined"] == LISTED


@pytest.mark.usefixtures("many")
async def test_what_waits_for_its_time_is_read_in_order(profile: Profile, caller: Caller) -> None:
    collection = Communication.get_motor_collection()
    waiting = {"status": "SCHEDULED", "scheduledAt": START}
    await collection.update_many({"status": "FAILED"}, {"$set": waiting})

    rows = [row async for row in scheduling.waiting(caller)]

    (plan,) = [one for one in await profile() if one["op"] == "query"]
    assert [row["created"] for row in rows] == sorted(row["created"] for row in rows)
    assert not plan.get("hasSortStage", False)
    assert plan["docsExamined"] == len(rows) == MATCHING


@pytest.mark.usefixtures("many")
async def test_what_is_skipped_far_is_not_read(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_NEAR", 100)

    rows = await listing.page("acme", {}, (), skip=300, limit=LISTED)

    plans = [one for one in await profile() if one["op"] == "query"]
    assert len(rows) == LISTED
    assert [plan["docsExamined"] for plan in plans] == [0, LISTED]
    assert [plan.get("hasSortStage", False) for plan in plans] == [False, False]


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(
    "criteria",
    [
        {},
        matching([Condition(FIELDS["subject"], Operator.CONTAINS, "offer")], []),
        matching([], ["offer"]),
        matching([any_of("variables", {"a": 1})], []),
        matching([any_of("opened", True)], []),
    ],
    ids=str,
)
async def test_no_question_reads_another_tenants_records(
    profile: Profile, criteria: Filter
) -> None:
    await listing.page("acme", criteria, (), skip=0, limit=LISTED)
    await listing.count("acme", criteria)
    _ = [row async for row in listing.stream("acme", criteria, ())]

    plans = await profile()
    assert len(plans) >= 3
    assert [plan["planSummary"] for plan in plans if "COLLSCAN" in plan["planSummary"]] == []
    assert max(plan["docsExamined"] for plan in plans) <= 400


@pytest.mark.usefixtures("many")
async def test_ids_are_read_by_their_index(profile: Profile) -> None:
    row = await Communication.get_motor_collection().find_one({"tenantId": "rival"})
    ours = await Communication.get_motor_collection().find_one({"tenantId": "acme"})
    assert row is not None
    assert ours is not None

    ids = [str(row["_id"]), str(ours["_id"])]
    found = [one["_id"] async for one in listing.by_ids("acme", ids)]

    plan = (await profile())[-1]
    assert found == [ours["_id"]]
    assert plan["docsExamined"] <= 2
