"""Leaving a list as Gmail has its users do it: the field is read in the mail and posted to."""

import asyncio
import re
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.doors import Door, GraphqlDoor, RestDoor
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

MAKE = "mutation($input: CreateRecipientListInput!) { createRecipientList(input: $input) { id } }"
ADD = (
    "mutation($id: ID!, $members: [ListMemberInput!]!) "
    "{ addListMembers(listId: $id, members: $members) { member { id } } }"
)


async def asked(client: httpx2.AsyncClient, query: str, **variables: Any) -> Any:
    answer = await client.post("/graphql", json={"query": query, "variables": variables})
    assert "errors" not in answer.json(), answer.text
    return answer.json()["data"]


async def sent(door: Door, mail: dict[str, Any]) -> dict[str, Any]:
    """The record of a mail that is out."""
    record: dict[str, Any] = (await door.send(mail)).record
    while record["status"] in {"PENDING", "SENDING"}:
        await asyncio.sleep(0.05)
        record = (await door.find(record["id"])).record
    return record


def arrived(stack: Stack, address: str, subject: str) -> list[EmailMessage]:
    mails = stack.inbox(address)
    return [mail for mail in mails if (mail["To"], mail["Subject"]) == (address, subject)]


@pytest.mark.parametrize("made", [RestDoor, GraphqlDoor])
async def test_the_next_mail_to_the_list_skips_who_left(
    stack: Stack, made: type[RestDoor | GraphqlDoor]
) -> None:
    name = made.__name__.lower()
    jan, piet = f"jan@{name}.test", f"piet@{name}.test"
    async with stack.client(name) as client:
        door = made(client)
        id_ = (await asked(client, MAKE, input={"name": "All"}))["createRecipientList"]["id"]
        await asked(client, ADD, id=id_, members=[{"email": jan}, {"email": piet}])
        body = '<p>Hello <a href="{{ unsubscribe_url }}">Afmelden</a></p>'
        mail = {"subject": "First", "body": body, "recipientListId": id_}

        first = await sent(door, mail)
        [read] = arrived(stack, jan, "First")
        [url] = re.findall(r"<(http[^>]*)>", read["List-Unsubscribe"])
        assert read["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert urlsplit(url).port == stack.port
        part = read.get_body(("html",))
        assert part is not None
        assert f'<a href="{url}">Afmelden</a>' in part.get_content()
        async with httpx2.AsyncClient(headers={"User-Agent": "Gmail"}) as provider:
            # A scanner first; then what the user asked for.
            assert (await provider.get(url)).status_code == 200
            form = {"List-Unsubscribe": (None, "One-Click")}
            posted = await provider.post(url, files=form)
            assert (posted.status_code, posted.history, len(provider.cookies)) == (200, [], 0)

        second = await sent(door, {**mail, "subject": "Second"})

    assert (first["status"], first["errorMessage"]) == ("SENT", None)
    assert second["status"] == "SENT"
    assert re.search(
        rf"{jan} \(unsubscribed from all mail on [0-9-]+ by one click\)", second["errorMessage"]
    )
    assert len(arrived(stack, piet, "Second")) == 1
    assert arrived(stack, jan, "Second") == []
