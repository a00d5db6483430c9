"""The mail of a CRM entity as a connection: both directions in one order, whatever the page."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.services import delivery
from app.services.inbound import ingest
from tests.doors import GraphqlDoor
from tests.fakes.clock import Clock
from tests.fakes.messages import message
from tests.fakes.mongo_calls import MONGO_CALLS

Ask = Callable[..., Awaitable[dict[str, Any]]]
DEAL = {"relatedEntityType": "deal", "relatedEntityId": "42"}
QUERY = """
query($first: Int, $after: String, $last: Int, $before: String) {
  answer: timeline(entityType: "deal", entityId: " 42 ", first: $first, after: $after, last: $last,
                   before: $before) {
    nodes { id direction date } totalCount
    pageInfo { startCursor endCursor hasNextPage hasPreviousPage }
  }
}"""


@pytest.fixture
def ask(client: httpx2.AsyncClient) -> Ask:
    async def post(query: str = QUERY, **variables: Any) -> dict[str, Any]:
        response = await client.post("/graphql", json={"query": query, "variables": variables})
        body = response.json()
        found: dict[str, Any] = body["errors"][0] if "errors" in body else body["data"]["answer"]
        return found

    return post


@pytest.fixture
async def history(
    client: httpx2.AsyncClient,
    clock: Clock,
    deps: Deps,
    send: Callable[..., Awaitable[Communication]],
) -> list[str]:
    """Ids, the latest first: of two mails, then a received one, then two mails of one moment."""
    older = sorted([str((await send(DEAL)).id) for _ in range(2)], reverse=True)
    clock.advance(timedelta(seconds=1))
    received = (await GraphqlDoor(client).ingest(message())).record["id"]
    await InboundMessage.get_motor_collection().update_one(
        {}, {"$set": {**DEAL, "receivedAt": deps.now()}}
    )
    clock.advance(timedelta(seconds=1))
    newer = [str((await send(DEAL)).id)]
    clock.advance(timedelta(seconds=1))
    newer.insert(0, str((await send(DEAL)).id))
    await send({**DEAL, "relatedEntityId": "43"})
    return [*newer, received, *older]


async def test_it_is_walked_forward_and_back(ask: Ask, history: list[str]) -> None:
    whole = await ask()
    pages, cursor = [], None
    for _ in range(3):
        page = await ask(first=2, after=cursor)
        cursor = page["pageInfo"]["endCursor"]
        pages.append(page)
    back = await ask(last=2, before=pages[1]["pageInfo"]["startCursor"])
    end = await ask(last=3)

    assert [node["id"] for node in whole["nodes"]] == history
    assert whole["totalCount"] == 5
    assert [node["direction"] for node in whole["nodes"]][1:3] == ["OUTBOUND", "INBOUND"]
    assert [node["id"] for page in pages for node in page["nodes"]] == history
    assert [page["pageInfo"]["hasNextPage"] for page in pages] == [True, True, False]
    assert [page["pageInfo"]["hasPreviousPage"] for page in pages] == [False, True, True]
    assert back == pages[0]
    assert [node["id"] for node in end["nodes"]] == history[2:]
    assert end["pageInfo"]["hasPreviousPage"]


@pytest.mark.usefixtures("history")
async def test_one_command_reads_a_page(ask: Ask) -> None:
    query = """{ answer: timeline(entityType: "deal", entityId: "42") { %s } }"""

    with MONGO_CALLS.listening() as calls:
        bodies = await ask(query % "nodes { bodyHtml bodyText }")
        bare = await ask(query % "nodes { subject opened } pageInfo { endCursor }")
        counted = await ask(query % "totalCount")
        names = calls.names

    assert names == ["aggregate communications"] * 3
    assert bodies["nodes"][0]["bodyHtml"].startswith("<p>See")
    assert bodies["nodes"][2]["bodyText"]
    assert bare["nodes"][0] == {"subject": "Your offer", "opened": False}
    assert counted == {"totalCount": 5}


async def test_large_bodies_come_from_where_they_are_kept(
    ask: Ask, send: Callable[..., Awaitable[Communication]]
) -> None:
    await send({**DEAL, "body": "<p>" + "x" * (5 * 1024 * 1024)})

    page = await ask("""{ answer: timeline(entityType: "deal", entityId: "42") {
                          edges { node { bodyHtml } } } }""")

    assert len(page["edges"][0]["node"]["bodyHtml"]) > 5 * 1024 * 1024


@pytest.mark.usefixtures("history")
async def test_nothing_of_it_is_another_tenants(
    ask: Ask, client: httpx2.AsyncClient, token: Callable[..., str]
) -> None:
    cursor = (await ask(first=1))["pageInfo"]["endCursor"]
    client.headers["Authorization"] = f"Bearer {token(tenant='rival')}"

    assert (await ask())["nodes"] == []
    assert (await ask())["totalCount"] == 0
    assert (await ask(after=cursor))["message"] == "after: is no cursor that this list gave"


async def test_mail_is_shown_safely(
    ask: Ask, deps: Deps, caller: Caller, send: Callable[..., Awaitable[Communication]]
) -> None:
    body = '<script>x</script><a href="https://acme.test">See</a>'
    record = await send({**DEAL, "body": body})
    await delivery.dispatch(deps, str(record.id))
    sent = await Communication.get(record.id)
    assert sent is not None
    html = message(in_reply_to=sent.internet_message_id, text="<p onclick=x()>Fine</p>").replace(
        b"Subject:", b"Content-Type: text/html\r\nSubject:", 1
    )
    await ingest(deps, caller, html)

    page = await ask("""{ answer: timeline(entityType: "deal", entityId: "42") {
                          nodes { direction safeHtml remoteImageCount trackerCount } } }""")

    away = 'target="_blank" rel="noopener noreferrer nofollow"'
    ours = f'<a href="https://acme.test" {away}>See</a>'
    assert sorted(page["nodes"], key=lambda node: str(node["direction"])) == [
        {
            "direction": "INBOUND",
            "safeHtml": "<p>Fine</p>",
            "remoteImageCount": 0,
            "trackerCount": 0,
        },
        {"direction": "OUTBOUND", "safeHtml": ours, "remoteImageCount": 0, "trackerCount": 1},
    ]
