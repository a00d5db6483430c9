"""Whatever mail comes in by whichever door, it is kept as it came, placed, counted and shown."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.documents.origins import Origin
from app.documents.vocabulary import EventType, ProviderType
from app.mail.kinds import InboundKind
from app.mail.reply_addresses import reply_address
from app.mail.unsubscribe_tokens import unsubscribe_address, unsubscribe_token
from app.services.inbound import ingest
from app.services.receiving import mail_servers
from app.services.receiving.reading import read
from tests.database import Rows, all_rows, empty, put_rows
from tests.mail.shapes import messages

DOMAIN = "in.letterbox.test"
OURS, ANSWER, LEAVE = b"<ours@acme.test>", b"answer@here.test", b"leave@here.test"
KEPT = ("inboundMessages", "communications", "inbox", "preferences", "providerEvents")
SHOWN = """{ inboundMessages(first: 50) { nodes {
    id kind status subject fromEmail fromName recipients cc recipientCount bodyHtml bodyText
    safeHtml all: safeHtml(remoteImages: ALLOW) remoteImageCount trackerCount replyText
    hasAttachments attachmentsOmitted conversationId parentCommunicationId internetMessageId
    inReplyTo envelopeRecipients fetchError parseFault receivedAt events { type description }
    attachments { filename contentType size contentId isInline missing url }
    calendar { method uid summary start end isAllDay organizer location response }
} } conversations(first: 50) { nodes { id subject inboundCount unreadCount participants } } }"""

_IDS = st.sampled_from(
    [OURS, b"<1@c.test>", b"<2@c.test>", b"<3@c.test>", b"<4@c.test> <1@c.test>"]
)
_TO = st.sampled_from([ANSWER, LEAVE, b"crm@acme.test", b"Jan <jan@c.test>, " + ANSWER])
_FIELDS = st.one_of(
    st.tuples(st.sampled_from([b"Message-ID", b"In-Reply-To", b"References"]), _IDS),
    st.tuples(st.sampled_from([b"To", b"Cc", b"Delivered-To"]), _TO),
    st.tuples(st.just(b"Auto-Submitted"), st.sampled_from([b"auto-replied", b"no"])),
)


@st.composite
def arriving(draw: st.DrawFn) -> tuple[str, bytes]:
    """A mail and the door it comes in by."""
    own = draw(
        st.sampled_from([[], [(b"Message-ID", b"<1@c.test>")], [(b"Message-ID", b"<2@c.test>")]])
    )
    fields = [*own, *draw(st.lists(_FIELDS, max_size=3))]
    head = b"".join(b"%b: %b\n" % field for field in fields)
    door = draw(st.sampled_from(["handed in", "REST", "mail server", "Resend"]))
    return door, head + (draw(messages()) or b"\n")


@dataclass(frozen=True)
class Doors:
    """All ways in; each gives the octets that are to be kept."""

    deps: Deps
    caller: Caller
    client: httpx2.AsyncClient

    async def take(self, door: str, raw: bytes, number: int) -> bytes:
        match door:
            case "REST":
                answer = await self.client.post(
                    "/api/v1/inbound/mime", content=raw, headers={"Content-Type": "message/rfc822"}
                )
                assert answer.status_code == 200
            case "mail server":
                to = {"crm@acme.test": self.caller.tenant}
                fates = await mail_servers.take(self.deps, raw, sender="", recipients=to)
                assert [*fates.values()] == [mail_servers.Fate.KEPT]
                return b"Return-Path: <>\r\n" + raw
            case "Resend":
                origin = Origin(ProviderType.RESEND, str(number), recipients=("crm@acme.test",))
                await ingest(self.deps, self.caller, raw, origin=origin)
            case _:
                await ingest(self.deps, self.caller, raw)
        return raw


@pytest.fixture
def receiving(deps: Deps) -> Deps:
    """`deps` of a service that mail comes in to."""
    return replace(deps, settings=deps.settings.model_copy(update={"inbound_domain": DOMAIN}))


@pytest.fixture
def doors(receiving: Deps, caller: Caller, client: httpx2.AsyncClient) -> Doors:
    return Doors(receiving, caller, client)


@pytest.fixture
async def begin(receiving: Deps, send: Any) -> Callable[[], Awaitable[dict[bytes, bytes]]]:
    """Lets nothing be there but a mail of ours; what stands for its id and its addresses."""
    record = await send({"unsubscribable": True}, over=receiving)
    await Communication.get_motor_collection().update_one(
        {"_id": record.id}, {"$set": {"internetMessageId": OURS.decode(), "status": "SENT"}}
    )
    before = await all_rows()
    settings = receiving.settings
    token = unsubscribe_token(
        settings.unsubscribe_keys[0], tenant="acme", mail_id=str(record.unsubscribe_id)
    )
    delivery = str(record.id)
    answer = reply_address(
        settings.reply_keys[0], tenant="acme", delivery_id=delivery, domain=DOMAIN
    )
    stand_for = {ANSWER: answer.encode(), LEAVE: unsubscribe_address(token, domain=DOMAIN).encode()}

    async def again() -> dict[bytes, bytes]:
        await empty()
        await put_rows(before)
        return stand_for

    return again


def is_kept(raw: bytes, kept: dict[bytes, InboundMessage]) -> bool:
    """Whether it is there as it came, or what has its id and says the same is."""
    mail = read(raw)
    id_, says = mail.parsed.message_id, mail.fingerprint
    return raw in kept or any(
        id_ is not None and (one.internet_message_id, one.fingerprint) == (id_, says)
        for one in kept.values()
    )


async def told() -> Rows:
    rows = await all_rows()
    return {name: rows[name] for name in KEPT}


async def check_counts() -> None:
    """The inbox and the record say what the messages say."""
    rows = await told()
    received, [record] = rows["inboundMessages"], rows["communications"]
    counted = {row["conversationId"]: row["received"] for row in rows["inbox"]}
    assert counted == Counter(row["conversationId"] for row in received)
    assert not any(row.get("isUncounted") for row in received)
    answers = [
        str(row["_id"])
        for row in received
        if row.get("parentCommunicationId") == record["_id"] and row["kind"] == InboundKind.PERSONAL
    ]
    events = [one["id"] for one in record["events"] if one["type"] == EventType.REPLY]
    assert sorted(events) == sorted(answers)
    assert record["replyCount"] == len(answers)


@settings(
    max_examples=15,
    # To make it smaller takes longer than to read it.
    phases=[Phase.generate],
    suppress_health_check=[*HealthCheck],
)
@given(st.lists(arriving(), min_size=1, max_size=6))
async def test_any_mail_is_kept_placed_counted_and_shown(
    doors: Doors,
    begin: Callable[[], Awaitable[dict[bytes, bytes]]],
    mails: list[tuple[str, bytes]],
) -> None:
    for name, meant in (await begin()).items():
        mails = [(door, raw.replace(name, meant)) for door, raw in mails]

    async def take_all() -> list[bytes]:
        return await asyncio.gather(
            *(doors.take(door, raw, number) for number, (door, raw) in enumerate(mails))
        )

    came = await take_all()

    rows = await InboundMessage.find_all().to_list()
    kept = {await InboundMessage.octets(row.id) or b"": row for row in rows}
    assert [raw for raw in came if not is_kept(raw, kept)] == []
    assert kept.keys() <= {*came}
    assert {row.parse_fault for row in rows} == {None}
    await check_counts()
    before = await told()
    await take_all()
    assert await told() == before
    answer = (await doors.client.post("/graphql", json={"query": SHOWN})).json()
    assert "errors" not in answer
    assert len(answer["data"]["inboundMessages"]["nodes"]) == len(rows)
