"""What nobody should say to the listener, and what becomes of it."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from app.documents.inbound_messages import InboundMessage
from app.listening import session
from app.listening.server import Protocol
from tests.fakes.mail_server import MailServer
from tests.fakes.messages import message

Listener = Callable[..., Awaitable[MailServer]]

KEPT = "250 2.6.0 Kept"
TOP = b"Return-Path: <jan@customer.test>\r\n"
WORDS = [
    b"LHLO x", b"EHLO x", b"HELO x", b"MAIL FROM:<a@b.test>", b"MAIL FROM:<>", b"MAIL FROM:",
    b"MAIL FROM:<a@b.test> SIZE=1 BODY=8BITMIME SMTPUTF8", b"RCPT TO:<a@acme.test>",
    b"RCPT TO:<x@else.test>", b"RCPT TO:<", b"DATA", b".", b"RSET", b"NOOP", b"QUIT", b"BDAT 3",
    b"abc", b"\xff", b"VRFY \xff", b"HELP MAIL", b"AUTH", b"STARTTLS", b"", b"From: a@b.test",
]  # fmt: skip


async def octets() -> list[bytes]:
    found = await InboundMessage.newest("acme", None, 100)
    return [await InboundMessage.octets(one.id) or b"" for one in found]


@pytest.mark.parametrize("protocol", [*Protocol])
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("BDAT 10 LAST", "500 5.5.2"),
        ("STARTTLS", "454 4.0.0"),
        ("AUTH PLAIN AGEAYg==", "538 5.7.11"),
        ("XCLIENT NAME=x", "500 5.5.2"),
        ("EXPN staff", "502 5.5.1"),
        (b"VRFY \xff@acme.test", "502 5.5.1"),
        ("MAIL FROM:<a@b.test> SIZE=abc", "501 5.5.4"),
        ("MAIL FROM:<a@b.test> SIZE=-1", "501 5.5.4"),
        ("MAIL FROM:<a@b.test> SIZE=99999999999999999999", "552 5.3.4"),
        ("MAIL FROM:<a@b.test> BODY=BINARYMIME", "501 5.5.4"),
        ("MAIL FROM:<a@b.test> RET=FULL", "555 5.5.4"),
        ("RCPT TO:<a@acme.test>", "503 5.5.1"),
        ("DATA", "503 5.5.1"),
        (b"NOOP\x00", "500 5.5.2"),
        (b"\xff\xfe", "500 5.5.2"),
        ("", "500 5.5.2"),
    ],
)
async def test_what_is_not_offered_is_refused_and_the_next_is_taken(
    listener: Listener, protocol: Protocol, line: str | bytes, code: str
) -> None:
    server = await listener(protocol)
    await server.say("LHLO mx" if protocol is Protocol.LMTP else "EHLO mx")

    with capture_logs() as events:
        assert (await server.say(line)).startswith(f"{code} ")

    assert [one for one in events if one["log_level"] == "error"] == []
    await server.begin("a@acme.test")
    assert await server.hand_over(message()) == [KEPT]


async def test_an_endless_command_is_read_past(listener: Listener) -> None:
    server = await listener()
    for _ in range(40):
        server.writer.write(b"x" * 100_000)
        await server.writer.drain()

    assert await server.say("") == "500 5.5.2 Command line too long"
    await server.begin("a@acme.test")
    assert await server.hand_over(message()) == [KEPT]


async def test_ten_thousand_recipients(listener: Listener) -> None:
    server = await listener()
    server.writer.write(b"LHLO mx\r\nMAIL FROM:<jan@c.test>\r\n")
    server.writer.write(b"".join(b"RCPT TO:<%d@acme.test>\r\n" % one for one in range(10_000)))
    answers = [(await server.hear())[:9] for _ in range(10_002)][2:]

    assert answers == ["250 2.1.5"] * 1000 + ["452 4.5.3"] * 9000


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: x\r\n\r\n" + b"\r\n" * 2_000_000,
        b"Subject: x\r\n\r\n" + b".\r" * 1_000_000 + b"\r\n",
        b"Subject: x\r\n\r\n" + b"\n.\r\n" * 1_000_000,
        b"Subject: x\r\n\r\n" + b".y\r\n" * 500_000,
    ],
    ids=["empty lines", "almost an end", "an end but for a sign", "dots"],
)
async def test_whatever_lines_it_has_it_is_read_as_any_other(
    listener: Listener, raw: bytes
) -> None:
    server = await listener()
    await server.begin("a@acme.test")

    assert await server.hand_over(raw) == [KEPT]

    assert await octets() == [TOP + raw]


@pytest.mark.parametrize("cut", range(6))
@pytest.mark.parametrize("begin", [b"Subject: x\r\n\r\nHello", b""], ids=["some", "none"])
async def test_the_end_is_seen_however_it_arrives(
    listener: Listener, cut: int, begin: bytes
) -> None:
    server = await listener()
    await server.begin("a@acme.test")
    assert (await server.say("DATA")).startswith("354")
    whole = begin + b"\r\n.\r\nNOOP\r\n"
    at = len(begin) + cut

    for part in (whole[:at], whole[at:]):
        server.writer.write(part)
        await server.writer.drain()
        await asyncio.sleep(0.02)

    assert [await server.hear(), (await server.hear())[:3]] == [KEPT, "250"]
    assert await octets() == [TOP + begin + b"\r\n"]


@pytest.mark.parametrize("brings_mail", [False, True])
async def test_who_talks_without_end_and_brings_no_mail_is_hung_up_on(
    listener: Listener, monkeypatch: pytest.MonkeyPatch, brings_mail: bool
) -> None:
    """Silence alone would end it after a minute; what was said before its last mail counts not."""
    if not brings_mail:
        monkeypatch.setattr(session, "PATIENCE", 1 / 60)
    server = await listener(inbound_timeout=timedelta(seconds=60))
    if brings_mail:
        await server.begin("a@acme.test")
        monkeypatch.setattr(session, "PATIENCE", 1 / 60)
        assert await server.hand_over(message()) == [KEPT]

    with suppress(ConnectionError):
        async with asyncio.timeout(20):
            while await server.say("NOOP"):
                pass


async def test_one_octet_more_than_the_limit_is_too_much(listener: Listener) -> None:
    raw = message(text="x" * 5000) + b"\r\n"
    fits = await listener(inbound_limit=len(raw) + len(TOP))
    await fits.begin("a@acme.test")
    at_limit = await fits.hand_over(raw)
    small = await listener(inbound_limit=len(raw) - 1)
    await small.begin("a@acme.test")

    beyond = await small.hand_over(raw)

    assert at_limit == [KEPT]
    assert [answer[:9] for answer in beyond] == ["552 5.3.4"]


async def test_whatever_is_said_it_goes_on_listening(listener: Listener) -> None:
    dice = random.Random(1)  # noqa: S311 - no secret
    with capture_logs() as events:
        for number in range(40):
            server = await listener(Protocol.LMTP if number % 2 else Protocol.SMTP)
            for _ in range(30):
                end = dice.choice([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b""])
                server.writer.write(dice.choice(WORDS) + end)
            server.writer.write(b"\r\n.\r\nQUIT\r\n")
            server.writer.write_eof()
            async with asyncio.timeout(20):
                await server.reader.read()

    assert [one for one in events if one["log_level"] == "error"] == []
