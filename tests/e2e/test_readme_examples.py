"""The README's single examples do what they are there for, on a real stack.

The walk through every REST route has its own test.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

README = Path(__file__).parents[2] / "README.md"
MIME = (
    b"From: jan@example.org\r\nTo: crm@acme.test\r\nSubject: When?\r\n\r\nWhen can you deliver?\r\n"
)
MAIL = {"subject": "An invoice", "body": "<p>See it.</p>", "recipients": ["jan@example.org"]}
MAILBOX = """mutation {
  createProviderAccount(input: {name: "Mailbox", settings: {graph: {
    directoryId: "contoso-directory", clientId: "0f3b5e9a-0000-4000-8000-00000000000a"
    mailbox: "crm@acme.test", clientSecret: "secret"
  }}}) { id }
}"""
TOKEN = "export TOKEN=$(.venv/bin/letterbox token --tenant demo --user alice)\n"


def blocks(language: str) -> list[str]:
    """The examples in one language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)


def calls() -> list[str]:
    """The examples with one curl; that with many is the walk."""
    return [block for block in blocks("bash") if block.count("curl ") == 1]


@pytest.fixture
def stack(hasty_stack: Stack) -> Stack:
    return hasty_stack


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As a reader's checkout: with `.venv` and README.md."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "README.md").symlink_to(README)
    return folder


@pytest.fixture
def answers(stack: Stack, folder: Path) -> list[dict[str, Any]]:
    """What each call answers; ID stands for the mail that the first one sent."""
    kept = {name: value for name, value in os.environ.items() if "LETTERBOX" not in name}
    found: list[dict[str, Any]] = []
    for call in calls():
        id_ = found[0]["id"] if found else ""
        script = TOKEN + call.replace("localhost:18080", f"localhost:{stack.port}")
        ran = subprocess.run(  # noqa: S603 - our own README
            ["/bin/bash", "-ec", script.replace("/ID ", f"/{id_} ")],
            cwd=folder,
            env={**kept, "LETTERBOX_DATA_DIR": str(stack.data)},
            capture_output=True,
            check=True,
            timeout=60,
        )
        found.append(json.loads(ran.stdout))
    return found


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[httpx2.AsyncClient]:
    async with stack.client(tenant="demo") as client:
        yield client


async def results(client: httpx2.AsyncClient, ids: dict[str, str]) -> list[dict[str, Any]]:
    """What the queries and mutations answer; `ids` are put in by what stands before them."""
    found: list[dict[str, Any]] = []
    for block in blocks("graphql"):
        if block.startswith("subscription"):
            continue
        document = block
        for place, id_ in ids.items():
            document = document.replace(f'{place}"ID"', f'{place}"{id_}"')
        variables = {"input": [MAIL]} if "$input" in document else {}
        answer = await client.post("/graphql", json={"query": document, "variables": variables})
        found.append(answer.json())
    return found


async def told(client: httpx2.AsyncClient) -> tuple[str, str]:
    """The id of a mail that is sent while the subscription runs, and the id that it tells."""
    [subscription] = [block for block in blocks("graphql") if block.startswith("subscription")]
    mail = {**MAIL, "relatedEntityType": "deal", "relatedEntityId": "42"}
    async with client.stream(
        "POST", "/graphql", json={"query": subscription}, headers={"Accept": "text/event-stream"}
    ) as stream:
        sent = ""
        async for line in stream.aiter_lines():
            # The stream has begun, so nothing from now on is missed.
            if not sent:
                sent = (await client.post("/api/v1/communications/send", json=mail)).json()["id"]
            if line.startswith("data: {"):
                event = json.loads(line.removeprefix("data: "))
                return sent, event["data"]["communicationChanged"]["id"]
    raise AssertionError("the stream ended")


async def test_the_examples_do_what_they_are_there_for(
    client: httpx2.AsyncClient, answers: list[dict[str, Any]]
) -> None:
    sent, read, by_graphql, with_file = answers
    assert (sent["subject"], read["id"]) == ("Your offer", sent["id"])
    assert [link["originalUrl"] for link in read["clickedLinks"]] == [
        "https://example.org/offer/42"
    ]
    assert by_graphql["data"]["sendCommunication"]["status"] == "PENDING"
    [file] = with_file["data"]["sendCommunication"]["attachments"]
    assert (file["filename"], file["size"]) == ("README.md", README.stat().st_size)

    kept = await client.post(
        "/api/v1/inbound/mime", content=MIME, headers={"Content-Type": "message/rfc822"}
    )
    made = await client.post("/graphql", json={"query": MAILBOX})
    ids = {
        "communication(id: ": sent["id"],
        "inboundMessageId: ": kept.json()["id"],
        "updateProviderAccount(id: ": made.json()["data"]["createProviderAccount"]["id"],
    }
    found = await results(client, ids)
    assert [result["errors"] for result in found if "errors" in result] == []
    fields = {field for result in found for field in result["data"]}
    assert {"communication", "reply", "analytics", "sendBatch", "createApiKey"} <= fields

    mail, event = await told(client)
    assert mail == event
