"""Files from end to end: what a caller attaches is what lies in the inbox."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any

import httpx2
import psutil
import pytest

from tests.doors import RestDoor
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def octets(count: int) -> bytes:
    """Octets of every kind, in no pattern."""
    return hashlib.shake_256(b"file").digest(count)


PDF = b"%PDF-1.7\n" + octets(300_000) + b"\n%%EOF"
PNG = b"\x89PNG\r\n\x1a\n" + octets(2_000)
MAIL: dict[str, Any] = {
    "subject": "Your offer",
    "body": '<p><img src="cid:logo"> See the file.</p>',
    "recipients": ["jan@customer.test"],
}
# A message of 24 MB takes an API to about 240; a few copies more would be above.
API_MEGABYTES = 400
# A worker that holds nothing large has about 100 MB, one mail of 25 MB takes it to 370 to 460; six
# at a time would take a gigabyte.
WORKER_MEGABYTES = 600


@pytest.fixture
async def crm(stack: Stack) -> AsyncIterator[httpx2.AsyncClient]:
    async with stack.client() as client:
        yield client


async def by_base64(crm: httpx2.AsyncClient) -> str:
    files = [
        {"filename": "Offerte Één.pdf", "content": base64.b64encode(PDF).decode()},
        {
            "filename": "logo.png",
            "content": base64.encodebytes(PNG).decode(),
            "contentId": "logo",
        },
    ]
    accepted = await RestDoor(crm).send({**MAIL, "attachments": files})
    return str(accepted.record["id"])


async def by_form(crm: httpx2.AsyncClient) -> str:
    attachments = [{"source": {"file": None}}, {"source": {"file": None}, "contentId": "logo"}]
    operations = {
        "query": "mutation($input: SendCommunicationInput!) "
        "{ sendCommunication(input: $input) { id } }",
        "variables": {"input": {**MAIL, "attachments": attachments}},
    }
    places = {str(n): [f"variables.input.attachments.{n}.source.file"] for n in (0, 1)}
    response = await crm.post(
        "/graphql",
        files=[
            ("operations", (None, json.dumps(operations))),
            ("map", (None, json.dumps(places))),
            ("0", ("Offerte Één.pdf", PDF, "application/pdf")),
            ("1", ("logo.png", PNG, "image/png")),
        ],
    )
    return str(response.json()["data"]["sendCommunication"]["id"])


async def settled(crm: httpx2.AsyncClient, id_: str) -> dict[str, Any]:
    while True:
        record: dict[str, Any] = (await RestDoor(crm).find(id_)).record
        if record["status"] in {"SENT", "FAILED"}:
            return record
        await asyncio.sleep(0.05)


def arrived(stack: Stack, internet_message_id: str) -> EmailMessage:
    mails = stack.inbox(internet_message_id)
    (mail,) = [mail for mail in mails if mail["Message-ID"] == internet_message_id]
    return mail


@pytest.mark.parametrize("send", [by_base64, by_form])
async def test_a_pdf_and_an_inline_image_arrive_intact(
    stack: Stack, crm: httpx2.AsyncClient, send: Any
) -> None:
    record = await settled(crm, await send(crm))

    mail = arrived(stack, record["internetMessageId"])
    pdf = next(part for part in mail.walk() if part.get_content_type() == "application/pdf")
    image = next(part for part in mail.walk() if part.get_content_type() == "image/png")
    html = mail.get_body(("related", "html"))
    assert record["status"] == "SENT"
    assert (pdf.get_filename(), pdf.get_content()) == ("Offerte Één.pdf", PDF)
    assert pdf.get_content_disposition() == "attachment"
    assert (image["Content-ID"], image.get_content()) == ("<logo>", PNG)
    assert image.get_content_disposition() == "inline"
    assert html is not None
    assert '<img src="cid:logo">' in html.as_string().replace("=3D", "=")
    assert record["attachments"][0]["size"] == len(PDF)


async def test_mails_of_25_megabytes_go_out_together_in_bounded_memory(
    stack: Stack, crm: httpx2.AsyncClient
) -> None:
    worker = psutil.Process(int((stack.data / "run" / "worker.pid").read_text()))
    large = octets(25 * 1024 * 1024)
    content = base64.b64encode(large).decode()
    mails = [
        {
            **MAIL,
            "subject": f"Large {n}",
            "attachments": [{"filename": "a.bin", "content": content}],
        }
        for n in range(6)
    ]

    accepted = [(await RestDoor(crm).send(mail)).record["id"] for mail in mails]
    most = 0.0
    waiting = asyncio.gather(*(settled(crm, id_) for id_ in accepted))
    while not waiting.done():
        most = max(most, worker.memory_info().rss / 1e6)
        await asyncio.sleep(0.01)
    records = await waiting

    print(f"worker at most {most:.0f} MB")  # noqa: T201 - a figure to be read
    assert [record["status"] for record in records] == ["SENT"] * 6
    assert most < WORKER_MEGABYTES
    last = arrived(stack, records[-1]["internetMessageId"])
    got = next(last.iter_attachments()).get_payload(decode=True)
    assert isinstance(got, bytes)
    assert hashlib.sha256(got).digest() == hashlib.sha256(large).digest()


def received(pdf: bytes) -> bytes:
    """A customer's mail with a file, and an image that its HTML shows."""
    mail = EmailMessage()
    mail["From"], mail["To"] = "jan@customer.test", "crm@acme.test"
    mail["Message-ID"] = f"<{hashlib.sha256(pdf).hexdigest()}@customer.test>"
    mail.set_content("Signed.")
    mail.add_alternative('<p>Signed.</p><img src="cid:logo">', subtype="html")
    html = next(part for part in mail.walk() if part.get_content_type() == "text/html")
    html.add_related(PNG, "image", "png", cid="<logo>")
    mail.add_attachment(pdf, "application", "pdf", filename="Offerte Één.pdf")
    return mail.as_bytes()


async def handed_in(crm: httpx2.AsyncClient, raw: bytes) -> dict[str, Any]:
    """Hand a message in; how it is shown."""
    headers = {"Content-Type": "message/rfc822"}
    kept = await crm.post("/api/v1/inbound/mime", content=raw, headers=headers, timeout=60)
    query = "query($id: ID!) { inboundMessage(id: $id) { safeHtml attachments { size url } } }"
    body = {"query": query, "variables": {"id": kept.json()["id"]}}
    shown: dict[str, Any] = (await crm.post("/graphql", json=body)).json()["data"]["inboundMessage"]
    return shown


async def test_files_of_a_received_mail_are_fetched_by_their_addresses(
    crm: httpx2.AsyncClient,
) -> None:
    shown = await handed_in(crm, received(PDF))
    image, pdf = [one["url"] for one in shown["attachments"]]

    async with httpx2.AsyncClient() as browser:
        got, head, picture = [
            await browser.get(pdf), await browser.head(pdf), await browser.get(image)
        ]  # fmt: skip
        forged = await browser.get(pdf[:-1] + ("A" if pdf[-1] != "A" else "B"))

    assert (got.status_code, got.content) == (200, PDF)
    assert got.headers["content-type"] == "application/pdf"
    assert got.headers["content-disposition"].startswith("attachment; ")
    assert (head.content, head.headers["content-length"]) == (b"", str(len(PDF)))
    assert (picture.content, picture.headers["content-type"]) == (PNG, "image/png")
    assert forged.status_code == 404
    assert f'src="{image}"' in shown["safeHtml"]


async def test_a_received_mail_of_24_megabytes_is_kept_and_fetched_in_bounded_memory(
    stack: Stack, crm: httpx2.AsyncClient
) -> None:
    api = psutil.Process(int((stack.data / "run" / "api.pid").read_text()))
    large = octets(17 * 1024 * 1024)
    raw = received(large)
    most = 0.0

    async def taken() -> bytes:
        shown = await handed_in(crm, raw)
        async with httpx2.AsyncClient() as browser:
            return (await browser.get(shown["attachments"][1]["url"])).content

    waiting = asyncio.ensure_future(taken())
    while not waiting.done():
        most = max(most, api.memory_info().rss / 1e6)
        await asyncio.sleep(0.01)
    got = await waiting

    print(f"API at most {most:.0f} MB")  # noqa: T201 - a figure to be read
    assert len(raw) > 24_000_000
    assert hashlib.sha256(got).digest() == hashlib.sha256(large).digest()
    assert most < API_MEGABYTES
