"""How MongoDB finds a part of a list: by an index, and reading no more than it shows."""

from collections.abc import Awaitable, Callable
from datetime import UTC, timedelta
from typing import Any

import pytest

from app.documents import keyset
from app.documents.catalogues import (
    COMMUNICATIONS,
    INBOUND_MESSAGES,
    LIST_MEMBERS,
    PREFERENCES,
    PROVIDER_ACCOUNTS,
    RECIPIENT_LISTS,
    SUPPRESSIONS,
    TEMPLATES,
    Catalogue,
)
from app.documents.communications import Communication
from app.documents.criteria import AllOf, Condition, Expression, Operator, selecting
from app.documents.fields import FIELDS
from app.documents.keyset import Listing
from tests.documents.conftest import START

Profile = Callable[[], Awaitable[list[dict[str, Any]]]]
ALL = AllOf([])
FAILED = Condition(FIELDS["status"], Operator.ANY_OF, ["FAILED"])
DEAL = AllOf(
    [
        Condition(FIELDS["relatedEntityType"], Operator.ANY_OF, ["deal"]),
        Condition(FIELDS["relatedEntityId"], Operator.ANY_OF, ["3"]),
    ]
)
PATHS: dict[str, tuple[Expression, str, bool, str]] = {
    "newest": (ALL, "CREATED", False, "tenantId: 1, deletedAt: 1, created: -1"),
    "oldest": (ALL, "CREATED", True, "tenantId: 1, deletedAt: 1, created: -1"),
    "sent last": (ALL, "SENT_AT", False, "tenantId: 1, deletedAt: 1, sentAt: -1"),
    "sent first": (ALL, "SENT_AT", True, "tenantId: 1, deletedAt: 1, sentAt: -1"),
    "failed": (FAILED, "CREATED", False, "tenantId: 1, status: 1, deletedAt: 1, created: -1"),
    "deal": (DEAL, "CREATED", False, "relatedEntityId: 1, deletedAt: 1, created: -1"),
}
LIMIT = 5


@pytest.fixture
def rows_of() -> Callable[[Listing[Any]], Awaitable[list[dict[str, Any]]]]:
    """All rows of a listing in order, as MongoDB sorts them when it is asked plainly."""

    async def read(listing: Listing[Any]) -> list[dict[str, Any]]:
        return await keyset.read(listing, "acme", after=None, before=None, limit=1000)

    return read


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(("expression", "by", "ascending", "index"), PATHS.values(), ids=PATHS)
async def test_a_part_costs_the_same_wherever_it_stands(
    profile: Profile,
    rows_of: Callable[[Listing[Any]], Awaitable[list[dict[str, Any]]]],
    expression: Expression,
    by: str,
    ascending: bool,
    index: str,
) -> None:
    listing = COMMUNICATIONS.listing(selecting(expression), [(by, ascending)])
    whole = await rows_of(listing)
    middle = len(whole) // 2
    place, end = listing.position(whole[middle]), listing.position(whole[middle + 4])
    await profile()
    database: Any = Communication.get_motor_collection().database
    await database["system.profile"].drop()
    await database.command("profile", 2)

    first = await keyset.read(listing, "acme", after=None, before=None, limit=LIMIT)
    after = await keyset.read(listing, "acme", after=place, before=None, limit=LIMIT)
    between = await keyset.read(listing, "acme", after=place, before=end, limit=LIMIT)
    back = await keyset.read(listing.turned, "acme", after=place, before=None, limit=LIMIT)
    assert await keyset.reaches(listing, "acme", place)

    plans = await profile()
    assert first == whole[:LIMIT]
    assert after == whole[middle + 1 : middle + 1 + LIMIT]
    assert between == whole[middle + 1 : middle + 4]
    assert back == whole[middle - 1 :: -1][:LIMIT]
    assert len(plans) == 5
    assert all("COLLSCAN" not in plan["planSummary"] for plan in plans)
    assert index in plans[0]["planSummary"]
    assert not plans[0].get("hasSortStage", False)
    assert max(plan["docsExamined"] for plan in plans) <= 2 * LIMIT + 1
    assert max(plan["keysExamined"] for plan in plans) <= 4 * LIMIT


@pytest.mark.usefixtures("many")
async def test_records_of_one_moment_cost_no_more(
    profile: Profile, rows_of: Callable[[Listing[Any]], Awaitable[list[dict[str, Any]]]]
) -> None:
    moment = START + timedelta(days=1)
    collection = Communication.get_motor_collection()
    await collection.update_many({"tenantId": "acme"}, {"$set": {"created": moment}})
    listing = COMMUNICATIONS.listing({})
    whole = await rows_of(listing)
    await profile()
    database: Any = collection.database
    await database["system.profile"].drop()
    await database.command("profile", 2)

    read = await keyset.read(
        listing, "acme", after=listing.position(whole[300]), before=None, limit=LIMIT
    )

    (plan,) = await profile()
    assert read == whole[301:306]
    assert plan["docsExamined"] <= 2 * LIMIT


@pytest.mark.usefixtures("many")
async def test_what_is_left_out_is_not_read(
    rows_of: Callable[[Listing[Any]], Awaitable[list[dict[str, Any]]]],
) -> None:
    seen = (await rows_of(COMMUNICATIONS.listing({})))[0].keys()
    bare = (await rows_of(COMMUNICATIONS.listing({}, without=["body", "originalBody"])))[0].keys()

    assert "searchText" not in seen
    assert seen - bare == {"body", "originalBody"}


@pytest.mark.usefixtures("many")
async def test_what_waits_is_read_in_its_order(profile: Profile) -> None:
    collection = Communication.get_motor_collection()
    await collection.update_many(
        {"status": "FAILED"}, {"$set": {"status": "SCHEDULED", "scheduledAt": START}}
    )
    listing = COMMUNICATIONS.listing({"status": "SCHEDULED"}, [("SCHEDULED_AT", True)])

    rows = await keyset.read(listing, "acme", after=None, before=None, limit=LIMIT)
    place = listing.position(rows[-1])
    further = await keyset.read(listing, "acme", after=place, before=None, limit=LIMIT)

    plans = [plan for plan in await profile() if plan["op"] == "command"][-2:]
    assert [row["created"] for row in [*rows, *further]] == [
        (START + timedelta(minutes=10 * number)).replace(tzinfo=UTC) for number in range(10)
    ]
    assert "scheduledAt: 1" in plans[0]["planSummary"]
    assert max(plan["docsExamined"] for plan in plans) <= 2 * LIMIT


@pytest.mark.parametrize(
    ("catalogue", "order", "index"),
    [
        (INBOUND_MESSAGES, [], "tenantId: 1, receivedAt: -1, _id: -1"),
        (INBOUND_MESSAGES, [("RECEIVED_AT", True)], "tenantId: 1, receivedAt: -1, _id: -1"),
        (SUPPRESSIONS, [], "tenantId: 1, created: -1, _id: -1"),
        (SUPPRESSIONS, [("ADDRESS", True)], "tenantId: 1, address: 1"),
        (PREFERENCES, [], "tenantId: 1, date: -1, _id: -1"),
        (PREFERENCES, [("ADDRESS", False)], "tenantId: 1, address: 1, _id: 1"),
        (TEMPLATES, [], "tenantId: 1, name: 1"),
        (TEMPLATES, [("NAME", False)], "tenantId: 1, name: 1"),
        (RECIPIENT_LISTS, [], "tenantId: 1, name: 1"),
        (PROVIDER_ACCOUNTS, [], "tenantId: 1, name: 1"),
        (LIST_MEMBERS, [], "tenantId: 1, listId: 1, _id: 1"),
        (LIST_MEMBERS, [("EMAIL", False)], "tenantId: 1, listId: 1, email: 1"),
    ],
)
@pytest.mark.usefixtures("deps")
async def test_each_list_is_read_by_an_index(
    catalogue: Catalogue[Any], order: list[tuple[str, bool]], index: str
) -> None:
    collection = catalogue.document.get_motor_collection()
    rows = [
        {
            "tenantId": tenant, "listId": 1, "name": f"{number % 2}a{number}",
            "address": f"{number}@c.test", "email": f"{number}@c.test", "key": number,
            "created": START + timedelta(minutes=number // 2), "receivedAt": START,
            "date": START + timedelta(minutes=number // 2),
        }
        for tenant in ("acme", "rival")
        for number in range(40)
    ]  # fmt: skip
    await collection.insert_many(rows)
    criteria = {"listId": 1} if catalogue is LIST_MEMBERS else {}
    listing = catalogue.listing(criteria, order)
    whole = await keyset.read(listing, "acme", after=None, before=None, limit=100)
    database: Any = collection.database
    await database.command("profile", 2)

    first = await keyset.read(listing, "acme", after=None, before=None, limit=LIMIT)
    place = listing.position(whole[20])
    further = await keyset.read(listing, "acme", after=place, before=None, limit=LIMIT)

    await database.command("profile", 0)
    plans = await database["system.profile"].find({"planSummary": {"$exists": True}}).to_list(None)
    await database["system.profile"].drop()
    assert first == whole[:LIMIT]
    assert further == whole[21 : 21 + LIMIT]
    assert len(whole) == 40
    assert [len(plans), index in plans[0]["planSummary"]] == [2, True]
    assert not plans[0].get("hasSortStage", False)
    assert max(plan["docsExamined"] for plan in plans) <= 2 * LIMIT
