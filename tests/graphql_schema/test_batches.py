import json
from typing import Any

import httpx2
import pytest

from app.documents.attachments import AttachmentContent
from app.documents.communications import Communication

SEND = (
    "mutation($input: [SendCommunicationInput!]!, $key: String) {"
    " sendBatch(input: $input, idempotencyKey: $key) {"
    "  communication { id subject status attachments { filename } }"
    "  error { code message fields { path message } } } }"
)
MAIL = {"subject": "Your offer", "body": "<p>See</p>", "recipients": ["jan@customer.test"]}


def mail(number: int, **changes: Any) -> dict[str, Any]:
    return {**MAIL, "subject": f"Offer {number}", **changes}


async def send(client: httpx2.AsyncClient, *mails: Any, key: str | None = None) -> Any:
    variables = {"input": mails, "key": key}
    answer = await client.post("/graphql", json={"query": SEND, "variables": variables})
    return answer.json()


async def test_each_mail_has_its_result_in_order(client: httpx2.AsyncClient) -> None:
    body = await send(
        client, mail(0), mail(1, recipients=["nobody"], subject=" "), mail(2, replyTo="x"), mail(3)
    )

    assert "errors" not in body
    results = body["data"]["sendBatch"]
    assert [r["communication"] and r["communication"]["subject"] for r in results] == [
        "Offer 0", None, None, "Offer 3",
    ]  # fmt: skip
    assert results[0]["communication"]["status"] == "PENDING"
    assert results[0]["error"] is None
    assert results[1]["error"] == {
        "code": "BAD_USER_INPUT",
        "message": "recipients[0]: The address has no @-sign.; subject: must not be blank",
        "fields": [
            {"path": "recipients[0]", "message": "The address has no @-sign."},
            {"path": "subject", "message": "must not be blank"},
        ],
    }
    assert [fault["path"] for fault in results[2]["error"]["fields"]] == ["replyTo"]
    assert await Communication.count() == 2


@pytest.mark.parametrize("by_header", [True, False])
async def test_a_key_makes_it_repeatable(client: httpx2.AsyncClient, by_header: bool) -> None:
    if by_header:
        client.headers["Idempotency-Key"] = "k"
    key = None if by_header else "k"

    first = await send(client, mail(0), mail(1, recipients=["nobody"]), key=key)
    second = await send(client, mail(0), mail(1, recipients=["nobody"]), key=key)
    other = await send(client, mail(1), key=key)

    assert second == first
    assert other["errors"][0]["extensions"]["code"] == "CONFLICT"
    assert await Communication.count() == 1


@pytest.mark.parametrize("mails", [[], [MAIL] * 501], ids=["none", "501"])
async def test_none_and_too_many_are_refused(
    client: httpx2.AsyncClient, mails: list[dict[str, Any]]
) -> None:
    body = await send(client, *mails)

    [error] = body["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert [fault["path"] for fault in error["extensions"]["fields"]] == ["input"]
    assert await Communication.count() == 0


async def test_what_the_schema_refuses_is_refused_whole(client: httpx2.AsyncClient) -> None:
    body = await send(client, mail(0), {"subject": "No body"})

    paths = [error["extensions"]["fields"][0]["path"] for error in body["errors"]]
    assert paths == ["[1].body"]
    assert await Communication.count() == 0


async def test_each_mail_may_bring_its_own_file(client: httpx2.AsyncClient) -> None:
    file = {"source": {"file": None}}
    mails = [mail(0, attachments=[file]), mail(1, attachments=[file])]
    mails.append(mail(2, attachments=[file, {"filename": "b", "source": {"content": "%"}}]))
    places = {str(n): [f"variables.input.{n}.attachments.0.source.file"] for n in range(3)}

    response = await client.post(
        "/graphql",
        files=[
            ("operations", (None, json.dumps({"query": SEND, "variables": {"input": mails}}))),
            ("map", (None, json.dumps(places))),
            *((str(n), (f"bill-{n}.pdf", f"%PDF {n}".encode())) for n in range(3)),
        ],
    )

    results = response.json()["data"]["sendBatch"]
    assert [r["communication"]["attachments"][0]["filename"] for r in results[:2]] == [
        "bill-0.pdf", "bill-1.pdf",
    ]  # fmt: skip
    assert results[2]["error"]["fields"][0]["path"] == "attachments[1].source"
    assert await AttachmentContent.count() == 2


async def test_what_a_bad_mail_means_for_the_others_can_be_said(client: httpx2.AsyncClient) -> None:
    query = (
        "mutation($input: [SendCommunicationInput!]!, $onError: BatchErrorPolicy!) {"
        " sendBatch(input: $input, onError: $onError) { communication { id } error { code } } }"
    )
    mails = [mail(0), mail(1, recipients=["nobody"]), mail(2)]
    seen = {}

    for policy in ("CONTINUE", "STOP", "ALL_OR_NOTHING"):
        variables = {"input": mails, "onError": policy}
        answer = await client.post("/graphql", json={"query": query, "variables": variables})
        results = answer.json()["data"]["sendBatch"]
        seen[policy] = [one["error"] and one["error"]["code"] for one in results]

    assert seen == {
        "CONTINUE": [None, "BAD_USER_INPUT", None],
        "STOP": [None, "BAD_USER_INPUT", "NOT_ATTEMPTED"],
        "ALL_OR_NOTHING": ["NOT_ATTEMPTED", "BAD_USER_INPUT", "NOT_ATTEMPTED"],
    }
    assert await Communication.count() == 3
