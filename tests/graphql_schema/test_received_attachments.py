"""Files of received mail as GraphQL shows them."""

import base64
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from app.context import Caller, Deps
from app.documents.inbound_messages import InboundMessage
from app.services.inbound import ingest
from tests.fakes.messages import message
from tests.fakes.mongo_calls import MongoCalls
from tests.mail.with_files import GMAIL, OUTLOOK, PDF, PNG

FILE = "filename contentType size contentId isInline missing"
LIST = f"query($f: InboundMessageFilter) {{ answer: inboundMessages(filter: $f) {{ nodes {{ id hasAttachments attachmentsOmitted attachments {{ {FILE} }} }} }} }}"  # noqa: E501
SHOWN = [
    {
        "filename": "image001.png",
        "contentType": "image/png",
        "size": 9,
        "contentId": "image001.png@01DB3E4D.C5F4A3D0",
        "isInline": True,
        "missing": None,
    },
    {
        "filename": "Offerte Één.pdf",
        "contentType": "application/pdf",
        "size": 14,
        "contentId": "F1E2D3C4B5A6@eurprd01.prod.exchangelabs.test",
        "isInline": False,
        "missing": None,
    },
]


@pytest.fixture
def listed(client: httpx2.AsyncClient) -> Callable[..., Awaitable[list[dict[str, Any]]]]:
    async def post(**filter_: Any) -> list[dict[str, Any]]:
        body = {"query": LIST, "variables": {"f": filter_ or None}}
        answer = (await client.post("/graphql", json=body)).json()
        nodes: list[dict[str, Any]] = answer["data"]["answer"]["nodes"]
        return nodes

    return post


Listed = Callable[..., Awaitable[list[dict[str, Any]]]]


async def test_a_message_shows_its_files(deps: Deps, caller: Caller, listed: Listed) -> None:
    id_ = str((await ingest(deps, caller, OUTLOOK)).id)

    assert await listed() == [
        {"id": id_, "hasAttachments": True, "attachments": SHOWN, "attachmentsOmitted": 0}
    ]


async def test_a_message_tells_how_many_it_does_not_show(
    deps: Deps, caller: Caller, listed: Listed
) -> None:
    part = b"--b\nContent-Type: image/png; name=a.png\n\nx\n"
    await ingest(deps, caller, b"Content-Type: multipart/mixed; boundary=b\n\n" + part * 103)

    [found] = await listed()

    assert (len(found["attachments"]), found["attachmentsOmitted"]) == (100, 3)


async def test_messages_are_found_by_whether_they_have_files(
    deps: Deps, caller: Caller, listed: Listed
) -> None:
    plain = str((await ingest(deps, caller, message())).id)
    with_files = [str((await ingest(deps, caller, raw)).id) for raw in (OUTLOOK, GMAIL)]

    assert {one["id"] for one in await listed(hasAttachments=True)} == set(with_files)
    assert [one["id"] for one in await listed(hasAttachments=False)] == [plain]


async def test_messages_from_before_show_their_files(
    deps: Deps, caller: Caller, listed: Listed, mongo_calls: MongoCalls
) -> None:
    for raw in (OUTLOOK, GMAIL):
        await ingest(deps, caller, raw)
    gone = dict.fromkeys(["attachments", "attachmentsOmitted", "hasAttachments"], "")
    await InboundMessage.get_motor_collection().update_many({}, {"$unset": gone})

    first = await listed()
    mongo_calls.clear()
    second = await listed()

    assert [(len(one["attachments"]), one["hasAttachments"]) for one in first] == [(2, False)] * 2
    assert second == [{**one, "hasAttachments": True} for one in first]
    assert mongo_calls.names == ["aggregate inboundMessages"]


URLS = "{ answer: inboundMessages { nodes { attachments { url } } } }"


async def test_a_file_has_an_address_that_needs_no_token(
    deps: Deps, caller: Caller, client: httpx2.AsyncClient
) -> None:
    await ingest(deps, caller, OUTLOOK)
    [node] = (await client.post("/graphql", json={"query": URLS})).json()["data"]["answer"]["nodes"]
    del client.headers["Authorization"]

    urls = [urlsplit(one["url"]) for one in node["attachments"]]

    assert {f"{url.scheme}://{url.netloc}" for url in urls} == {"http://mail.example.test"}
    assert [(await client.get(url.path)).content for url in urls] == [PNG, PDF]


async def test_a_file_of_a_sent_mail_has_an_address_too(
    client: httpx2.AsyncClient, mail: dict[str, Any]
) -> None:
    files = [{"filename": "a.pdf", "source": {"content": base64.b64encode(PDF).decode()}}]
    document = (
        "mutation($input: SendCommunicationInput!) { answer: sendCommunication(input: $input) "
        "{ attachments { url isInline missing } } }"
    )
    body = {"query": document, "variables": {"input": {**mail, "attachments": files}}}

    [file] = (await client.post("/graphql", json=body)).json()["data"]["answer"]["attachments"]

    assert (file["isInline"], file["missing"]) == (False, None)
    assert (await client.get(urlsplit(file["url"]).path)).content == PDF


async def test_without_keys_files_have_no_address(
    deps: Deps, caller: Caller, client_under: Callable[..., httpx2.AsyncClient]
) -> None:
    await ingest(deps, caller, OUTLOOK)

    async with client_under(secret_keys=None) as client:
        answer = (await client.post("/graphql", json={"query": URLS})).json()

    assert answer["data"]["answer"]["nodes"] == [{"attachments": [{"url": None}, {"url": None}]}]


async def test_a_file_that_was_not_kept_has_no_address(
    deps: Deps, caller: Caller, client: httpx2.AsyncClient
) -> None:
    settings = deps.settings.model_copy(update={"attachments_limit": 9})
    await ingest(replace(deps, settings=settings), caller, OUTLOOK)
    query = "{ answer: inboundMessages { nodes { attachments { url missing size } } } }"

    [node] = (await client.post("/graphql", json={"query": query})).json()["data"]["answer"][
        "nodes"
    ]

    missing = "Of one mail's files at most 9 octets are kept."
    assert node["attachments"][0]["missing"] is None
    assert node["attachments"][1] == {"url": None, "missing": missing, "size": 14}
