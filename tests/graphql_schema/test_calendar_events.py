"""Meetings that received mail is about."""

from typing import Any

import httpx2

from app.context import Caller, Deps
from app.documents.origins import Origin
from app.documents.vocabulary import ProviderType
from app.mail.kinds import InboundKind
from app.services.inbound import ingest
from tests.fakes.messages import message
from tests.mail import invitations

QUERY = """{ answer: inboundMessages { nodes { kind calendar {
  method uid summary start end isAllDay organizer location response
} } } }"""


async def ask(client: httpx2.AsyncClient) -> list[dict[str, Any]]:
    answer = (await client.post("/graphql", json={"query": QUERY})).json()
    nodes: list[dict[str, Any]] = answer["data"]["answer"]["nodes"]
    return nodes


async def test_a_message_shows_what_it_invites_to(
    deps: Deps, caller: Caller, client: httpx2.AsyncClient
) -> None:
    raw = invitations.mail(invitations.OUTLOOK_REQUEST, method="REQUEST", words="Zie de offerte.")
    await ingest(deps, caller, raw)

    assert await ask(client) == [
        {
            "kind": "PERSONAL",
            "calendar": {
                "method": "REQUEST",
                "uid": "040000008200E00074C5B7101A82E00800000000B0C3F2A1D23EDB01",
                "summary": "Bespreking, offerten",
                "start": "2026-07-01T08:00:00Z",
                "end": "2026-07-01T09:30:00Z",
                "isAllDay": False,
                "organizer": "jan@customer.test",
                "location": "Kamer 1",
                "response": None,
            },
        }
    ]


async def test_an_answer_shows_what_it_says_and_is_no_reply(
    deps: Deps, caller: Caller, client: httpx2.AsyncClient
) -> None:
    await ingest(deps, caller, invitations.mail(invitations.OUTLOOK_ACCEPTED, method="REPLY"))

    [node] = await ask(client)

    assert node["kind"] == "AUTOMATIC"
    assert (node["calendar"]["response"], node["calendar"]["uid"]) == (
        "ACCEPTED",
        "demo-1@acme.test",
    )


async def test_other_mail_has_no_meeting(
    deps: Deps, caller: Caller, client: httpx2.AsyncClient
) -> None:
    await ingest(deps, caller, message())

    assert await ask(client) == [{"kind": "PERSONAL", "calendar": None}]


async def test_what_could_not_be_fetched_has_its_meeting_when_it_is_there(
    deps: Deps, caller: Caller
) -> None:
    told = Origin(ProviderType.RESEND, "1", fetch_error="a quota")
    lacking = await ingest(deps, caller, message(), origin=told)
    raw = invitations.mail(invitations.OUTLOOK_REQUEST, method="REQUEST")

    found = await ingest(deps, caller, raw, origin=Origin(ProviderType.RESEND, "1"))

    assert (lacking.calendar, found.id) == (None, lacking.id)
    assert found.calendar is not None
    assert found.calendar.summary == "Bespreking, offerten"
    assert found.kind is InboundKind.PERSONAL
