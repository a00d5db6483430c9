"""What each filter, term and order finds, and what never gets through to MongoDB."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context import Caller, Deps, Scope
from app.documents.communications import Communication
from app.documents.criteria import Operator, matching
from app.documents.fields import FIELDS, RECORD_FIELDS, SORTABLE, Kind
from app.errors import InvalidInputError
from app.services import delivery, search
from app.services.filters import read_filters
from app.services.inputs import parse
from app.services.search import SearchCommunications
from tests import doors
from tests.fakes.clock import Clock
from tests.fakes.visits import PERSON
from tests.fetching import follow_link, record_open

Send = Callable[..., Awaitable[Communication]]
Find = Callable[..., Awaitable[str]]
ALICE = Caller("acme", "alice", frozenset(Scope))
OURS = {
    "$and", "$or", "$nor", "$eq", "$in", "$nin", "$ne", "$gt", "$gte", "$lt", "$lte", "$regex",
    "$options", "$expr", "$size", "$objectToArray", "$ifNull", "$getField", "$literal",
}  # fmt: skip


@pytest.fixture
def find() -> Find:
    """The subjects that a search finds, in their order, joined."""

    async def subjects(**asked: Any) -> str:
        page = await search.search(ALICE, parse(SearchCommunications, asked))
        return " ".join(row["subject"] for row in page.content)

    return subjects


@pytest.fixture
async def mails(deps: Deps, send: Send, clock: Clock) -> None:
    """Mail A was sent, opened and clicked; B waits; C waits and has variables."""
    a = await send({"subject": "A", "type": "OFFERTE", "relatedEntityType": "deal",
                    "relatedEntityId": "1", "cc": ["Cees <cees@customer.test>"]})  # fmt: skip
    await send({"subject": "B", "recipients": ["a@b.test", "jan@customer.test"],
                "trackingEnabled": False, "replyTo": "re@acme.test"})  # fmt: skip
    await send({"subject": "C", "type": "FACTUUR", "body": "<p>100% [sic] {{ name }}</p>",
                "recipients": ["c@d.test"], "senderName": "Zoë van Dam",
                "variables": {"name": "Jan", "amount": 12.5, "paid": True, "lines": ["x", "y"],
                              "deep": {"a": {"b": 1}}, "none": None}})  # fmt: skip
    await delivery.dispatch(deps, str(a.id))
    await record_open(deps, a.tracking_id, PERSON)
    clock.advance(timedelta(minutes=1))
    await follow_link(deps, a.tracking_id, 0, PERSON)


FOUND: list[tuple[dict[str, Any], str]] = [
    ({"status": "SENT"}, "A"),
    ({"status": ["SENT", "PENDING"]}, "A B C"),
    ({"status": {"in": ["SENT", "FAILED"]}}, "A"),
    ({"status": {"ne": "SENT"}}, "B C"),
    ({"status": []}, ""),
    ({"status": None}, ""),
    ({"type": None}, "B"),
    ({"type": [None, "OFFERTE"]}, "A B"),
    ({"type": {"ne": None}}, "A C"),
    ({"type": {"ne": "OFFERTE"}}, "B C"),
    ({"relatedEntityType": "deal", "relatedEntityId": "1"}, "A"),
    ({"relatedEntityType": "deal", "relatedEntityId": "2"}, ""),
    ({"recipients": "jan@customer.test"}, "A B"),
    ({"recipients": {"contains": "@CUSTOMER."}}, "A B"),
    ({"recipients": {"contains": ".*"}}, ""),
    ({"recipients": {"ne": "jan@customer.test"}}, "C"),
    ({"recipients": ["a@b.test", "c@d.test"]}, "B C"),
    ({"cc": None}, "B C"),
    ({"cc": {"ne": None}}, "A"),
    ({"cc": [None, "x@y.test"]}, "B C"),
    ({"bcc": None}, "A B C"),
    ({"clickedLinks": None}, "B C"),
    ({"clickedLinks": {"ne": None}}, "A"),
    ({"clickedLinks.clickCount": {"gte": 1}}, "A"),
    ({"clickedLinks.originalUrl": {"contains": "ACME.test/offer?id=1"}}, "A"),
    ({"clickedLinks.clickedAt": {"lte": "2100-11-24T09:31:00Z"}}, "A"),
    ({"events.type": "OPEN"}, "A"),
    ({"events.type": {"ne": "OPEN"}}, "B C"),
    ({"events.authorId": "alice"}, "A B C"),
    ({"events.description": {"contains": "acme.test/offer"}}, "A"),
    ({"events.date": {"gt": "2100-11-24T09:31:00Z"}}, ""),
    ({"openCount": 1}, "A"),
    ({"openCount": {"gte": 0, "lt": 1}}, "B C"),
    ({"opened": True}, "A"),
    ({"opened": [True, False]}, "A B C"),
    ({"opened": {"ne": True}}, "B C"),
    ({"trackingEnabled": False}, "B"),
    ({"sentAt": None}, "B C"),
    ({"sentAt": {"ne": None}}, "A"),
    ({"sentAt": {"gte": "2100-11-24", "lt": "2100-11-25"}}, "A"),
    ({"created": "2100-11-24T09:30:00Z"}, "A B C"),
    ({"created": "2100-11-24T10:30:00+01:00"}, "A B C"),
    ({"created": "2100-11-24T09:30"}, "A B C"),
    ({"created": "2100-11-24T10:30"}, ""),
    ({"subject": {"gte": "B", "lt": "C"}}, "B"),
    ({"subject": "a"}, ""),
    ({"subject": {"contains": "a"}}, "A"),
    ({"replyTo": "re@acme.test"}, "B"),
    ({"senderName": {"contains": "ZOË VAN"}}, "C"),
    ({"body": {"contains": "100% [SIC] jan"}}, "C"),
    ({"originalBody": {"contains": "{{ name }}"}}, "C"),
    ({"tenantId": "acme"}, "A B C"),
    ({"tenantId": "rival"}, ""),
    ({"variables": None}, "A B"),
    ({"variables": {"ne": None}}, "C"),
    ({"variables": {"name": "Jan"}}, ""),
    ({"variables.name": "Jan"}, "C"),
    ({"variables.name": {"contains": "JA"}}, "C"),
    ({"variables.amount": {"gt": 12, "lte": 12.5}}, "C"),
    ({"variables.amount": "12.5"}, ""),
    ({"variables.paid": True}, "C"),
    ({"variables.lines": "y"}, "C"),
    ({"variables.deep.a.b": 1}, "C"),
    ({"variables.other": None}, "A B C"),
    ({"variables.name": {"ne": None}}, "C"),
]


@pytest.mark.usefixtures("mails")
@pytest.mark.parametrize(("filters", "subjects"), FOUND, ids=[str(f) for f, _ in FOUND])
async def test_a_filter_finds(find: Find, filters: dict[str, Any], subjects: str) -> None:
    assert await find(filters=filters, sort=[{"field": "subject"}]) == subjects


@pytest.mark.parametrize(
    ("operator", "is_found"), [("gt", False), ("gte", False), ("lt", True), ("lte", True)]
)
async def test_a_time_is_compared_to_the_microsecond(
    find: Find, send: Send, operator: str, is_found: bool
) -> None:
    await send({"subject": "A"})

    # Half a millisecond after it was made; MongoDB keeps whole ones.
    found = await find(filters={"created": {operator: "2100-11-24T09:30:00.0005Z"}})

    assert found == ("A" if is_found else "")


@pytest.mark.usefixtures("mails")
async def test_variables_are_equal_in_any_order(find: Find, send: Send) -> None:
    given_ = {"b.c": "$x", "a": [1, {"z": None}]}
    await send({"subject": "D", "variables": given_})

    assert await find(filters={"variables": {"a": [1, {"z": None}], "b.c": "$x"}}) == "D"
    assert await find(filters={"variables": [{"x": 1}, given_]}) == "D"
    assert await find(filters={"variables": {"b.c": "$x"}}) == ""
    assert await find(filters={"variables": {**given_, "d": None}}) == ""
    assert await find(filters={"variables": {"ne": given_}}, sort=[{"field": "subject"}]) == "A B C"
    assert await find(filters={"variables": []}) == ""


async def test_an_id_is_a_filter(find: Find, send: Send) -> None:
    record = await send()
    await send({"subject": "Another"})

    assert await find(filters={"id": str(record.id)}) == "Your offer"
    assert await find(filters={"id": [str(record.id).upper()]}) == "Your offer"
    assert await find(filters={"id": {"ne": str(record.id)}}) == "Another"


@pytest.mark.parametrize("name", [name for name, f in FIELDS.items() if f.kind is not Kind.PARTS])
async def test_every_documented_field_is_a_filter(find: Find, send: Send, name: str) -> None:
    record = await send({"variables": {"a": 1}})
    row = await record.get_motor_collection().find_one({"_id": record.id})

    first, _, part = FIELDS[name].path.partition(".")
    value = (row or {}).get(first)
    if part:
        value = value[0].get(part) if isinstance(value, list) and value else None
    if isinstance(value, list):
        value = value[0] if value else None
    if not isinstance(value, dict | int | None):
        value = value.isoformat() if isinstance(value, datetime) else str(value)

    assert await find(filters={name: value}) == "Your offer"


@pytest.mark.parametrize("name", SORTABLE)
async def test_every_sort_field_sorts(find: Find, send: Send, name: str) -> None:
    await send({"subject": "A"})
    await send({"subject": "B"})

    for ascending in (True, False):
        found = await find(sort=[{"field": name, "ascending": ascending}])
        assert sorted(found.split()) == ["A", "B"]


async def test_all_fields_sort_at_once(find: Find, send: Send) -> None:
    await send()

    assert await find(sort=[{"field": name} for name in SORTABLE]) == "Your offer"


def test_the_documented_fields_are_all_there() -> None:
    documented = {*doors.RECORD_FIELDS, "clickedLinks", "events"}

    assert {field.name for field in RECORD_FIELDS} == documented
    assert documented - SORTABLE.keys() == {
        "bcc", "cc", "recipients", "clickedLinks", "events", "variables"
    }  # fmt: skip


SEARCHED: list[tuple[list[str], str]] = [
    (["a", "see the OFFER"], "A B"),
    (["acme.test/offer?id=1&x=2"], "A B"),
    (["link/"], ""),
    (["cees@customer.TEST"], "A"),
    (["jan@customer", "a@b.test"], "B"),
    (["zoe\u0308 VAN"], "C"),
    (["zoe"], ""),
    (["100% [sic] jan"], "C"),
    (["1.0%"], ""),
    (["<p>"], ""),
    (["c", "  \n ", ""], "A B C"),
    (["Jan@customer.test \t See"], ""),
    (["re@acme.test"], ""),
    (["$where"], ""),
]


@pytest.mark.usefixtures("mails")
@pytest.mark.parametrize(("terms", "subjects"), SEARCHED, ids=[str(t) for t, _ in SEARCHED])
async def test_terms_find(find: Find, terms: list[str], subjects: str) -> None:
    assert await find(search=terms, sort=[{"field": "subject"}]) == subjects


async def test_the_newest_come_first(find: Find, send: Send, clock: Any) -> None:
    for subject in ("1", "2"):
        await send({"subject": subject})
    clock.advance(timedelta(seconds=1))
    await send({"subject": "3"})

    assert await find() == "3 2 1"
    assert await find(page=1, size=2) == "1"


async def test_pages_far_away_are_like_those_nearby(find: Find, send: Send) -> None:
    record = await send()
    row = await record.get_motor_collection().find_one({"_id": record.id})
    copies = [{k: v for k, v in (row or {}).items() if k != "_id"} for _ in range(1100)]
    for number, copy in enumerate(copies):
        copy.update(subject=str(number), created=record.created - timedelta(seconds=number + 1))
    await record.get_motor_collection().insert_many(copies)

    assert await find(page=100, size=10) == " ".join(str(n) for n in range(999, 1009))
    assert await find(page=110, size=10) == "1099"
    assert await find(page=111, size=10) == ""


def keys_and_paths(value: Any) -> Iterator[str]:
    """Every name that MongoDB would read as one; what stands in $literal it does not."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            if name != "$literal":
                yield from keys_and_paths(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_and_paths(inner)


names = st.sampled_from([*FIELDS, "variables.a", "variables.$a", "variables.", "$where", "$expr"])
operators = st.sampled_from([*Operator, "$ne", "$where", "eq", "ne"])
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    | st.sampled_from(["$where", "\ud800", "\0", "SENT", "2026-01-01", "9999-12-31T23:59-23:59"])
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(operators | st.text(), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(names | st.text(), values, max_size=4))
def test_any_json_is_compiled_or_refused(filters: dict[str, Any]) -> None:
    try:
        compiled = matching(read_filters(filters), [])
    except InvalidInputError as error:
        # It can be sent: nothing in it that UTF-8 cannot write.
        error.detail.encode()
        return

    allowed = {*(field.path for field in FIELDS.values()), "field", "input", *OURS}
    found = {name for name in keys_and_paths(compiled) if not name.startswith("variables.")}
    assert found <= allowed
    assert not any("$" in name for name in keys_and_paths(compiled) if name not in OURS)


@pytest.mark.usefixtures("opened_once")
@given(st.dictionaries(names, values, min_size=1, max_size=2))
async def test_mongodb_takes_whatever_is_compiled(filters: dict[str, Any]) -> None:
    try:
        conditions = read_filters(filters)
    except InvalidInputError:
        return

    collection = Communication.get_motor_collection()
    found = collection.find(Communication.owned("acme", matching(conditions, [])))
    assert await found.to_list(1) == []
