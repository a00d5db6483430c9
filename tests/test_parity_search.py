"""Finding communications: both doors give the same records, in the same order, or refuse alike."""

import csv
import io
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from app.context import Caller, Deps, Scope
from app.documents.communications import Communication
from app.errors import ErrorCode
from app.services import delivery
from tests.doors import RECORD_FIELDS, Door, GraphqlDoor, RestDoor
from tests.fakes.clock import Clock

Send = Callable[..., Awaitable[Communication]]
UNKNOWN = "6b050e9454d4a1b9322b3eaa"
DOCUMENTED = {*RECORD_FIELDS, "clickedLinks", "events"}
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("an unknown field", {"filters": {"trackingId": "x"}}, "filters.trackingId"),
    ("a hidden field", {"filters": {"deletedAt": None}}, "filters.deletedAt"),
    ("$where", {"filters": {"$where": "sleep(1000)"}}, "filters.$where"),
    ("$or", {"filters": {"$or": [{"status": "SENT"}]}}, "filters.$or"),
    ("an operator of MongoDB", {"filters": {"subject": {"$ne": None}}}, "$ne is no operator"),
    ("a regular expression", {"filters": {"subject": {"$regex": ".*"}}}, "$regex"),
    ("a nested operator", {"filters": {"subject": {"in": [{"$gt": ""}]}}}, "filters.subject"),
    ("a nested object", {"filters": {"subject": {"ne": {"$gt": ""}}}}, "filters.subject"),
    ("$where in a variable", {"filters": {"variables.$where": "1"}}, "filters.variables.$where"),
    ("$ in an object", {"filters": {"variables": {"$where": "1"}}}, "filters.variables"),
    ("an unknown operator", {"filters": {"subject": {"like": "x"}}}, "allowed are in, ne"),
    ("no operator", {"filters": {"subject": {}}}, "names no operator"),
    ("a wrong status", {"filters": {"status": "GONE"}}, "must be one of SCHEDULED, PENDING"),
    ("a status of another kind", {"filters": {"status": 1}}, "filters.status"),
    ("contains in a status", {"filters": {"status": {"contains": "S"}}}, "contains is no operator"),
    ("a text for a flag", {"filters": {"opened": "true"}}, "must be true or false"),
    ("a number for a flag", {"filters": {"opened": 1}}, "must be true or false"),
    ("a text for a number", {"filters": {"openCount": "1"}}, "must be a whole number"),
    ("a flag for a number", {"filters": {"openCount": True}}, "must be a whole number"),
    ("a fraction for a number", {"filters": {"openCount": 1.5}}, "must be a whole number"),
    ("no date", {"filters": {"created": {"gte": "yesterday"}}}, "ISO 8601"),
    ("a date before time", {"filters": {"created": "0001-01-01T00:00+23:00"}}, "ISO 8601"),
    ("no id", {"filters": {"id": "x"}}, "24 hexadecimal digits"),
    ("nothing to compare with", {"filters": {"openCount": {"gt": None}}}, "cannot compare"),
    ("in without a list", {"filters": {"subject": {"in": "x"}}}, "must be a list"),
    ("a value for a list", {"filters": {"events": "x"}}, "events.authorId"),
    ("a long contains", {"filters": {"subject": {"contains": "x" * 201}}}, "200 characters"),
    ("NUL in a value", {"filters": {"subject": {"contains": "\0"}}}, "NUL"),
    ("NUL in a term", {"search": ["\0"]}, "NUL"),
    ("51 filters", {"filters": {f"variables.a{n}": n for n in range(51)}}, "at most 50"),
    ("1001 values", {"filters": {"subject": ["x"] * 1001}}, "at most 1000"),
    ("filters too long", {"filters": {"variables": [{"a": "x" * 126_000}] * 2}}, "longer than"),
    ("filters no object", {"filters": ["status"]}, "filters"),
    ("21 terms", {"search": ["x"] * 21}, "search"),
    ("a long term", {"search": ["x" * 201]}, "search[0]"),
    ("sort by an unknown field", {"sort": [{"field": "colour"}]}, "allowed are"),
    ("sort by a hidden field", {"sort": [{"field": "searchText"}]}, "allowed are"),
    ("sort by a list", {"sort": [{"field": "recipients"}]}, "allowed are"),
    ("sort by an operator", {"sort": [{"field": "$natural"}]}, "sort.$natural"),
    ("a page below 0", {"page": -1}, "page"),
    ("a page beyond 32 bits", {"page": 2**31}, ""),
    ("a size below 0", {"size": -1}, "size"),
    ("a page that is no number", {"page": "x"}, "page"),
]


def deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


async def test_ids_are_answered_in_their_order_each_once(door: Door, send: Send) -> None:
    a, b, c = [str((await send()).id) for _ in range(3)]

    answer = await door.by_ids([c, "x", a, UNKNOWN, c, "\ufeff", b])

    assert [record["id"] for record in answer.record] == [c, a, b]
    assert answer.record[0].keys() == DOCUMENTED


async def test_thousands_of_ids_are_fine_and_too_many_are_refused(door: Door, send: Send) -> None:
    id_ = str((await send()).id)
    # As many as a client fits into an address.
    many = [f"{number:024x}" for number in range(2000)]

    found = await door.by_ids([*many, id_])
    refused = await door.by_ids(["x"] * 10_001)

    assert [record["id"] for record in found.record] == [id_]
    assert refused.code is ErrorCode.BAD_USER_INPUT


async def test_all_are_listed_newest_first(door: Door, send: Send, clock: Clock) -> None:
    ids = []
    for _ in range(3):
        ids.append(str((await send()).id))
        clock.advance(timedelta(seconds=1))

    answer = await door.all()

    assert [record["id"] for record in answer.record] == ids[::-1]


async def test_the_doors_show_the_same(client: httpx2.AsyncClient, send: Send, deps: Deps) -> None:
    sent = await send({"variables": {"name": "=1", "n": [1, {"a": None}]}, "type": "OFFERTE"})
    await delivery.dispatch(deps, str(sent.id))
    await send({"recipients": ["Zoë <zoe@customer.test>"], "cc": ["c@customer.test"]})
    rest, graphql = RestDoor(client), GraphqlDoor(client)

    assert await rest.all() == await graphql.all()
    assert await rest.csv() == await graphql.csv()
    assert await rest.search(size=1) == await graphql.search(size=1)
    assert (await rest.all()).record == (await rest.search()).record["content"]


async def test_a_page_has_the_numbers_of_a_page(door: Door, send: Send) -> None:
    for _ in range(5):
        await send()

    page = (await door.search(page=1, size=2)).record

    content = page.pop("content")
    assert len(content) == 2
    assert page == {
        "number": 1, "size": 2, "totalElements": 5, "totalPages": 3, "first": False,
        "last": False, "numberOfElements": 2, "empty": False,
    }  # fmt: skip


async def test_pages_of_equal_times_neither_repeat_nor_lose(door: Door, send: Send) -> None:
    ids = {str((await send({"type": "SUPPORT"})).id) for _ in range(5)}

    pages = [
        (await door.search(page=n, size=2, sort=[{"field": "type"}])).record["content"]
        for n in range(3)
    ]

    assert [len(page) for page in pages] == [2, 2, 1]
    assert {record["id"] for page in pages for record in page} == ids


async def test_several_fields_sort(door: Door, send: Send) -> None:
    for subject, entity in (("b", "1"), ("a", "1"), ("a", "2")):
        await send({"subject": subject, "relatedEntityId": entity})

    answer = await door.search(
        sort=[
            {"field": "subject"},
            {"field": "relatedEntityId", "ascending": False},
            {"field": "subject", "ascending": False},
        ]
    )

    found = [(one["subject"], one["relatedEntityId"]) for one in answer.record["content"]]
    assert found == [("a", "2"), ("a", "1"), ("b", "1")]


async def test_filters_and_terms_must_all_match(door: Door, send: Send) -> None:
    wanted = await send({"type": "FACTUUR", "subject": "Factuur 7"})
    await send({"type": "FACTUUR", "subject": "Factuur 8"})
    await send({"type": "OFFERTE", "subject": "Offerte 7"})

    answer = await door.search(filters={"type": "FACTUUR"}, search=["FACT", "7"])

    assert [record["id"] for record in answer.record["content"]] == [str(wanted.id)]
    assert answer.record["totalElements"] == 1


@pytest.mark.parametrize(
    ("asked", "said"), [(a, s) for _, a, s in REFUSED], ids=[name for name, _, _ in REFUSED]
)
async def test_what_is_not_allowed_is_refused_and_named(
    door: Door, asked: dict[str, Any], said: str
) -> None:
    answer = await door.search(**asked)

    assert answer.code is ErrorCode.BAD_USER_INPUT
    assert said in answer.detail


@pytest.mark.parametrize("levels", [21, 200])
async def test_deep_filters_are_refused(door: Door, levels: int) -> None:
    answer = await door.search(filters={"variables": deep(levels)})

    assert answer.code is ErrorCode.BAD_USER_INPUT


async def test_the_csv_has_every_documented_field(door: Door, send: Send) -> None:
    record = await send({"subject": '=SUM(1,2) "quoted"', "variables": {"-a": "+1", "b": True}})

    answer = await door.csv()

    header, line = csv.reader(io.StringIO(answer.record, newline=""))
    row = dict(zip(header, line, strict=True))
    assert row.keys() == DOCUMENTED
    assert header == sorted(header)
    assert row["id"] == str(record.id)
    assert row["subject"] == '\'=SUM(1,2) "quoted"'
    assert row["variables"] == '{"\'-a":"\'+1","b":true}'
    assert row["recipients"] == '["jan@customer.test"]'
    assert row["created"] == "2026-11-24T09:30:00Z"
    assert row["opened"] == "false"
    assert row["sentAt"] == ""
    assert answer.record.endswith("\r\n")


async def test_the_csv_has_a_page_only_when_one_is_named(door: Door, send: Send) -> None:
    for _ in range(25):
        await send()

    assert (await door.csv()).record.count("\r\n") == 26
    assert (await door.csv(page=1)).record.count("\r\n") == 6
    assert (await door.csv(size=2)).record.count("\r\n") == 3
    assert (await door.csv(page=13, size=2)).record.count("\r\n") == 1
    assert (await door.csv(page=-1)).code is ErrorCode.BAD_USER_INPUT


async def test_other_tenants_records_are_never_shown(door: Door, send: Send) -> None:
    theirs = await send({"subject": "Secret"}, by=Caller("rival", "eve", frozenset(Scope)))
    ours = str((await send()).id)

    assert [one["id"] for one in (await door.by_ids([str(theirs.id), ours])).record] == [ours]
    assert [one["id"] for one in (await door.all()).record] == [ours]
    assert (await door.search(search=["secret"])).record["content"] == []
    assert (await door.search(filters={"id": str(theirs.id)})).record["content"] == []
    assert (await door.search(filters={"tenantId": "rival"})).record["content"] == []
    assert (await door.search(filters={"tenantId": {"ne": "acme"}})).record["content"] == []
    assert (await door.search()).record["totalElements"] == 1
    assert "Secret" not in (await door.csv()).record


async def test_deleted_records_are_never_shown(door: Door, send: Send) -> None:
    id_ = str((await send()).id)
    await door.delete(id_)

    assert (await door.by_ids([id_])).record == []
    assert (await door.all()).record == []
    assert (await door.search()).record["totalElements"] == 0
    assert (await door.csv()).record.count("\r\n") == 1


async def test_finding_needs_a_token(door: Door, client: httpx2.AsyncClient) -> None:
    del client.headers["Authorization"]

    answers = [await door.by_ids([UNKNOWN]), await door.all(), await door.search(),
               await door.csv()]  # fmt: skip

    assert {answer.code for answer in answers} == {ErrorCode.UNAUTHENTICATED}


async def test_finding_needs_its_scope(
    door: Door, client: httpx2.AsyncClient, token: Callable[..., str]
) -> None:
    others = set(Scope) - {Scope.COMMUNICATIONS_READ}
    client.headers["Authorization"] = f"Bearer {token(scopes=others)}"

    answers = [await door.by_ids([UNKNOWN]), await door.all(), await door.search(),
               await door.csv()]  # fmt: skip

    assert {answer.code for answer in answers} == {ErrorCode.FORBIDDEN}
    assert all("communications:read" in answer.detail for answer in answers)
