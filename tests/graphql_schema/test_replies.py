"""What the GraphQL door of answers takes and refuses."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from app.context import Caller, Deps
from app.services import inbound
from tests.fakes.messages import message

REPLY = (
    "mutation($to: ReplyTarget!, $input: ReplyInput!) "
    '{ answer: reply(to: $to, input: $input, idempotencyKey: "one") '
    "{ id subject recipients conversationId inReplyTo } }"
)  # fmt: skip
Ask = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def ask(client: httpx2.AsyncClient) -> Ask:
    async def post(to: Any, **fields: Any) -> dict[str, Any]:
        variables = {"to": to, "input": {"body": "<p>Thanks</p>", **fields}}
        response = await client.post("/graphql", json={"query": REPLY, "variables": variables})
        answer: dict[str, Any] = response.json()
        return answer

    return post


async def test_a_message_is_answered_once(ask: Ask, deps: Deps, caller: Caller) -> None:
    received = await inbound.ingest(deps, caller, message())
    to = {"inboundMessageId": str(received.id)}

    first, again = await ask(to), await ask(to)

    assert first == again
    assert first["data"]["answer"] == {
        "id": first["data"]["answer"]["id"],
        "subject": "Re: Your offer",
        "recipients": ["Jan <jan@customer.test>"],
        "conversationId": received.conversation_id,
        "inReplyTo": "<reply@customer.test>",
    }


async def test_everybody_is_answered(ask: Ask, deps: Deps, caller: Caller) -> None:
    head = b"To: eve@customer.test\r\n"
    received = await inbound.ingest(deps, caller, head + message())

    answer = await ask({"inboundMessageId": str(received.id)}, replyAll=True)

    assert answer["data"]["answer"]["recipients"] == [
        "Jan <jan@customer.test>",
        "eve@customer.test",
    ]


@pytest.mark.parametrize(
    "to",
    [
        {},
        {"communicationId": None},
        {"communicationId": "6b050e9454d4a1b9322b3eaa", "inboundMessageId": None},
        {"communicationId": "1", "inboundMessageId": "2"},
    ],
)
async def test_one_mail_is_answered(
    ask: Ask, to: dict[str, Any], footprint: Callable[[], Awaitable[dict[str, Any]]]
) -> None:
    before = await footprint()

    [error] = (await ask(to))["errors"]

    assert error["extensions"] == {"code": "BAD_USER_INPUT", "fields": []}
    assert error["message"] in {
        "OneOf Input Object 'ReplyTarget' must specify exactly one key.",
        "Value for member field 'communicationId' must be non-null",
    }
    assert await footprint() == before


async def test_an_answer_for_later_can_wait_for_none(
    client: httpx2.AsyncClient, deps: Deps, caller: Caller
) -> None:
    received = await inbound.ingest(deps, caller, message())
    query = (
        "mutation($to: ReplyTarget!, $input: ReplyInput!) { reply(to: $to, "
        "input: $input) { status cancelOnReply } }"
    )
    answer = {"body": "<p>?</p>", "cancelOnReply": True, "scheduledAt": "2099-01-01T10:00:00Z"}
    variables = {"to": {"inboundMessageId": str(received.id)}, "input": answer}

    response = await client.post("/graphql", json={"query": query, "variables": variables})

    assert response.json()["data"] == {"reply": {"status": "SCHEDULED", "cancelOnReply": True}}


async def test_a_template_sent_later_can_be_called_off_by_an_answer(
    client: httpx2.AsyncClient,
) -> None:
    make = 'mutation { createTemplate(input: {name: "N", subject: "S", body: "B"}) { id } }'
    made = (await client.post("/graphql", json={"query": make})).json()["data"]["createTemplate"]
    query = (
        "mutation($id: ID!, $input: SendTemplateInput!) { sendTemplate(templateId: $id, "
        "input: $input) { status cancelOnReply } }"
    )
    mail = {
        "recipients": ["jan@customer.test"],
        "conversationId": "c1",
        "cancelOnReply": True,
        "scheduledAt": "2099-01-01T10:00:00Z",
    }
    variables = {"id": made["id"], "input": mail}

    response = await client.post("/graphql", json={"query": query, "variables": variables})

    assert response.json()["data"] == {
        "sendTemplate": {"status": "SCHEDULED", "cancelOnReply": True}
    }


async def test_the_answered_mail_is_quoted_on_request(
    client: httpx2.AsyncClient, deps: Deps, caller: Caller
) -> None:
    received = await inbound.ingest(deps, caller, message(text="When?"))
    query = (
        "mutation($to: ReplyTarget!, $input: ReplyInput!) { reply(to: $to, "
        "input: $input) { originalBody text safeHtml } }"
    )
    quoting = {"quoteOriginal": True, "quoteLocale": "nl", "quoteTimezone": "Europe/Amsterdam"}
    answer = {"body": "<p>In May.</p>", **quoting}
    variables = {"to": {"inboundMessageId": str(received.id)}, "input": answer}

    response = await client.post("/graphql", json={"query": query, "variables": variables})

    line = "Op 24 nov 2026 om 10:00 schreef Jan"
    style = "margin:0 0 0 0.8ex;border-left:1px solid #ccc;padding-left:1ex"
    assert response.json()["data"]["reply"] == {
        "originalBody": "<p>In May.</p>",
        "text": f"In May.\n\n{line} <jan@customer.test>:\n> When?\n",
        "safeHtml": (
            f"<p>In May.</p><div><p>{line} &lt;jan@customer.test&gt;:</p>"
            f'<blockquote type="cite" style="{style}">When?</blockquote></div>'
        ),
    }


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"quoteOriginal": True, "quoteTimezone": "Mars"}, "quoteTimezone"),
        ({"quoteOriginal": True, "quoteLocale": "?"}, "quoteLocale"),
        ({"quoteOriginal": True}, "quoteOriginal"),
    ],
)
async def test_what_cannot_be_quoted_is_told(
    ask: Ask,
    deps: Deps,
    caller: Caller,
    fields: dict[str, Any],
    path: str,
    footprint: Callable[[], Awaitable[dict[str, Any]]],
) -> None:
    received = await inbound.ingest(deps, caller, message(text=""))
    before = await footprint()

    [error] = (await ask({"inboundMessageId": str(received.id)}, **fields))["errors"]

    assert [field["path"] for field in error["extensions"]["fields"]] == [path]
    assert await footprint() == before
