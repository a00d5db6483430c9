"""Commands in groups (RFC 2920), with servers that answer them in every way they may."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mail.addresses import Mailbox
from app.mail.compose import Message
from app.providers.base import (
    OutgoingMessage,
    PermanentError,
    ProviderError,
    Receipt,
    Refusal,
    TransientError,
    UncertainError,
)
from app.providers.smtp import SmtpAccount, SmtpProvider
from app.settings import SmtpSecurity
from tests.fakes.certificates import Certificate
from tests.fakes.group_relay import GO_AHEAD, GOOD, GroupRelay, group_relay
from tests.fakes.relay import Relay, running_relay
from tests.fakes.scripted_relay import ScriptedRelay

OpenSmtp = Callable[..., SmtpProvider]
Outgoing = Callable[..., OutgoingMessage]
THREE = ("a@b.test", "b@b.test", "c@b.test")


@pytest.fixture
async def group() -> AsyncIterator[GroupRelay]:
    async with group_relay(GroupRelay()) as relay:
        yield relay


async def test_sender_recipients_and_data_are_told_together(
    open_smtp: OpenSmtp, group: GroupRelay, outgoing: Outgoing
) -> None:
    # It answers nothing before DATA: whoever waits for an answer to MAIL waits in vain.
    await open_smtp(port=group.port).send(outgoing(recipients=("a@b.test", "b@b.test")))

    assert group.told == [
        b"MAIL FROM:<crm@acme.test>\r\n",
        b"RCPT TO:<a@b.test>\r\n",
        b"RCPT TO:<b@b.test>\r\n",
        b"DATA\r\n",
    ]
    assert len(group.taken) == 1


@pytest.mark.parametrize(("pipelining", "commands"), [(True, 3), (False, 1)])
async def test_only_a_server_that_offers_it_gets_groups(
    open_smtp: OpenSmtp, outgoing: Outgoing, pipelining: bool, commands: int
) -> None:
    async with running_relay() as relay:
        relay.pipelining = pipelining
        provider = open_smtp(port=relay.port)
        await provider.send(outgoing())
        await provider.close()

    assert relay.introductions == [commands]
    assert len(relay.taken) == 1


class _BeforeTlsOnly(Relay):
    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, replies: Any
    ) -> list[str]:
        self.pipelining = session.ssl is None
        return await super().handle_EHLO(server, session, envelope, hostname, replies)


async def test_what_was_offered_before_tls_does_not_count(
    open_smtp: OpenSmtp, outgoing: Outgoing, certificate: Certificate
) -> None:
    async with running_relay(_BeforeTlsOnly(), starttls=certificate.context) as relay:
        provider = open_smtp(
            port=relay.port, security=SmtpSecurity.STARTTLS, ca_file=certificate.file
        )
        await provider.send(outgoing())
        await provider.close()

    assert relay.introductions == [1]


async def test_groups_go_over_tls(
    open_smtp: OpenSmtp, outgoing: Outgoing, certificate: Certificate
) -> None:
    async with running_relay(starttls=certificate.context) as relay:
        provider = open_smtp(
            port=relay.port, security=SmtpSecurity.STARTTLS, ca_file=certificate.file
        )
        await provider.send(outgoing(recipients=THREE))
        await provider.close()

    assert relay.introductions == [5]
    assert relay.taken[0].recipients == THREE


async def test_a_mail_that_some_get_tells_who_does_not(
    open_smtp: OpenSmtp, group: GroupRelay, outgoing: Outgoing
) -> None:
    group.answers = [GOOD, b"550 who\r\n", GOOD, b"450-busy\r\n450 now\r\n"]

    receipt = await open_smtp(port=group.port).send(outgoing(recipients=THREE))

    assert receipt.refused == {
        "a@b.test": Refusal("550 who", transient=False),
        "c@b.test": Refusal("450 busy now", transient=True),
    }
    assert len(group.taken) == 1


@pytest.mark.parametrize("data", [b"503 no recipients\r\n", GO_AHEAD])
async def test_a_mail_that_nobody_takes_leaves_the_connection_in_order(
    open_smtp: OpenSmtp, group: GroupRelay, outgoing: Outgoing, data: bytes
) -> None:
    provider = open_smtp(port=group.port)
    group.answers, group.end = [GOOD, b"550 who\r\n", b"450 busy\r\n", data], b"554 no mail\r\n"

    with pytest.raises(TransientError) as failed:
        await provider.send(outgoing(recipients=("a@b.test", "b@b.test")))
    group.behave()
    await provider.send(outgoing())

    assert failed.value.refused == {
        "a@b.test": Refusal("550 who", transient=False),
        "b@b.test": Refusal("450 busy", transient=True),
    }
    # A server that waits for a mail gets nothing but the dot.
    assert group.taken[:-1] == [b""] * (data == GO_AHEAD)
    assert len(group.taken[-1]) > 100
    assert group.connections == 1


@pytest.mark.parametrize(
    "answers",
    [
        [b"550 no\r\n", GOOD, GO_AHEAD],
        [b"200 fine\r\n", GOOD, GO_AHEAD],
        [GOOD, b"200 fine\r\n", GO_AHEAD],
    ],
)
async def test_a_server_that_might_send_on_an_empty_mail_is_hung_up_on(
    open_smtp: OpenSmtp, group: GroupRelay, outgoing: Outgoing, answers: list[bytes]
) -> None:
    provider = open_smtp(port=group.port)
    group.answers = answers

    with pytest.raises(ProviderError):
        await provider.send(outgoing())
    group.behave()
    await provider.send(outgoing())

    assert len(group.taken) == 1
    assert len(group.taken[0]) > 100
    assert group.connections == 2


@pytest.mark.parametrize("answered", range(1, 4))
async def test_a_connection_lost_within_the_group_is_no_open_end(
    open_smtp: OpenSmtp, group: GroupRelay, outgoing: Outgoing, answered: int
) -> None:
    provider = open_smtp(port=group.port)
    group.hangs_up_after = answered

    with pytest.raises(TransientError, match="connection to the relay lost") as failed:
        await provider.send(outgoing(recipients=("a@b.test", "b@b.test")))
    group.behave()
    await provider.send(outgoing())

    # Of the mail itself nothing was said.
    assert not isinstance(failed.value, UncertainError)
    assert len(group.taken) == 1
    assert group.connections == 2


async def test_what_was_refused_before_the_connection_was_lost_stays_refused(
    open_smtp: OpenSmtp, group: GroupRelay, outgoing: Outgoing
) -> None:
    group.answers, group.hangs_up_after = [b"550 not from you\r\n"], 1

    with pytest.raises(PermanentError) as failed:
        await open_smtp(port=group.port).send(outgoing())

    assert failed.value.detail == "550 not from you"


async def test_a_server_that_falls_silent_is_given_up(
    open_smtp: OpenSmtp, script: ScriptedRelay, outgoing: Outgoing
) -> None:
    script.replies = {"EHLO": b"250-relay\r\n250 PIPELINING\r\n", "RCPT": None}
    provider = open_smtp(port=script.port)

    with pytest.raises(TransientError, match=r"no answer within 1\.5 seconds") as failed:
        await asyncio.wait_for(provider.send(outgoing()), 10)
    script.replies = {}
    await provider.send(outgoing())

    assert not isinstance(failed.value, UncertainError)
    assert script.connections == 2


@pytest.mark.parametrize("surplus", [b"421 bye\r\n", GOOD, b"\r\n"])
async def test_an_answer_to_nothing_ends_the_connection_and_not_the_mail(
    open_smtp: OpenSmtp, group: GroupRelay, outgoing: Outgoing, surplus: bytes
) -> None:
    provider = open_smtp(port=group.port)
    group.end = GOOD + surplus

    await provider.send(outgoing())
    group.behave()
    await provider.send(outgoing())

    assert len(group.taken) == 2
    assert group.connections == 2


@pytest.mark.parametrize(
    "answer", [b"250-on and on\r\n" * 3000, b"250 " + b"x" * 40_000], ids=["lines", "line"]
)
async def test_an_endless_answer_is_not_kept(
    open_smtp: OpenSmtp, group: GroupRelay, outgoing: Outgoing, answer: bytes
) -> None:
    group.answers = [answer]

    with pytest.raises(TransientError, match="too long"):
        await asyncio.wait_for(open_smtp(port=group.port).send(outgoing()), 10)

    assert group.taken == []


@pytest.mark.parametrize(
    "address", ["a b@c.test", "a>b@c.test", "a@c.test> SIZE=1", "a@c.test\r\nRSET", "\xe9@c.test"]
)
async def test_an_address_brings_in_no_command(
    open_smtp: OpenSmtp, group: GroupRelay, outgoing: Outgoing, address: str
) -> None:
    with pytest.raises(PermanentError, match="no relay can be given this envelope"):
        await open_smtp(port=group.port).send(outgoing(envelope=(address,)))

    assert group.told == []


codes = st.sampled_from([250, 250, 250, 251, 450, 550, 421, 200, 354])
words = st.sampled_from(["", " OK", " 5.1.1 no", " \u00e9t\u00e9"])


@st.composite
def answer(draw: st.DrawFn, code: st.SearchStrategy[int] = codes) -> bytes:
    number, text = draw(code), draw(words).encode("latin-1")
    lines = draw(st.integers(0, 2))
    return b"".join([b"%d-more\r\n" % number] * lines) + b"%d%s\r\n" % (number, text)


async def outcome(provider: SmtpProvider, message: OutgoingMessage) -> tuple[Any, ...]:
    try:
        receipt: Receipt = await provider.send(message)
    except ProviderError as error:
        return type(error), error.detail, dict(error.refused)
    return ("sent", dict(receipt.refused))


@given(
    answers=st.tuples(
        answer(), answer(), answer(), answer(), answer(st.sampled_from([354, 354, 451, 503, 250]))
    ),
    end=answer(st.sampled_from([250, 250, 451, 554, 421])),
    cuts=st.lists(st.integers(1, 200), max_size=6),
)
@settings(max_examples=60)
async def test_a_server_is_understood_alike_however_its_answers_come(
    answers: tuple[bytes, ...], end: bytes, cuts: list[int]
) -> None:
    message = _to_three()
    outcomes = []
    for pipelining in (True, False):
        relay = GroupRelay(pipelining=pipelining, answers=list(answers), end=end, cuts=cuts)
        async with group_relay(relay):
            provider = SmtpProvider(_account(relay.port))
            outcomes.append(await outcome(provider, message))
            mails = [mail for mail in relay.taken if mail]
            relay.behave()
            relay.taken.clear()

            # Whatever it was, the next mail's answers are its own.
            assert await outcome(provider, message) == ("sent", {})

            outcomes.append((mails, list(relay.taken)))
            await provider.close()

    assert outcomes[:2] == outcomes[2:]


def _account(port: int) -> SmtpAccount:
    limit = timedelta(seconds=10)
    return SmtpAccount("127.0.0.1", port, SmtpSecurity.NONE, None, None, None, 1, limit, limit)


def _to_three() -> OutgoingMessage:
    said = Message(
        sender=Mailbox("crm@acme.test"),
        to=tuple(map(Mailbox, THREE)),
        subject="Offer",
        html="<p>Hello</p>",
        text="Hello",
        message_id="<1@acme.test>",
        date=datetime(2026, 11, 24, 9, 30, tzinfo=UTC),
    )
    return OutgoingMessage(said.message_id, THREE, said)
