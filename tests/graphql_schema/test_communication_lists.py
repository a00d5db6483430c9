"""Communications as a connection: what a frontend asks for, and what MongoDB is asked then."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from app.context import Deps
from app.documents.communications import Communication
from app.services import delivery
from tests.doors import GraphqlDoor
from tests.fakes.clock import Clock

Ask = Callable[..., Awaitable[dict[str, Any]]]
Send = Callable[..., Awaitable[Communication]]
PAGE = """
query($first: Int, $after: String, $last: Int, $before: String, $filter: CommunicationFilter,
      $orderBy: [CommunicationOrder!]) {
  answer: communications(first: $first, after: $after, last: $last, before: $before,
                         filter: $filter, orderBy: $orderBy) {
    edges { cursor node { id subject } } nodes { id }
    pageInfo { startCursor endCursor hasNextPage hasPreviousPage } totalCount
  }
}"""


@pytest.fixture
def ask(client: httpx2.AsyncClient) -> Ask:
    """Asks for a connection; the answer, or the error."""

    async def post(query: str = PAGE, **variables: Any) -> dict[str, Any]:
        response = await client.post("/graphql", json={"query": query, "variables": variables})
        body = response.json()
        found: dict[str, Any] = body["errors"][0] if "errors" in body else body["data"]["answer"]
        return found

    return post


@pytest.fixture
async def three(send: Send, deps: Deps, clock: Clock) -> list[str]:
    """Ids, newest first: an offer about a deal, a bill that is out, a mail without a type."""
    first = await send({"subject": "Hello", "recipients": ["Jan <jan@customer.test>"]})
    clock.advance(timedelta(seconds=1))
    second = await send({"subject": "Your bill", "type": "FACTUUR", "cc": ["cc@customer.test"]})
    await delivery.dispatch(deps, str(second.id))
    clock.advance(timedelta(seconds=1))
    third = await send({"type": "OFFERTE", "relatedEntityType": "deal", "relatedEntityId": "42"})
    return [str(third.id), str(second.id), str(first.id)]


@pytest.fixture
async def commands(deps: Deps) -> AsyncIterator[Callable[[], Awaitable[list[dict[str, Any]]]]]:
    """What was asked of the communications since the test began."""
    database: Any = Communication.get_motor_collection().database
    await database.command("profile", 2)

    async def look() -> list[dict[str, Any]]:
        await database.command("profile", 0)
        asked = {"ns": f"{database.name}.communications"}
        found: list[dict[str, Any]] = await database["system.profile"].find(asked).to_list(None)
        await database["system.profile"].drop()
        await database.command("profile", 2)
        return found

    yield look
    await database.command("profile", 0)
    await database["system.profile"].drop()


async def test_a_list_is_walked_forward_and_back(ask: Ask, three: list[str]) -> None:
    page = await ask(first=2)
    info = page["pageInfo"]

    assert [edge["node"]["id"] for edge in page["edges"]] == three[:2]
    assert page["nodes"] == [{"id": id_} for id_ in three[:2]]
    assert page["totalCount"] == 3
    assert info == {
        "startCursor": page["edges"][0]["cursor"],
        "endCursor": page["edges"][1]["cursor"],
        "hasNextPage": True,
        "hasPreviousPage": False,
    }

    further = await ask(first=2, after=info["endCursor"])

    assert further["nodes"] == [{"id": three[2]}]
    assert not further["pageInfo"]["hasNextPage"]
    assert further["pageInfo"]["hasPreviousPage"]

    back = await ask(last=2, before=further["pageInfo"]["startCursor"])

    assert back == page


async def test_an_empty_list_has_no_cursors(ask: Ask) -> None:
    assert await ask() == {
        "edges": [], "nodes": [], "totalCount": 0,
        "pageInfo": {
            "startCursor": None, "endCursor": None, "hasNextPage": False, "hasPreviousPage": False,
        },
    }  # fmt: skip


FILTERS: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [0, 1, 2]),
    ({"status": None, "subject": {"eq": None}, "search": None}, [0, 1, 2]),
    ({"status": {"eq": "SENT"}}, [1]),
    ({"status": {"ne": "SENT"}}, [0, 2]),
    ({"status": {"in": ["SENT", "PENDING"]}, "type": {"isNull": False}}, [0, 1]),
    ({"type": {"notIn": ["FACTUUR"]}}, [0, 2]),
    ({"type": {"isNull": True}}, [2]),
    ({"providerType": {"eq": "SMTP"}}, [0, 1, 2]),
    ({"subject": {"contains": "BILL"}}, [1]),
    ({"subject": {"eq": "Hello"}}, [2]),
    ({"subject": {"in": ["Hello", "Your bill"], "ne": "Hello"}}, [1]),
    ({"recipients": {"has": "Jan <jan@customer.test>"}}, [2]),
    ({"recipients": {"hasAny": ["jan@customer.test", "x@y.test"]}}, [0, 1]),
    ({"recipients": {"hasAny": ["x@y.test", "z@y.test"]}}, []),
    ({"recipients": {"contains": "JAN"}}, [0, 1, 2]),
    ({"cc": {"isNull": True}}, [0, 2]),
    ({"relatedEntityType": {"eq": "deal"}, "relatedEntityId": {"eq": "42"}}, [0]),
    ({"sentAt": {"isNull": True}}, [0, 2]),
    ({"created": {"gte": "2026-11-24T09:30:01Z", "lt": "2026-11-24T09:30:02Z"}}, [1]),
    ({"opened": False, "openCount": {"lte": 0}}, [0, 1, 2]),
    ({"openCount": {"gt": 0}}, []),
    ({"search": ["your", "BILL"]}, [1]),
    ({"or": [{"subject": {"eq": "Hello"}}, {"type": {"eq": "OFFERTE"}}]}, [0, 2]),
    ({"not": {"or": [{"subject": {"eq": "Hello"}}, {"type": {"eq": "OFFERTE"}}]}}, [1]),
    ({"and": [{"type": {"isNull": False}}, {"not": {"search": ["bill"]}}]}, [0]),
    ({"not": {}}, []),
    ({"providerAccountId": {"isNull": True}}, [0, 1, 2]),
    ({"isTest": False, "not": {"templateVersion": {"gte": 1}}, "locale": {"ne": "nl"}}, [0, 1, 2]),
    ({"isTest": True}, []),
    ({"templateVersion": {"gte": 1}}, []),
]


@pytest.mark.parametrize(("filter_", "places"), FILTERS, ids=[str(row[0]) for row in FILTERS])
async def test_filters(
    ask: Ask, three: list[str], filter_: dict[str, Any], places: list[int]
) -> None:
    page = await ask(filter=filter_)

    assert [edge["node"]["id"] for edge in page["edges"]] == [three[place] for place in places]
    assert page["totalCount"] == len(places)


async def test_ids_are_found(ask: Ask, three: list[str]) -> None:
    page = await ask(filter={"id": {"in": three[1:]}})

    assert page["nodes"] == [{"id": id_} for id_ in three[1:]]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"first": 201}, "first: must be 0 to 200"),
    ({"last": -1}, "last: must be 0 to 200"),
    ({"first": 1, "last": 1}, "last: cannot be given together with first"),
    ({"before": "x"}, "before: is no cursor that this list gave"),
    ({"filter": {"id": {"eq": "x"}}}, "filter.id.eq: must be an id of 24 hexadecimal digits"),
    ({"filter": {"subject": {"contains": "x" * 201}}}, "filter.subject.contains: must be a text"),
    ({"filter": {"and": [{}, {"subject": {"eq": "\0"}}]}}, "filter.and[1].subject.eq: must not"),
    ({"filter": {"or": []}}, "filter.or: must have 1 to 50 entries"),
    ({"filter": {"search": ["x" * 201]}}, "filter.search[0]: must be a text of at most 200"),
    ({"filter": {"search": ["x"] * 21}}, "filter.search: must have at most 20 entries"),
    ({"filter": {"subject": {"in": ["x"] * 1001}}}, "filter.subject.in: must be a list of at"),
    ({"filter": {"subject": {"in": ["x" * 4000] * 70}}}, "filter: are longer than 250000"),
    ({"filter": {"and": [{"opened": True}] * 50, "opened": True}}, "filter: at most 50 conditions"),
    ({"filter": {"not": {"not": {"not": {"not": {"not": {}}}}}}}, "must be nested at most 5 deep"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "message"), REFUSED, ids=[row[1] for row in REFUSED])
async def test_what_is_not_allowed_is_named(ask: Ask, asked: dict[str, Any], message: str) -> None:
    error = await ask(**asked)

    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert message in error["message"]
    assert error["extensions"]["fields"]


async def test_another_tenants_cursor_is_refused(
    ask: Ask, three: list[str], client: httpx2.AsyncClient, token: Callable[..., str]
) -> None:
    cursor = (await ask(first=1))["pageInfo"]["endCursor"]
    client.headers["Authorization"] = f"Bearer {token(tenant='rival')}"

    error = await ask(after=cursor)

    assert error["message"] == "after: is no cursor that this list gave"
    assert three[0] not in str(await ask())


@pytest.mark.usefixtures("three")
async def test_one_command_reads_a_page_and_others_only_what_was_asked_for(
    ask: Ask, commands: Callable[[], Awaitable[list[dict[str, Any]]]]
) -> None:
    cursor = (await ask(first=1))["pageInfo"]["endCursor"]
    counts = []
    await commands()
    for selection in (
        "nodes { id }",
        "edges { cursor node { id } } pageInfo { hasNextPage endCursor }",
        "totalCount",
        "nodes { id } totalCount",
        "nodes { id } pageInfo { hasPreviousPage }",
        "...on CommunicationConnection { nodes { id } a: totalCount @skip(if: true) }",
    ):
        query = f"query($after: String) {{ answer: communications(first: 1, after: $after) {{ {selection} }} }}"  # noqa: E501
        assert "message" not in await ask(query, after=cursor)
        counts.append(len(await commands()))

    assert counts == [1, 1, 1, 2, 2, 1]


@pytest.mark.usefixtures("three")
async def test_a_page_is_one_command_however_long_it_is(
    ask: Ask, send: Send, commands: Callable[[], Awaitable[list[dict[str, Any]]]]
) -> None:
    for _ in range(105):
        await send()
    await commands()

    page = await ask("{ answer: communications(first: 200) { nodes { id } } }")

    assert len(page["nodes"]) == 108
    assert len(await commands()) == 1


@pytest.mark.usefixtures("three")
async def test_fields_are_read_only_when_they_are_asked_for(
    ask: Ask, commands: Callable[[], Awaitable[list[dict[str, Any]]]]
) -> None:
    await commands()
    await ask("{ answer: communications { nodes { id body } } }")

    (command,) = await commands()
    (read,) = [stage["$project"] for stage in command["command"]["pipeline"] if "$project" in stage]
    # Where a large body stands, and the order of the list.
    assert read == dict.fromkeys(["_id", "created", "body", "contentId"], 1)


async def test_large_bodies_come_from_where_they_are_kept(ask: Ask, send: Send) -> None:
    body = "<p>" + "x" * (5 * 1024 * 1024)
    await send({"body": body})

    both = await ask("{ answer: communications { nodes { body originalBody } } }")
    one = await ask("{ answer: communications { nodes { originalBody } } }")
    none = await ask("{ answer: communications { nodes { subject } } }")

    assert both["nodes"][0]["originalBody"] == body
    assert len(both["nodes"][0]["body"]) > len(body)
    assert one["nodes"] == [{"originalBody": body}]
    assert none["nodes"] == [{"subject": "Your offer"}]


async def test_what_waits_is_listed_next_first(
    ask: Ask, client: httpx2.AsyncClient, mail: dict[str, Any], three: list[str]
) -> None:
    door = GraphqlDoor(client)
    for year in (2998, 2997, 2999):
        await door.schedule({**mail, "subject": str(year), "scheduledAt": f"{year}-01-01T00:00Z"})
    query = "query($after: String, $filter: CommunicationFilter) { answer: scheduled(first: 2, after: $after, filter: $filter) { nodes { subject } totalCount pageInfo { endCursor hasNextPage } } }"  # noqa: E501

    page = await ask(query)
    further = await ask(query, after=page["pageInfo"]["endCursor"])
    found = await ask(query, filter={"subject": {"eq": "2999"}})

    assert page["nodes"] == [{"subject": "2997"}, {"subject": "2998"}]
    assert page["totalCount"] == 3
    assert page["pageInfo"]["hasNextPage"]
    assert further["nodes"] == found["nodes"] == [{"subject": "2999"}]
    assert not further["pageInfo"]["hasNextPage"]
    assert three[0] not in str(page)
