"""The mail that a mailbox receives, as GraphQL sets it up and tells of it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from pydantic import AnyHttpUrl

from app.context import Deps
from app.services.mailboxes import attending
from tests.database import all_rows
from tests.fakes.graph import FakeGraph
from tests.fakes.graph_faults import NOT_GRANTED
from tests.world import GRAPH

Ask = Callable[..., Awaitable[Any]]

SHOWN = (
    "{ id graph { receivesMail receivesSince } receiving { state reason isNotified "
    "subscriptionExpiresAt lastCheckedAt lastReceivedAt } }"
)
CREATE = (
    "mutation($input: CreateProviderAccountInput!) "
    f"{{ answer: createProviderAccount(input: $input) {SHOWN} }}"
)
UPDATE = (
    "mutation($id: ID!, $input: UpdateProviderAccountInput!) "
    f"{{ answer: updateProviderAccount(id: $id, input: $input) {SHOWN} }}"
)
FIND = f"query($id: ID!) {{ answer: providerAccount(id: $id) {SHOWN} }}"
LIST = f"{{ answer: providerAccounts {{ nodes {SHOWN} }} }}"
NOTHING_YET = {
    "state": "PENDING",
    "reason": None,
    "isNotified": False,
    "subscriptionExpiresAt": None,
    "lastCheckedAt": None,
    "lastReceivedAt": None,
}


@pytest.fixture
def ask(client: httpx2.AsyncClient) -> Ask:
    async def post(document: str, **variables: Any) -> Any:
        body = {"query": document, "variables": variables}
        answer = (await client.post("/graphql", json=body)).json()
        assert "errors" not in answer, answer
        return answer["data"]["answer"]

    return post


@pytest.fixture
def attend(deps: Deps, graph: FakeGraph, client: httpx2.AsyncClient) -> Callable[..., Any]:
    """Does what a worker does with the mailbox of an account."""
    graph.subscriptions.endpoint = client
    changes = {
        "graph_url": AnyHttpUrl(f"{graph.url}/v1.0"),
        "graph_login_url": AnyHttpUrl(graph.url),
        "public_url": AnyHttpUrl("https://mail.example.test"),
    }

    async def do(id_: str) -> None:
        settings = deps.settings.model_copy(update=changes)
        await attending.attend(replace(deps, settings=settings), id_)

    return do


def given(name: str, **part: Any) -> dict[str, Any]:
    return {"name": name, "settings": {"graph": {**GRAPH, **part}}}


async def test_it_is_told_how_it_stands(ask: Ask, attend: Callable[..., Any]) -> None:
    made = await ask(CREATE, input=given("Box", receivesMail=True))

    assert made["graph"] == {"receivesMail": True, "receivesSince": "2026-11-24T09:30:00Z"}
    assert made["receiving"] == NOTHING_YET
    await attend(made["id"])
    assert (await ask(FIND, id=made["id"]))["receiving"] == {
        "state": "ACTIVE",
        "reason": None,
        "isNotified": True,
        "subscriptionExpiresAt": "2026-12-01T08:10:00Z",
        "lastCheckedAt": "2026-11-24T09:30:00Z",
        "lastReceivedAt": None,
    }


async def test_what_is_wrong_is_told(
    ask: Ask, attend: Callable[..., Any], graph: FakeGraph
) -> None:
    made = await ask(CREATE, input=given("Box", receivesMail=True))
    graph.always = replace(NOT_GRANTED, on="/v1.0/")

    await attend(made["id"])

    receiving = (await ask(FIND, id=made["id"]))["receiving"]
    assert (receiving["state"], receiving["isNotified"]) == ("FAULTY", False)
    words = "Microsoft Graph refused us: 403 ErrorAccessDenied: Access is denied."
    assert receiving["reason"].startswith(words)


async def test_it_can_begin_and_end_later(ask: Ask, attend: Callable[..., Any]) -> None:
    made = await ask(CREATE, input=given("Box"))
    assert made["graph"] == {"receivesMail": False, "receivesSince": None}
    assert made["receiving"] is None

    since = "2026-11-01T00:00:00Z"
    part = {"graph": {"receivesMail": True, "receivesSince": since}}
    begun = await ask(UPDATE, id=made["id"], input={"settings": part})
    assert begun["graph"] == {"receivesMail": True, "receivesSince": since}
    assert begun["receiving"] == NOTHING_YET
    part = {"graph": {"receivesMail": False}}
    ended = await ask(UPDATE, id=made["id"], input={"settings": part})

    assert ended["receiving"] is None
    await attend(made["id"])
    assert (await all_rows())["mailboxSubscriptions"] == []


async def test_those_of_a_list_are_told_together(ask: Ask, attend: Callable[..., Any]) -> None:
    boxes = [await ask(CREATE, input=given(name, receivesMail=True)) for name in ("A", "B")]
    await ask(CREATE, input=given("C"))
    await attend(boxes[0]["id"])

    nodes = (await ask(LIST))["nodes"]

    told = [node["receiving"] and node["receiving"]["state"] for node in nodes]
    assert told == ["ACTIVE", "PENDING", None]


async def test_a_time_that_is_not_yet_is_named_as_it_was_given(
    client: httpx2.AsyncClient,
) -> None:
    body = {"query": CREATE, "variables": {"input": given("Box", receivesSince="2999-01-01")}}

    answer = (await client.post("/graphql", json=body)).json()

    [error] = answer["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert [field["path"] for field in error["extensions"]["fields"]] == [
        "settings.graph.receivesSince"
    ]
