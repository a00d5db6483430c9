"""Files come in by either door, and both show them."""

import base64
from typing import Any

import httpx2
import pytest

from app.context import Deps
from app.documents.attachments import AttachmentContent
from app.documents.communications import Communication
from app.errors import ErrorCode
from app.services import delivery
from tests.doors import Door, GraphqlDoor, RestDoor
from tests.fakes.relay import Relay
from tests.world import LATER

PDF, PNG = b"%PDF-1.7", b"\x89PNG\r\n\x1a\n"
FILES = [
    {"filename": "Offerte Één.pdf", "content": base64.b64encode(PDF).decode()},
    {
        "filename": "C:\\logo.png",
        "content": base64.b64encode(PNG).decode(),
        "contentType": "image/png",
        "contentId": "logo",
    },
]
SHOWN = [
    {"filename": "Offerte Één.pdf", "contentType": "application/pdf", "size": 8, "contentId": None},
    {"filename": "logo.png", "contentType": "image/png", "size": 8, "contentId": "logo"},
]


async def test_files_are_taken_sent_and_shown(
    door: Door, mail: dict[str, Any], deps: Deps, relay: Relay
) -> None:
    accepted = await door.send({**mail, "attachments": FILES})
    await delivery.dispatch(deps, accepted.record["id"])

    assert accepted.code is None
    assert await door.attachments(accepted.record["id"]) == SHOWN
    [sent] = relay.taken
    names = [part.get_filename() for part in sent.message.walk()]
    assert [name for name in names if name] == ["logo.png", "Offerte Één.pdf"]


async def test_files_are_scheduled_too(door: Door, mail: dict[str, Any]) -> None:
    accepted = await door.schedule({**mail, "attachments": FILES, "scheduledAt": LATER})

    assert await door.attachments(accepted.record["id"]) == SHOWN


async def test_both_doors_show_files_alike(client: httpx2.AsyncClient, mail: Any) -> None:
    rest, graphql = RestDoor(client), GraphqlDoor(client)

    accepted = await rest.send({**mail, "attachments": FILES})
    again = await rest.send(mail)

    assert await graphql.attachments(accepted.record["id"]) == SHOWN
    assert await rest.attachments(accepted.record["id"]) == SHOWN
    assert await graphql.attachments(again.record["id"]) == []
    assert await rest.attachments(again.record["id"]) == []


async def test_lists_show_files_too(client: httpx2.AsyncClient, mail: Any) -> None:
    await RestDoor(client).send({**mail, "attachments": FILES})
    selection = "{ attachments { filename contentType size contentId } }"

    listed = (await RestDoor(client).all()).record
    answer = await client.post("/graphql", json={"query": f"{{ allCommunications {selection} }}"})

    assert [record["attachments"] for record in listed] == [SHOWN]
    assert answer.json()["data"]["allCommunications"] == [{"attachments": SHOWN}]


async def test_a_key_used_at_one_door_holds_at_the_other(
    client: httpx2.AsyncClient, mail: dict[str, Any]
) -> None:
    given = {**mail, "attachments": FILES}

    first = await RestDoor(client).send(given, key="k")
    second = await GraphqlDoor(client).send(given, key="k")
    other = await GraphqlDoor(client).send({**given, "attachments": FILES[:1]}, key="k")

    assert second.record["id"] == first.record["id"]
    assert other.code is ErrorCode.CONFLICT


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"content": "%"}, "attachments[1].content"),
        ({"content": ""}, "attachments[1].content"),
        ({"filename": None}, "filename"),
        ({"contentType": "x"}, "attachments[1].contentType"),
        ({"contentId": "\n"}, "attachments[1].contentId"),
    ],
)
async def test_a_file_at_fault_is_named_and_nothing_is_stored(
    door: Door, mail: dict[str, Any], change: dict[str, Any], field: str
) -> None:
    answer = await door.send({**mail, "attachments": [FILES[0], {**FILES[1], **change}]})

    assert answer.code is ErrorCode.BAD_USER_INPUT
    if isinstance(door, GraphqlDoor) and field.endswith(".content"):
        field = field.removesuffix("content") + "source"
    assert field in answer.detail
    assert await Communication.count() == 0
    assert await AttachmentContent.count() == 0


async def test_too_much_is_too_large(door: Door, mail: dict[str, Any], deps: Deps) -> None:
    content = base64.b64encode(b"x" * (deps.settings.attachments_limit + 1)).decode()

    answer = await door.send({**mail, "attachments": [{"filename": "a", "content": content}]})

    assert answer.code is ErrorCode.PAYLOAD_TOO_LARGE
    assert await AttachmentContent.count() == 0


async def test_as_much_as_is_allowed_fits_one_request(
    door: Door, mail: dict[str, Any], deps: Deps
) -> None:
    content = base64.b64encode(b"x" * deps.settings.attachments_limit).decode()
    body = "x" * deps.settings.body_limit

    answer = await door.send(
        {**mail, "body": body, "attachments": [{"filename": "a", "content": content}]}
    )

    assert answer.code is None


async def test_a_mail_from_a_template_has_files_too(client: httpx2.AsyncClient) -> None:
    words = {"name": "Bill", "subject": "Bill", "body": "<p>Hello</p>"}
    document = "mutation($w: CreateTemplateInput!) { createTemplate(input: $w) { id } }"
    made = await client.post("/graphql", json={"query": document, "variables": {"w": words}})
    template = made.json()["data"]["createTemplate"]["id"]
    given = {"recipients": ["jan@customer.test"], "attachments": FILES}
    sourced = [
        {**{name: value for name, value in file.items() if name != "content"},
         "source": {"content": file["content"]}}
        for file in FILES
    ]  # fmt: skip
    send = (
        "mutation($t: ID!, $i: SendTemplateInput!) { sendTemplate(templateId: $t, input: $i) "
        "{ attachments { filename contentType size contentId } } }"
    )

    rest = await client.post(f"/api/v1/communications/send-template/{template}", json=given)
    graphql = await client.post(
        "/graphql",
        json={
            "query": send,
            "variables": {"t": template, "i": {**given, "attachments": sourced}},
        },
    )

    assert rest.json()["attachments"] == SHOWN
    assert graphql.json()["data"]["sendTemplate"]["attachments"] == SHOWN
