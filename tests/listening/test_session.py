"""What a mail server is told, and what is kept of what it hands over."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.context import Deps
from app.documents.base import StoreUnavailableError
from app.documents.communications import Communication
from app.documents.inbound_domains import InboundDomain
from app.documents.inbound_messages import InboundMessage
from app.documents.preferences import Preference
from app.documents.vocabulary import PreferenceSource, PreferenceState, ProviderType
from app.listening.server import Protocol
from app.mail.unsubscribe_tokens import unsubscribe_address, unsubscribe_token
from app.services import inbound
from app.services.receiving import domains
from tests.fakes.mail_server import MailServer
from tests.fakes.messages import message

Listener = Callable[..., Awaitable[MailServer]]

LMTP, SMTP = Protocol.LMTP, Protocol.SMTP
BOTH = pytest.mark.parametrize("protocol", [LMTP, SMTP])
KEPT = "250 2.6.0 Kept"
TOP = b"Return-Path: <jan@customer.test>\r\n"


async def octets(tenant: str = "acme") -> list[bytes]:
    """What is kept of a tenant's, the latest first."""
    found = await InboundMessage.newest(tenant, None, 100)
    return [await InboundMessage.octets(one.id) or b"" for one in found]


async def test_lmtp_is_greeted_in_its_own_way(listener: Listener) -> None:
    server = await listener(LMTP)

    assert await server.say("EHLO mx.acme.test") == "500 5.5.1 This is LMTP: say LHLO"
    assert await server.say("HELO mx.acme.test") == "500 5.5.1 This is LMTP: say LHLO"
    offered = (await server.say("LHLO mx.acme.test")).split("\n")
    assert [line[4:] for line in offered[1:]] == [
        "SIZE 26214400", "8BITMIME", "SMTPUTF8", "PIPELINING", "ENHANCEDSTATUSCODES", "HELP",
    ]  # fmt: skip


async def test_smtp_is_greeted_in_its_own_way(listener: Listener) -> None:
    server = await listener(SMTP)

    assert (await server.say("LHLO mx.acme.test")).startswith("500 5.5.2 ")
    assert (await server.say("EHLO mx.acme.test")).split("\n")[-1] == "250 HELP"


@BOTH
async def test_a_message_is_kept_before_it_is_taken(
    listener: Listener, deps: Deps, protocol: Protocol
) -> None:
    server = await listener(protocol)
    assert await server.begin("Sales+Offer@ACME.test") == ["250 2.1.5 Recipient taken"]

    assert await server.hand_over(message()) == [KEPT]

    [kept] = await InboundMessage.newest("acme", None, 10)
    assert await InboundMessage.octets(kept.id) == TOP + message() + b"\r\n"
    assert (kept.provider_type, kept.created_by) == (ProviderType.SMTP, "smtp")
    assert kept.envelope_recipients == ["Sales+Offer@ACME.test"]
    assert kept.received_at == deps.now()
    assert kept.internet_message_id == "<reply@customer.test>"


@BOTH
async def test_handed_over_again_it_is_one(listener: Listener, protocol: Protocol) -> None:
    server = await listener(protocol)
    for address in ("a@acme.test", "b@acme.test"):
        assert await server.begin(address) == ["250 2.1.5 Recipient taken"]
        assert await server.hand_over(message(None)) == [KEPT]

    [kept] = await InboundMessage.newest("acme", None, 10)
    assert kept.envelope_recipients == ["a@acme.test", "b@acme.test"]


@BOTH
@pytest.mark.parametrize(
    "address", ["x@unknown.test", "x@sub.acme.test", "acme.test", "x@", "@acme.test", "x@[::1]"]
)
async def test_who_is_nobodys_is_refused_at_once(
    listener: Listener, protocol: Protocol, address: str
) -> None:
    server = await listener(protocol)

    [refused] = await server.begin(address)

    assert refused[:9] in {"550 5.1.1", "553 5.1.3"}
    assert await server.say("DATA") == "503 5.5.1 No recipient was taken"


async def test_each_recipient_is_answered_in_lmtp(listener: Listener) -> None:
    server = await listener(LMTP)
    answers = await server.begin(
        "a@acme.test", "nobody@else.test", "shared@acme.test", "b@globex.test"
    )
    assert [answer[:3] for answer in answers] == ["250", "550", "250", "250"]

    assert await server.hand_over(message(), answers=3) == [KEPT] * 3

    [ours] = await InboundMessage.newest("acme", None, 10)
    [theirs] = await InboundMessage.newest("globex", None, 10)
    assert ours.envelope_recipients == ["a@acme.test"]
    assert theirs.envelope_recipients == ["shared@acme.test", "b@globex.test"]


async def test_all_tenants_are_answered_together_in_smtp(listener: Listener) -> None:
    server = await listener(SMTP)
    await server.begin("a@acme.test", "b@globex.test")

    assert await server.hand_over(message()) == [KEPT]

    assert len(await octets("acme")) == len(await octets("globex")) == 1


@BOTH
async def test_several_messages_follow_each_other(listener: Listener, protocol: Protocol) -> None:
    server = await listener(protocol)
    for number in range(3):
        await server.begin("a@acme.test")
        assert await server.hand_over(message(f"<{number}@c.test>")) == [KEPT]
    assert (await server.say("QUIT")).startswith("221 2.0.0")

    assert len(await octets()) == 3


async def test_commands_may_come_together(listener: Listener) -> None:
    server = await listener(LMTP)
    server.writer.write(
        b"LHLO mx\r\nMAIL FROM:<jan@customer.test>\r\nRCPT TO:<a@acme.test>\r\n"
        b"RCPT TO:<x@else.test>\r\nDATA\r\n" + message() + b"\r\n.\r\nQUIT\r\n"
    )

    answers = [(await server.hear())[:9] for _ in range(7)]

    assert answers[1:] == [
        "250 2.1.0", "250 2.1.5", "550 5.1.1", "354 End d", "250 2.6.0", "221 2.0.0",
    ]  # fmt: skip
    assert len(await octets()) == 1


@BOTH
@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: x\r\n\r\n.\r\n..\r\n.dots\r\n",
        b".first\r\n",
        b"Subject: x\r\n\r\n" + b"y" * 200_000 + b"\r\nend\r\n",
        b"Subject: x\r\n\r\n" + b"." + b"y" * 5000 + b"\r\n",
        b"Subject: \xff\xfe\x00\r\n\r\n8 bits: \xe9\xf8\r\n",
    ],
    ids=["dots", "dot first", "long line", "long line of a dot", "8 bits"],
)
async def test_octets_arrive_as_they_were_sent(
    listener: Listener, protocol: Protocol, raw: bytes
) -> None:
    server = await listener(protocol)
    await server.begin("a@acme.test")

    assert await server.hand_over(raw) == [KEPT]

    assert await octets() == [TOP + raw]


@BOTH
@pytest.mark.parametrize("end", [b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\n", b"\r.\r\n"])
async def test_nothing_else_ends_a_message(
    listener: Listener, protocol: Protocol, end: bytes
) -> None:
    smuggled = b"Subject: one\r\n\r\nx" + end + b"MAIL FROM:<eve@e.test>\r\nRCPT TO:<b@acme.test>"
    server = await listener(protocol)
    await server.begin("a@acme.test")

    assert await server.say("DATA") == "354 End data with <CR><LF>.<CR><LF>"
    assert await server.say(smuggled + b"\r\n.") == KEPT

    [kept] = await octets()
    assert b"RCPT TO:<b@acme.test>" in kept
    assert (await server.say("NOOP")).startswith("250 2.0.0")


@BOTH
async def test_a_report_has_no_sender(listener: Listener, protocol: Protocol) -> None:
    server = await listener(protocol)
    await server.begin("a@acme.test", sender="")

    assert await server.hand_over(message()) == [KEPT]

    assert (await octets())[0].startswith(b"Return-Path: <>\r\n")


@pytest.mark.parametrize(
    "sender",
    ["a..b@mobile.test", "a.@mobile.test", "bounce+x=y.test@c.test", '"a b>"@c.test', "user"],
)
async def test_senders_that_exist_are_taken(listener: Listener, sender: str) -> None:
    server = await listener(LMTP)
    await server.begin("a@acme.test", sender=sender)

    assert await server.hand_over(message()) == [KEPT]

    assert (await octets())[0].startswith(f"Return-Path: <{sender}>\r\n".encode())


@pytest.mark.parametrize(
    "line",
    [
        "MAIL FROM:<a@c.test",
        "MAIL FROM:<a\rX: y@c.test>",
        "MAIL FROM:<a\x00@c.test>",
        "MAIL FROM:a b",
    ],
)
async def test_what_is_no_sender_is_refused(listener: Listener, line: str) -> None:
    server = await listener(LMTP)
    await server.say("LHLO mx")

    assert (await server.say(line))[:9] == "553 5.1.3"


async def test_a_route_before_an_address_says_nothing(listener: Listener) -> None:
    server = await listener(LMTP)
    await server.say("LHLO mx")
    assert (await server.say("MAIL FROM:<@one.test,@two.test:jan@c.test> SIZE=100"))[:3] == "250"
    assert (await server.say("RCPT TO:<@one.test:a@acme.test>"))[:9] == "250 2.1.5"
    assert await server.hand_over(message()) == [KEPT]

    [kept] = await InboundMessage.newest("acme", None, 10)
    assert kept.envelope_recipients == ["a@acme.test"]


async def test_letters_of_any_script_may_stand_in_addresses(listener: Listener, deps: Deps) -> None:
    await InboundDomain(tenant_id="acme", name="xn--bcher-kva.test", created=deps.now()).insert()
    server = await listener(LMTP)
    await server.say("LHLO mx")
    assert (await server.say("MAIL FROM:<jürgen@c.test> BODY=8BITMIME SMTPUTF8"))[:3] == "250"
    assert (await server.say("RCPT TO:<ärger@BÜCHER.test>"))[:9] == "250 2.1.5"

    assert await server.hand_over("Subject: Grüße\r\n\r\nä".encode()) == [KEPT]

    [kept] = await InboundMessage.newest("acme", None, 10)
    assert (kept.subject, kept.envelope_recipients) == ("Grüße", ["ärger@BÜCHER.test"])
    assert (await octets())[0].startswith("Return-Path: <jürgen@c.test>".encode())


@BOTH
async def test_what_is_too_large_is_refused_and_the_next_is_taken(
    listener: Listener, protocol: Protocol
) -> None:
    server = await listener(protocol, inbound_limit=2000)
    await server.say("LHLO mx" if protocol is LMTP else "EHLO mx")
    assert (await server.say("MAIL FROM:<jan@c.test> SIZE=2001"))[:9] == "552 5.3.4"

    await server.begin("a@acme.test", "b@globex.test")
    answers = await server.hand_over(message(text="x" * 9000), answers=2 if protocol is LMTP else 1)
    assert {answer[:9] for answer in answers} == {"552 5.3.4"}
    assert await octets() == []

    await server.begin("a@acme.test")
    assert await server.hand_over(message()) == [KEPT]


async def test_an_empty_message_is_none(listener: Listener) -> None:
    server = await listener(LMTP)
    await server.begin("a@acme.test")

    assert await server.hand_over(b"") == ["554 5.6.0 There is no message"]


async def test_more_recipients_are_for_another_time(listener: Listener) -> None:
    server = await listener(LMTP)
    addresses = [f"{number}@acme.test" for number in range(1001)]
    server.writer.write(b"LHLO mx\r\nMAIL FROM:<jan@c.test>\r\n")
    server.writer.write(b"".join(f"RCPT TO:<{one}>\r\n".encode() for one in addresses))
    answers = [await server.hear() for _ in range(1003)][2:]

    assert {answer[:9] for answer in answers[:1000]} == {"250 2.1.5"}
    assert answers[1000][:9] == "452 4.5.3"
    assert await server.hand_over(message(), answers=1000) == [KEPT] * 1000
    [kept] = await InboundMessage.newest("acme", None, 10)
    assert kept.envelope_recipients == addresses[:1000]


@BOTH
async def test_while_the_store_is_away_the_mail_server_keeps_it(
    listener: Listener, protocol: Protocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any, **__: Any) -> None:
        raise StoreUnavailableError("no primary")

    server = await listener(protocol)
    await server.begin("a@acme.test")
    with monkeypatch.context() as patch:
        patch.setattr(inbound, "ingest", away)
        assert [answer[:9] for answer in await server.hand_over(message())] == ["451 4.3.0"]
        patch.setattr(domains, "tenant_of", away)
        assert [answer[:9] for answer in await server.begin("b@acme.test")] == ["451 4.3.0"]

    await server.begin("b@acme.test")
    assert await server.hand_over(message()) == [KEPT]


@BOTH
async def test_a_fault_of_ours_loses_nothing(
    listener: Listener, protocol: Protocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def faulty(deps: Deps, caller: Any, raw: bytes, **more: Any) -> Any:
        if caller.tenant == "globex":
            raise ZeroDivisionError(raw.decode())
        return await kept(deps, caller, raw, **more)

    kept = inbound.ingest
    server = await listener(protocol)
    await server.begin("a@acme.test", "b@globex.test")
    with monkeypatch.context() as patch:
        patch.setattr(inbound, "ingest", faulty)
        answers = await server.hand_over(message(), answers=2 if protocol is LMTP else 1)

    # In SMTP it is sent to both again, and kept once.
    assert [answer[:3] for answer in answers] == (["250", "451"] if protocol is LMTP else ["451"])
    assert (len(await octets("acme")), len(await octets("globex"))) == (1, 0)


async def test_cut_off_in_the_middle_nothing_is_kept(listener: Listener) -> None:
    first = await listener(LMTP)
    await first.begin("a@acme.test")
    await first.say("DATA")
    first.writer.write(message())
    await first.writer.drain()
    first.hang_up()

    second = await listener(LMTP)
    await second.begin("a@acme.test")
    assert await second.hand_over(message()) == [KEPT]

    assert len(await octets()) == 1


async def test_connections_are_counted(listener: Listener) -> None:
    first = await listener(LMTP, inbound_connections=1)
    port = first.writer.get_extra_info("peername")[1]

    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    refused = await reader.read()
    writer.close()

    assert refused == b"421 4.3.2 Too many connections; try again later\r\n"
    first.hang_up()
    async with asyncio.timeout(20):
        # Until the first one's end is seen.
        while (await _greeting(port)).startswith(b"421 "):
            pass


async def _greeting(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    greeting = await reader.readline()
    writer.transport.abort()
    return greeting


async def test_the_silent_are_sent_away(listener: Listener) -> None:
    server = await listener(LMTP, inbound_timeout=timedelta(seconds=0.2))

    assert await server.hear() == ""


async def test_neither_addresses_nor_bodies_are_logged(
    listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    # Libraries tell warnings only (`app.logs`); aiosmtpd tells addresses before.
    caplog.set_level(logging.INFO)
    with capture_logs() as events:
        server = await listener(LMTP)
        await server.begin("a@acme.test", "nobody@else.test")
        await server.hand_over(message(text="secret words"))

    written = f"{caplog.text}{events}"
    for secret in ("a@acme.test", "nobody", "jan@customer.test", "secret words"):
        assert secret not in written


@BOTH
async def test_an_address_to_unsubscribe_by_is_a_recipient_like_any_other(
    listener: Listener,
    deps: Deps,
    send: Callable[..., Awaitable[Communication]],
    protocol: Protocol,
) -> None:
    record = await send({"unsubscribable": True})
    key, id_ = deps.settings.unsubscribe_keys[0], str(record.unsubscribe_id)
    token = unsubscribe_token(key, tenant="acme", mail_id=id_)
    # Nobody was given this domain: the token tells whose it is.
    domain = "in.letterbox.test"
    server = await listener(protocol, inbound_domain=domain)

    address, forged = (
        unsubscribe_address(one, domain=domain) for one in (token, f"{token[:-2]}aa")
    )
    taken, refused = await server.begin(address, forged)
    answers = await server.hand_over(b"From: <jan@customer.test>\r\nSubject: unsubscribe\r\n\r\n")

    assert taken == "250 2.1.5 Recipient taken"
    assert refused == "550 5.1.1 Nobody here has this address"
    assert answers == [KEPT]
    [said] = await Preference.of_address("acme", "jan@customer.test")
    assert (said.state, said.via) == (PreferenceState.UNSUBSCRIBED, PreferenceSource.MAILTO)
