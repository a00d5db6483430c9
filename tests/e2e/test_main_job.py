"""The main job from end to end: a mail goes out, and what happens to it is recorded."""

import asyncio
import re
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.doors import Door, GraphqlDoor, RestDoor
from tests.fakes.visits import CHROME
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@pytest.fixture
def stack(hasty_stack: Stack) -> Stack:
    return hasty_stack


@pytest.fixture
async def crm(stack: Stack) -> AsyncIterator[httpx2.AsyncClient]:
    async with stack.client() as client:
        yield client


@pytest.fixture(params=[RestDoor, GraphqlDoor], ids=["rest", "graphql"])
def entrance(request: pytest.FixtureRequest, crm: httpx2.AsyncClient) -> Door:
    opened: Door = request.param(crm)
    return opened


async def settled(door: Door, id_: str) -> dict[str, Any]:
    while True:
        record: dict[str, Any] = (await door.find(id_)).record
        if record["status"] in {"SENT", "FAILED"}:
            return record
        await asyncio.sleep(0.02)


def arrived(stack: Stack, internet_message_id: str) -> EmailMessage:
    mails = stack.inbox(internet_message_id)
    (mail,) = [mail for mail in mails if mail["Message-ID"] == internet_message_id]
    return mail


async def test_a_mail_goes_out_and_its_opening_and_clicks_are_recorded(
    stack: Stack, entrance: Door
) -> None:
    accepted = await entrance.send(
        {
            "subject": "Offerte voor Café Één",
            "body": '<p>Beste Zoë, <a href="https://acme.test/offerte?id=1&amp;v=2">uw offerte</a>'
            ' of <a href="mailto:sales@acme.test">mail ons</a>.</p>',
            "recipients": ["Zoë Müller <zoe@customer.test>"],
            "bcc": ["archive@acme.test"],
            "senderName": "Verkoop Één",
        }
    )
    record = await settled(entrance, accepted.record["id"])
    mail = arrived(stack, record["internetMessageId"])
    html = mail.get_body(("html",))
    text = mail.get_body(("plain",))

    # The mail that arrived is the mail that was asked for.
    assert record["status"] == "SENT"
    assert mail["Subject"] == "Offerte voor Café Één"
    assert mail["To"].addresses[0].display_name == "Zoë Müller"
    assert mail["From"].addresses[0].display_name == "Verkoop Één"
    assert mail["Bcc"] is None
    assert html is not None
    assert html.get_content().strip() == record["body"]
    assert text is not None
    assert "https://acme.test/offerte?id=1&v=2" in text.get_content()

    # A mail client loads the picture and follows the link that stand in it.
    pixel = re.search(r'<img src="([^"]+)"', html.get_content())
    link = re.search(r'<a href="(http[^"]+)"', html.get_content())
    assert pixel is not None
    assert link is not None
    async with httpx2.AsyncClient(headers={"User-Agent": CHROME}) as mail_client:
        picture = await mail_client.get(pixel[1])
        redirect = await mail_client.get(link[1])
    assert picture.headers["content-type"] == "image/gif"
    assert redirect.headers["location"] == "https://acme.test/offerte?id=1&v=2"

    # And the CRM reads it back, as soon as a worker has counted it.
    while (seen := (await entrance.find(record["id"])).record)["events"][-1]["type"] != "CLICK":  # noqa: ASYNC110 - a worker is waited for
        await asyncio.sleep(0.05)
    assert (seen["opened"], seen["openCount"]) == (True, 1)
    assert [link["clickCount"] for link in seen["clickedLinks"]] == [1]
    assert [event["type"] for event in seen["events"]] == ["CREATE", "SEND", "OPEN", "CLICK"]


async def test_the_inbox_shows_what_arrived(stack: Stack, crm: httpx2.AsyncClient) -> None:
    door = RestDoor(crm)
    mail = {"subject": "For the inbox", "body": "<b>Hi</b>", "recipients": ["a@b.test"]}
    record = await settled(door, (await door.send(mail)).record["id"])

    listed = (await crm.get("/dev/inbox")).json()["messages"]
    page = await crm.get("/dev/inbox", headers={"Accept": "text/html"})

    (shown,) = [message for message in listed if message["subject"] == "For the inbox"]
    raw = await crm.get(shown["url"])
    assert shown["envelopeTo"] == ["a@b.test"]
    assert record["internetMessageId"] in raw.text
    assert "For the inbox" in page.text


async def test_a_body_of_ten_megabytes_arrives_whole(
    stack: Stack, crm: httpx2.AsyncClient, tmp_path: Path
) -> None:
    door = RestDoor(crm)
    line = "<p>Één lange brief, met é en ü.</p>\n"
    body = line * (10 * 1024 * 1024 // len(line.encode()))

    accepted = await door.send(
        {
            "subject": "Ten megabytes",
            "body": body,
            "recipients": ["a@b.test"],
            "trackingEnabled": False,
        }
    )
    record = await settled(door, accepted.record["id"])

    html = arrived(stack, record["internetMessageId"]).get_body(("html",))
    assert html is not None
    assert html.get_content().replace("\r\n", "\n").rstrip("\n") == body.rstrip("\n")
