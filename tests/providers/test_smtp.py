import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from email import message_from_bytes
from itertools import repeat
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from app.mail.addresses import Mailbox
from app.mail.compose import compose
from app.providers.base import OutgoingMessage, PermanentError, Refusal, TransientError
from app.providers.smtp import SmtpProvider
from app.providers.smtp.wire import Wire
from app.settings import SmtpSecurity
from tests.fakes.certificates import Certificate
from tests.fakes.relay import Relay, drop_connection, never_answer, running_relay
from tests.fakes.scripted_relay import ScriptedRelay
from tests.providers.contract import HandedOver, ProviderContract, Service

OpenSmtp = Callable[..., SmtpProvider]
Outgoing = Callable[..., OutgoingMessage]


class SmtpService(Service):
    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def handed_over(self) -> list[HandedOver]:
        return [
            HandedOver(mail.recipients, str(message_from_bytes(mail.content)["Message-ID"]))
            for mail in self._relay.taken
        ]

    def refuse_for_now(self, words: str) -> None:
        self._relay.data_replies = list(repeat(f"451 {words}", 100))

    def refuse_for_good(self, words: str) -> None:
        self._relay.data_replies = list(repeat(f"554 {words}", 100))

    def never_answer(self) -> None:
        self._relay.on_data = never_answer

    def talk_nonsense(self) -> None:
        self._relay.data_replies = list(repeat("<html>200 fine</html>", 100))

    def hang_up(self) -> None:
        self._relay.on_data = self._hang_up

    def recover(self) -> None:
        self._relay.data_replies = []
        self._relay.on_data = None

    async def _hang_up(self, server: Any) -> None:
        self._relay.data_replies = ["451 nobody hears this"]
        await drop_connection(server)


class TestSmtpKeepsTheContract(ProviderContract):
    @pytest.fixture
    def service(self, relay: Relay) -> SmtpService:
        return SmtpService(relay)

    @pytest.fixture
    def provider(self, open_smtp: OpenSmtp) -> SmtpProvider:
        return open_smtp()

    @pytest.fixture
    def unreachable(self, open_smtp: OpenSmtp, closed_port: int) -> SmtpProvider:
        return open_smtp(port=closed_port)

    @pytest.fixture
    async def locked_out(
        self, open_smtp: OpenSmtp, certificate: Certificate
    ) -> AsyncIterator[SmtpProvider]:
        async with running_relay(starttls=certificate.context, users={"acme": "right"}) as strict:
            yield open_smtp(
                port=strict.port,
                security=SmtpSecurity.STARTTLS,
                ca_file=certificate.file,
                username="acme",
                password="hunter2-wrong",
            )


async def test_the_octets_arrive_as_they_are(
    open_smtp: OpenSmtp, relay: Relay, outgoing: Outgoing
) -> None:
    message = outgoing(text=".a line that begins with a dot\n..\n.\n\nlast")

    await open_smtp().send(message)

    assert relay.taken[0].content == compose(message.message)
    assert b"\r\n.a line that begins with a dot\r\n..\r\n" in relay.taken[0].content


async def test_the_provider_id_is_the_message_id(
    open_smtp: OpenSmtp, relay: Relay, outgoing: Outgoing
) -> None:
    receipt = await open_smtp().send(outgoing(message_id="<own@acme.test>"))

    assert receipt.provider_id == "own@acme.test"
    assert receipt.internet_message_id == "<own@acme.test>"
    assert await open_smtp().identify(receipt.provider_id) == "<own@acme.test>"
    assert relay.taken[0].sender == "crm@acme.test"


@pytest.mark.parametrize(
    "address", ["o'brien+tag/x=y@b.test", "{a}|b~c@b.test", "a#!$%&*?^_`z@b.test", "A.B@b.test"]
)
async def test_an_unusual_address_arrives_as_it_is(
    open_smtp: OpenSmtp, relay: Relay, outgoing: Outgoing, address: str
) -> None:
    await open_smtp().send(outgoing(sender=Mailbox(address), recipients=(address,)))

    assert (relay.taken[0].sender, relay.taken[0].recipients) == (address, (address,))


async def test_some_refused_are_told_in_the_receipt(
    open_smtp: OpenSmtp, relay: Relay, outgoing: Outgoing
) -> None:
    relay.replies = {"piet@b.test": "550 no such user", "eve@b.test": "450 busy"}

    receipt = await open_smtp().send(
        outgoing(recipients=("jan@b.test", "piet@b.test", "eve@b.test"))
    )

    assert receipt.refused == {
        "piet@b.test": Refusal("550 no such user", transient=False),
        "eve@b.test": Refusal("450 busy", transient=True),
    }
    assert relay.taken[0].recipients == ("jan@b.test",)


@pytest.mark.parametrize(
    ("second", "error"), [("551 moved", PermanentError), ("450 busy", TransientError)]
)
async def test_all_refused_is_an_error_that_names_each(
    open_smtp: OpenSmtp,
    relay: Relay,
    outgoing: Outgoing,
    second: str,
    error: type[PermanentError | TransientError],
) -> None:
    relay.replies = {"jan@b.test": "550 no such user", "piet@b.test": second}

    with pytest.raises(error) as failed:
        await open_smtp().send(outgoing(recipients=("jan@b.test", "piet@b.test")))

    assert failed.value.detail == f"jan@b.test: 550 no such user; piet@b.test: {second}"
    assert failed.value.refused == {
        "jan@b.test": Refusal("550 no such user", transient=False),
        "piet@b.test": Refusal(second, transient=second.startswith("4")),
    }
    assert relay.taken == []


async def test_one_connection_serves_one_mail_after_another(
    open_smtp: OpenSmtp, relay: Relay, outgoing: Outgoing
) -> None:
    provider = open_smtp()

    for _ in range(10):
        await provider.send(outgoing())

    assert len(relay.taken) == 10
    assert relay.connections == 1


async def test_no_more_connections_than_allowed(
    open_smtp: OpenSmtp, relay: Relay, outgoing: Outgoing
) -> None:
    async def slow(_: object) -> None:
        await asyncio.sleep(0.02)

    relay.on_data = slow
    provider = open_smtp(connections=3)

    await asyncio.gather(*(provider.send(outgoing()) for _ in range(12)))

    assert len(relay.taken) == 12
    assert (relay.connections, relay.most_at_once) == (3, 3)


@pytest.mark.parametrize("reply", ["451 later", "554 spam"])
async def test_a_refusal_at_the_end_keeps_the_connection(
    open_smtp: OpenSmtp, relay: Relay, outgoing: Outgoing, reply: str
) -> None:
    provider = open_smtp()
    relay.data_replies = [reply]

    with pytest.raises((TransientError, PermanentError), match=reply):
        await provider.send(outgoing(recipients=("piet@b.test",)))
    await provider.send(outgoing())

    # RSET: the addresses of the refused mail are not those of the next.
    assert [mail.recipients for mail in relay.taken] == [("jan@b.test",)]
    assert relay.connections == 1


async def test_refused_recipients_keep_the_connection(
    open_smtp: OpenSmtp, relay: Relay, outgoing: Outgoing
) -> None:
    provider = open_smtp()
    relay.replies = {"piet@b.test": "550 no"}

    with pytest.raises(PermanentError):
        await provider.send(outgoing(recipients=("piet@b.test",)))
    await provider.send(outgoing())

    assert len(relay.taken) == 1
    assert relay.connections == 1


async def test_a_kept_connection_that_the_server_closed_is_replaced(
    open_smtp: OpenSmtp, relay: Relay, outgoing: Outgoing
) -> None:
    provider = open_smtp()
    await provider.send(outgoing())
    relay.drop_connections()
    await asyncio.sleep(0.05)

    await provider.send(outgoing())

    assert len(relay.taken) == 2
    assert relay.connections == 2


async def test_a_connection_silent_for_long_is_asked_first(
    open_smtp: OpenSmtp, script: ScriptedRelay, outgoing: Outgoing, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = open_smtp(port=script.port)
    await provider.send(outgoing())
    script.replies["NOOP"] = b"421 4.4.2 timeout\r\n"
    later = time.monotonic() + 6
    monkeypatch.setattr("app.providers.smtp.provider.time.monotonic", lambda: later)

    await provider.send(outgoing())

    assert len(script.taken) == 2
    assert script.connections == 2


async def test_a_connection_silent_for_long_that_answers_is_used(
    open_smtp: OpenSmtp, script: ScriptedRelay, outgoing: Outgoing, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = open_smtp(port=script.port)
    await provider.send(outgoing())
    later = time.monotonic() + 6
    monkeypatch.setattr("app.providers.smtp.provider.time.monotonic", lambda: later)

    await provider.send(outgoing())

    assert script.connections == 1


async def test_a_connection_silent_for_too_long_is_given_up(
    open_smtp: OpenSmtp, script: ScriptedRelay, outgoing: Outgoing, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = open_smtp(port=script.port)
    await provider.send(outgoing())
    later = time.monotonic() + 61
    monkeypatch.setattr("app.providers.smtp.provider.time.monotonic", lambda: later)

    await provider.send(outgoing())

    assert script.connections == 2


async def test_closing_ends_the_kept_connections(
    open_smtp: OpenSmtp, relay: Relay, outgoing: Outgoing
) -> None:
    provider = open_smtp()
    await asyncio.gather(*(provider.send(outgoing()) for _ in range(4)))
    assert len(relay.sessions) == 4

    await provider.close()
    await asyncio.sleep(0.05)

    assert relay.sessions == set()


async def test_a_send_that_is_cancelled_ends_its_connection(
    open_smtp: OpenSmtp, relay: Relay, outgoing: Outgoing
) -> None:
    reached = asyncio.Event()

    async def hang(server: SMTP) -> None:
        reached.set()
        await never_answer(server)

    relay.on_data = hang
    send = asyncio.create_task(open_smtp().send(outgoing()))
    await asyncio.wait_for(reached.wait(), 20)
    send.cancel()
    await asyncio.gather(send, return_exceptions=True)
    await asyncio.sleep(0.05)

    assert relay.sessions == set()


async def test_starttls(open_smtp: OpenSmtp, outgoing: Outgoing, certificate: Certificate) -> None:
    async with running_relay(starttls=certificate.context) as relay:
        provider = open_smtp(
            port=relay.port, security=SmtpSecurity.STARTTLS, ca_file=certificate.file
        )

        await provider.send(outgoing())
        await provider.send(outgoing())

        assert len(relay.taken) == 2
        assert relay.connections == 1
        await provider.close()


async def test_tls_from_the_start(
    open_smtp: OpenSmtp, outgoing: Outgoing, certificate: Certificate
) -> None:
    async with running_relay(tls=certificate.context) as relay:
        provider = open_smtp(port=relay.port, security=SmtpSecurity.TLS, ca_file=certificate.file)

        await provider.send(outgoing())

        assert len(relay.taken) == 1
        await provider.close()


async def test_a_login(open_smtp: OpenSmtp, outgoing: Outgoing, certificate: Certificate) -> None:
    async with running_relay(starttls=certificate.context, users={"acme": "s3cret"}) as relay:
        provider = open_smtp(
            port=relay.port,
            security=SmtpSecurity.STARTTLS,
            ca_file=certificate.file,
            username="acme",
            password="s3cret",
        )

        await provider.send(outgoing())

        assert len(relay.taken) == 1
        await provider.close()


async def test_a_wrong_password_is_told_without_it(
    open_smtp: OpenSmtp,
    outgoing: Outgoing,
    certificate: Certificate,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with running_relay(starttls=certificate.context, users={"acme": "s3cret"}) as relay:
        provider = open_smtp(
            port=relay.port,
            security=SmtpSecurity.STARTTLS,
            ca_file=certificate.file,
            username="acme",
            password="hunter2-wrong",
        )

        with pytest.raises(TransientError) as failed:
            await provider.send(outgoing())

        assert failed.value.detail.startswith("the relay refused our credentials: 535 ")
        assert "hunter2" not in repr(failed.value) + failed.value.detail
        assert "hunter2" not in caplog.text
        assert relay.taken == []


@pytest.mark.parametrize("security", [SmtpSecurity.STARTTLS, SmtpSecurity.TLS])
async def test_a_certificate_nobody_vouches_for_gets_no_mail(
    open_smtp: OpenSmtp, outgoing: Outgoing, certificate: Certificate, security: SmtpSecurity
) -> None:
    tls = certificate.context if security is SmtpSecurity.TLS else None
    starttls = certificate.context if security is SmtpSecurity.STARTTLS else None
    async with running_relay(tls=tls, starttls=starttls) as relay:
        provider = open_smtp(port=relay.port, security=security)

        with pytest.raises(TransientError, match="certificate verify failed"):
            await provider.send(outgoing())

        assert relay.taken == []


async def test_a_certificate_of_another_host_gets_no_mail(
    open_smtp: OpenSmtp, outgoing: Outgoing, certificate: Certificate
) -> None:
    async with running_relay(tls=certificate.context) as relay:
        provider = open_smtp(
            host="localhost",
            port=relay.port,
            security=SmtpSecurity.TLS,
            ca_file=certificate.file,
        )

        with pytest.raises(TransientError, match="certificate"):
            await provider.send(outgoing())

        assert relay.taken == []


async def test_a_relay_without_starttls_gets_no_mail_that_demands_it(
    open_smtp: OpenSmtp, outgoing: Outgoing, relay: Relay
) -> None:
    provider = open_smtp(security=SmtpSecurity.STARTTLS)

    with pytest.raises(TransientError, match=r"(?i)starttls"):
        await provider.send(outgoing())

    assert relay.taken == []


async def test_a_relay_without_login_gets_no_credentials(
    open_smtp: OpenSmtp, outgoing: Outgoing, script: ScriptedRelay
) -> None:
    script.replies["EHLO"] = b"250 relay\r\n"
    provider = open_smtp(port=script.port, username="acme", password="s3cret")

    with pytest.raises(TransientError, match=r"(?i)auth"):
        await provider.send(outgoing())

    assert script.taken == []


async def test_a_relay_that_greets_with_a_refusal_is_tried_later(
    open_smtp: OpenSmtp, outgoing: Outgoing, script: ScriptedRelay
) -> None:
    script.greeting = b"554 5.7.1 your address is blocked\r\n"

    with pytest.raises(TransientError) as failed:
        await open_smtp(port=script.port).send(outgoing())

    assert "your address is blocked" in failed.value.detail
    assert f"127.0.0.1:{script.port}" in failed.value.detail


@pytest.mark.parametrize("greeting", [None, b"<html>\r\n", b"", b"\xff\xfe\x00\r\n"])
async def test_a_server_that_is_no_relay_is_tried_later(
    open_smtp: OpenSmtp, outgoing: Outgoing, script: ScriptedRelay, greeting: bytes | None
) -> None:
    script.greeting = greeting
    provider = open_smtp(port=script.port)

    with pytest.raises(TransientError) as failed:
        await asyncio.wait_for(provider.send(outgoing()), 20)

    assert failed.value.detail.startswith(f"no connection to the relay 127.0.0.1:{script.port}: ")
    failed.value.detail.encode()


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "END"])
@pytest.mark.parametrize(
    "reply", [b"hello there\r\n", b"999 what\r\n", b"200 fine\r\n", b"\xff\xff\xff\r\n", None]
)
async def test_nonsense_at_any_step_is_tried_later(
    open_smtp: OpenSmtp, outgoing: Outgoing, script: ScriptedRelay, verb: str, reply: bytes | None
) -> None:
    provider = open_smtp(
        port=script.port, data_timeout=timedelta(seconds=1), timeout=timedelta(seconds=1)
    )
    script.replies[verb] = reply

    with pytest.raises(TransientError) as failed:
        await asyncio.wait_for(provider.send(outgoing()), 20)

    failed.value.detail.encode()
    script.replies.clear()
    await provider.send(outgoing())
    assert len(script.taken) == 1
    # What else that server may still say belongs to the first mail.
    assert script.connections == 2


async def test_words_in_another_charset_are_made_storable(
    open_smtp: OpenSmtp, outgoing: Outgoing, script: ScriptedRelay
) -> None:
    script.replies["RCPT"] = "550-Boîte\r\n550 pleine\r\n".encode("latin-1")

    with pytest.raises(PermanentError) as failed:
        await open_smtp(port=script.port).send(outgoing())

    assert failed.value.detail == "jan@b.test: 550 Bo\ufffdte pleine"
    assert failed.value.refused["jan@b.test"].reply == "550 Bo\ufffdte pleine"


async def test_long_words_are_cut(
    open_smtp: OpenSmtp, outgoing: Outgoing, script: ScriptedRelay
) -> None:
    script.replies["END"] = b"554 " + b"x" * 4000 + b"\r\n"

    with pytest.raises(PermanentError) as failed:
        await open_smtp(port=script.port).send(outgoing())

    assert failed.value.detail == "554 " + "x" * 500


async def test_a_relay_shutting_down_gives_its_words_and_a_new_connection(
    open_smtp: OpenSmtp, outgoing: Outgoing, relay: Relay
) -> None:
    provider = open_smtp()
    relay.replies = {"jan@b.test": "421 shutting down", "piet@b.test": "421 shutting down"}

    with pytest.raises(TransientError, match="421 shutting down"):
        await provider.send(outgoing(recipients=("jan@b.test", "piet@b.test")))
    relay.replies = {}
    await provider.send(outgoing())

    assert len(relay.taken) == 1
    assert relay.connections == 2


async def test_a_mail_waits_for_its_turn_no_longer_than_the_mails_before_it(
    open_smtp: OpenSmtp, outgoing: Outgoing, relay: Relay
) -> None:
    relay.on_data = never_answer
    provider = open_smtp(
        connections=1, data_timeout=timedelta(seconds=1), timeout=timedelta(seconds=1)
    )

    results = await asyncio.wait_for(
        asyncio.gather(*(provider.send(outgoing()) for _ in range(3)), return_exceptions=True), 5
    )

    assert [isinstance(result, TransientError) for result in results] == [True] * 3


@pytest.mark.parametrize(
    ("pipelining", "reply"),
    [(False, 1), (False, 2), (False, 3), (False, 4), (True, 1), (True, 2)],
    ids=["MAIL", "RCPT", "DATA", "final dot", "group", "final dot after a group"],
)
async def test_a_cancellation_that_comes_together_with_a_reply_counts(
    open_smtp: OpenSmtp,
    outgoing: Outgoing,
    relay: Relay,
    pipelining: bool,
    reply: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    relay.pipelining = pipelining
    received = Wire.data_received
    replies: list[bytes] = []

    def cancelled_at_the_reply(wire: Wire, data: bytes) -> None:
        received(wire, data)
        replies.append(data)
        if len(replies) == reply:
            sending.cancel()

    monkeypatch.setattr(Wire, "data_received", cancelled_at_the_reply)
    sending = asyncio.create_task(open_smtp().send(outgoing()))

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(sending, 20)

    assert len(replies) == reply
