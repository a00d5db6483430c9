"""Every documented operation is tried at both doors, and this is where.

Tracking is REST alone: /track and /link are what mail clients fetch, they have no GraphQL field.
"""

import inspect
import json
import re
from types import ModuleType
from typing import Any

import httpx2
import pytest

from app.context import Caller, Deps
from rest_compat.openapi import DOCUMENT
from tests import (
    test_parity,
    test_parity_conversations,
    test_parity_lifecycle,
    test_parity_search,
)
from tests.doors import RECORD_SELECTION, GraphqlDoor, RestDoor
from tests.world import MAIL, World, build_world

BASE = "/api/v1/communications"
REST_ALONE = {"trackOpen", "trackLink"}
# Compared below, door against door.
HERE = {
    "findList": "/find-list",
    "getPage": "/page",
    "dynamicSearchGet": "/dynamic-search",
    "sendTemplate": "/send-template/",
}
# The test that runs at both doors, and the method of Door by which it asks.
ELSEWHERE: dict[str, tuple[ModuleType, str, str]] = {
    "send": (test_parity, "test_a_mail_is_accepted_and_read_back_the_same", "send"),
    "findById": (test_parity, "test_a_mail_is_accepted_and_read_back_the_same", "find"),
    "schedule": (test_parity_lifecycle, "test_a_scheduled_mail_waits_for_its_time", "schedule"),
    "getScheduled": (test_parity_lifecycle, "test_all_scheduled_mails_are_listed_next_first",
                     "scheduled"),
    "cancel": (test_parity_lifecycle, "test_a_cancelled_mail_never_goes_out", "cancel"),
    "resend": (test_parity_lifecycle, "test_a_sent_mail_is_sent_again_under_a_new_message_id",
               "resend"),
    "comment": (test_parity_lifecycle, "test_a_comment_is_an_event_of_its_author", "comment"),
    "deleteById": (test_parity_lifecycle, "test_a_deleted_record_is_gone_at_once", "delete"),
    "deleteList": (test_parity_lifecycle,
                   "test_a_list_is_deleted_and_unknown_ids_are_passed_over", "delete_list"),
    "findByIds": (test_parity_search, "test_ids_are_answered_in_their_order_each_once", "by_ids"),
    "findAll": (test_parity_search, "test_all_are_listed_newest_first", "all"),
    "dynamicSearchPost": (test_parity_search, "test_filters_and_terms_must_all_match", "search"),
    "csvExport": (test_parity_search, "test_the_csv_has_every_documented_field", "csv"),
    "getThread": (test_parity_conversations,
                  "test_a_thread_holds_both_directions_oldest_first", "thread"),
    "getByEntity": (test_parity_conversations,
                    "test_a_timeline_holds_both_directions_newest_first", "timeline"),
    "getAnalytics": (test_parity_conversations, "test_analytics_are_shown_as_documented",
                     "analytics"),
}  # fmt: skip
OPERATIONS = {
    operation["operationId"]: (method.upper(), path)
    for path, operations in json.loads(DOCUMENT.read_text())["paths"].items()
    for method, operation in operations.items()
}
# Any value that fits the kind of an argument of Door.
GIVEN: dict[object, Any] = {str: "ID", list[str]: ["ID"], object: {}}


def test_every_documented_operation_has_its_place() -> None:
    assert len(OPERATIONS) == 22
    assert sorted([*ELSEWHERE, *HERE, *REST_ALONE]) == sorted(OPERATIONS)
    for operation, path in HERE.items():
        assert OPERATIONS[operation][1].startswith(path)


@pytest.mark.parametrize("operation", ELSEWHERE)
async def test_its_test_asks_both_doors_for_it(operation: str) -> None:
    module, name, method = ELSEWHERE[operation]
    test = getattr(module, name)
    asked: list[httpx2.Request] = []

    def note(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, json={})

    async with httpx2.AsyncClient(
        transport=httpx2.MockTransport(note), base_url="http://api.test"
    ) as client:
        ask = getattr(RestDoor(client), method)
        parameters = inspect.signature(ask).parameters.values()
        await ask(*[GIVEN[p.annotation] for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD])

    verb, path = OPERATIONS[operation]
    assert "door" in inspect.signature(test).parameters
    assert f"door.{method}(" in inspect.getsource(test)
    assert [request.method for request in asked] == [verb]
    assert re.fullmatch(re.sub(r"\{.*?\}", "ID", BASE + path), asked[0].url.path)


@pytest.fixture
async def world(deps: Deps, caller: Caller) -> World:
    return await build_world(deps, caller)


async def test_find_list_answers_as_communications_by_ids(
    world: World, client: httpx2.AsyncClient
) -> None:
    ids = [world.waiting, "x", world.sent]

    response = await client.get(f"{BASE}/find-list", params={"ids": ",".join(ids)})

    assert [record["id"] for record in response.json()] == [world.waiting, world.sent]
    assert response.json() == (await GraphqlDoor(client).by_ids(ids)).record


@pytest.mark.parametrize(
    ("path", "query", "asked"),
    [
        ("/page", {}, {}),
        ("/page", {"page": 1, "size": 1}, {"page": 1, "size": 1}),
        ("/page", {"sortBy": "status", "direction": "desc"},
         {"sort": [{"field": "status", "ascending": False}]}),
        ("/dynamic-search", {"filters": '{"status":"SENT"}'}, {"filters": {"status": "SENT"}}),
        ("/dynamic-search", {"search": "offer", "sort": "status,asc", "pageSize": 1},
         {"search": ["offer"], "sort": [{"field": "status"}], "size": 1}),
    ],
)  # fmt: skip
async def test_page_and_dynamic_search_by_get_answer_as_communications_page(
    world: World,
    client: httpx2.AsyncClient,
    path: str,
    query: dict[str, Any],
    asked: dict[str, Any],
) -> None:
    page = (await client.get(f"{BASE}{path}", params=query)).json()

    # The form of Spring's pages is REST alone.
    del page["pageable"], page["sort"]
    assert page["content"]
    assert page == (await GraphqlDoor(client).search(**asked)).record


async def test_send_template_accepts_the_same_mail(
    world: World, client: httpx2.AsyncClient
) -> None:
    mail = {"recipients": MAIL["recipients"], "trackingEnabled": False}
    document = (
        "mutation($id: ID!, $input: SendTemplateInput!) { answer: sendTemplate(templateId: $id, "
        f"input: $input) {{ {RECORD_SELECTION} }} }}"
    )
    asked = {"query": document, "variables": {"id": world.template, "input": mail}}

    by_rest = (await client.post(f"{BASE}/send-template/{world.template}", json=mail)).json()
    by_graphql = (await client.post("/graphql", json=asked)).json()["data"]["answer"]

    own = {"id", "conversationId", "events"}
    assert by_rest["templateId"] == world.template
    assert by_rest.keys() == by_graphql.keys()
    assert {n: v for n, v in by_rest.items() if n not in own} == {
        n: v for n, v in by_graphql.items() if n not in own
    }
