"""Files of received mail as GraphQL shows them."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from app.context import Caller, Deps
from app.documents.inbound_messages import InboundMessage
from app.services.inbound import ingest
from tests.fakes.messages import message
from tests.fakes.mongo_calls import MongoCalls
from tests.mail.with_files import GMAIL, OUTLOOK

FILE = "filename contentType size contentId isInline missing"
LIST = f"query($f: InboundMessageFilter) {{ answer: inboundMessages(filter: $f) {{ nodes {{ id attachmentsOmitted attachments {{ {FILE} }} }} }} }}"  # noqa: E501
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

    assert await listed() == [{"id": id_, "attachments": SHOWN, "attachmentsOmitted": 0}]


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

    assert [len(one["attachments"]) for one in first] == [2, 2]
    assert second == first
    assert mongo_calls.names == ["aggregate inboundMessages"]
