"""The inbox over GraphQL: conversations as a list, and what people do to them."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from app.context import Caller, Deps
from app.services.inbound import ingest
from tests.fakes.messages import message

FIELDS = "{ id inboundCount unreadCount assignee relatedEntityType relatedEntityId }"
Ask = Callable[..., Awaitable[Any]]


@pytest.fixture
def ask(client: httpx2.AsyncClient) -> Ask:
    async def post(query: str, **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        answer = (await client.post("/graphql", json=body)).json()
        return answer["data"]["answer"] if "errors" not in answer else answer["errors"]

    return post


@pytest.fixture
async def talks(deps: Deps, caller: Caller) -> list[str]:
    """Two conversations, of two messages and of one; the latter is the latest."""
    first = await ingest(deps, caller, message("<1@c.test>"))
    await ingest(deps, caller, message("<2@c.test>", in_reply_to="<1@c.test>"))
    second = await ingest(deps, caller, message("<3@c.test>", subject="Hello"))
    return [first.conversation_id, second.conversation_id]


async def test_the_inbox_is_a_list(ask: Ask, talks: list[str]) -> None:
    query = f"""query($first: Int, $after: String, $filter: ConversationFilter) {{
      answer: conversations(
        first: $first, after: $after, filter: $filter,
        orderBy: [{{field: LATEST_RECEIVED, direction: DESC}}]
      ) {{ nodes {FIELDS} totalCount pageInfo {{ endCursor hasNextPage }} }}
    }}"""

    page = await ask(query, first=1)
    rest = await ask(query, after=page["pageInfo"]["endCursor"])

    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (2, True)
    assert [one["id"] for one in [*page["nodes"], *rest["nodes"]]] == talks[::-1]
    nothing = {"assignee": None, "relatedEntityType": None, "relatedEntityId": None}
    assert rest["nodes"] == [{"id": talks[0], "inboundCount": 2, "unreadCount": 2, **nothing}]
    assert (await ask(query, filter={"unread": {"gt": 1}}))["nodes"] == rest["nodes"]
    assert (await ask(query, filter={"id": {"eq": talks[1]}}))["nodes"] == page["nodes"]


async def test_people_work_through_it(ask: Ask, talks: list[str]) -> None:
    one, other = talks

    linked = await ask(
        f"""mutation($id: ID!) {{ answer: linkConversation(
          id: $id, input: {{entityType: "deal", entityId: "42"}}) {FIELDS} }}""",
        id=one,
    )
    assigned = await ask(
        f'mutation($id: ID!) {{ answer: assignConversation(id: $id, assignee: "bob") {FIELDS} }}',
        id=one,
    )
    read = await ask(
        f"mutation($id: ID!) {{ answer: markConversation(id: $id, status: READ) {FIELDS} }}", id=one
    )
    merged = await ask(
        f"""mutation($id: ID!, $into: ID!) {{
          answer: mergeConversations(id: $id, into: $into) {FIELDS} }}""",
        id=other,
        into=one,
    )

    deal = {"relatedEntityType": "deal", "relatedEntityId": "42"}
    same = {"id": one, "inboundCount": 2, **deal}
    assert linked == {**same, "unreadCount": 2, "assignee": None}
    assert assigned == {**same, "unreadCount": 2, "assignee": "bob"}
    assert read == {**same, "unreadCount": 0, "assignee": "bob"}
    assert (merged["id"], merged["inboundCount"], merged["unreadCount"]) == (one, 3, 1)


async def test_messages_are_split_off_and_marked(ask: Ask, talks: list[str]) -> None:
    found = await ask(
        """query($id: ID!) { answer: conversation(id: $id) {
          messages { nodes { ... on InboundMessage { id internetMessageId } } } } }""",
        id=talks[0],
    )
    ids = {node["internetMessageId"]: node["id"] for node in found["messages"]["nodes"]}

    own = await ask(
        f"""mutation($id: ID!, $ids: [ID!]!) {{
          answer: splitConversation(id: $id, messageIds: $ids) {FIELDS} }}""",
        id=talks[0],
        ids=[ids["<2@c.test>"]],
    )
    marked = await ask(
        """mutation($ids: [ID!]!) {
          answer: markInboundMessages(ids: $ids, status: ARCHIVED) { id status } }""",
        ids=[ids["<1@c.test>"]],
    )

    assert own["id"] not in talks
    assert own["inboundCount"] == 1
    assert marked == [{"id": ids["<1@c.test>"], "status": "ARCHIVED"}]


async def test_faults_are_named(ask: Ask, talks: list[str]) -> None:
    [error] = await ask(
        'mutation($id: ID!) { answer: splitConversation(id: $id, messageIds: ["x"]) { id } }',
        id=talks[0],
    )

    assert error["message"] == "messageIds[0]: is no message of this conversation"
