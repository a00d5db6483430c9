import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.mail.addresses import Mailbox
from app.providers.base import (
    AccountError,
    OutgoingMessage,
    ParkedError,
    PermanentError,
    Receipt,
    TransientError,
)
from app.providers.graph import GraphProvider
from tests.fakes.graph import DIRECTORY, MAILBOX, FakeGraph
from tests.fakes.graph_faults import (
    BROKEN,
    BUSY,
    CONCURRENCY,
    DROPPED,
    HTML,
    NEVER_ANSWERED,
    NO_MAILBOX,
    NO_USER,
    SEND_AS_DENIED,
    TOO_LARGE,
    Fault,
)
from tests.providers.contract import HandedOver, ProviderContract, Service

OpenGraph = Callable[..., GraphProvider]
Outgoing = Callable[..., OutgoingMessage]
CREATE = "POST /v1.0/users/crm%40acme.test/messages"
SEND = f"{CREATE}/ID/send"
TOKEN = f"POST /{DIRECTORY}/oauth2/v2.0/token"


class GraphService(Service):
    def __init__(self, graph: FakeGraph) -> None:
        self._graph = graph

    def handed_over(self) -> list[HandedOver]:
        sent = self._graph.box.sent
        return [HandedOver(one.recipients, one.item.message_id) for one in sent]

    def refuse_for_now(self, words: str) -> None:
        self._graph.always = Fault(429, "ApplicationThrottled", words)

    def refuse_for_good(self, words: str) -> None:
        self._graph.always = Fault(400, "ErrorInvalidRequest", words, on="/messages")

    def never_answer(self) -> None:
        self._graph.always = NEVER_ANSWERED

    def talk_nonsense(self) -> None:
        self._graph.always = Fault(200, body="<html>200 fine</html>")

    def hang_up(self) -> None:
        self._graph.always = DROPPED

    def recover(self) -> None:
        self._graph.always = None


class TestGraphKeepsTheContract(ProviderContract):
    @pytest.fixture
    def service(self, graph: FakeGraph) -> GraphService:
        return GraphService(graph)

    @pytest.fixture
    def provider(self, open_graph: OpenGraph) -> GraphProvider:
        return open_graph()

    @pytest.fixture
    def unreachable(self, open_graph: OpenGraph, closed_port: int) -> GraphProvider:
        address = f"http://127.0.0.1:{closed_port}"
        return open_graph(graph_url=f"{address}/v1.0", login_url=address)

    @pytest.fixture
    def locked_out(self, open_graph: OpenGraph) -> GraphProvider:
        return open_graph(client_secret="hunter2-wrong")


async def test_what_is_asked_of_graph(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing
) -> None:
    receipt = await open_graph().send(outgoing(message_id="<own@acme.test>"))

    assert graph.calls() == [TOKEN, CREATE, SEND]
    assert graph.asked[1].json == {
        "internetMessageId": "<own@acme.test>",
        "subject": "Offer",
        "body": {"contentType": "html", "content": "<p>Hello</p>"},
        "from": {"emailAddress": {"address": "crm@acme.test", "name": "Acme"}},
        "toRecipients": [{"emailAddress": {"address": "jan@b.test"}}],
    }
    assert graph.asked[2].content == b""
    (token,) = graph.tokens
    for asked in graph.asked[1:]:
        assert asked.headers["prefer"] == 'IdType="ImmutableId"'
        assert asked.headers["authorization"] == f"Bearer {token}"
    item = graph.box.sent[0].item
    assert receipt == Receipt(item.id, "<own@acme.test>", item.conversation_id)


async def test_a_mail_with_everything(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing
) -> None:
    message = outgoing(
        to=(Mailbox("jan@b.test", "Jan"), Mailbox("gone@b.test")),
        cc=(Mailbox("Piet@b.test"), Mailbox("jan@b.test")),
        reply_to=Mailbox("sales@acme.test", "Sales"),
        in_reply_to="<2@b.test>",
        references=("<1@b.test>", "<2@b.test>"),
        headers=(
            ("X-One", "1"),
            ("List-Unsubscribe", "<https://acme.test/u>"),
            *((f"x-{number}", "v") for number in range(2, 8)),
        ),
    )

    # One of To has it already, one gets it and stands in no header.
    await open_graph().send(
        replace(message, recipients=("jan@b.test", "piet@b.test", "eve@b.test"))
    )

    assert graph.asked[1].json == {
        "internetMessageId": message.message.message_id,
        "subject": "Offer",
        "body": {"contentType": "html", "content": "<p>Hello</p>"},
        "from": {"emailAddress": {"address": "crm@acme.test", "name": "Acme"}},
        "toRecipients": [{"emailAddress": {"address": "jan@b.test", "name": "Jan"}}],
        "ccRecipients": [{"emailAddress": {"address": "Piet@b.test"}}],
        "bccRecipients": [{"emailAddress": {"address": "eve@b.test"}}],
        "replyTo": [{"emailAddress": {"address": "sales@acme.test", "name": "Sales"}}],
        "internetMessageHeaders": [
            {"name": "X-One", "value": "1"},
            *({"name": f"x-{number}", "value": "v"} for number in range(2, 6)),
        ],
        "singleValueExtendedProperties": [
            {"id": "String 0x1042", "value": "<2@b.test>"},
            {"id": "String 0x1039", "value": "<1@b.test> <2@b.test>"},
        ],
    }


async def test_a_message_id_that_exchange_chose_is_told(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing
) -> None:
    graph.box.keeps_message_ids = False

    receipt = await open_graph().send(outgoing())

    assert receipt.internet_message_id == graph.box.sent[0].item.message_id
    assert str(receipt.internet_message_id).endswith("@exchange.test>")


async def test_one_token_serves_many_mails(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing
) -> None:
    provider = open_graph()

    await asyncio.gather(*(provider.send(outgoing()) for _ in range(6)))
    await provider.verify()

    assert graph.calls().count(TOKEN) == 1


@pytest.mark.parametrize(
    ("lifetime", "kept"), [(3599, 3298), ("3599", 3298), (600, 299), (100, 49)]
)
async def test_a_token_is_renewed_before_it_ends(
    open_graph: OpenGraph,
    graph: FakeGraph,
    monkeypatch: pytest.MonkeyPatch,
    lifetime: int | str,
    kept: int,
) -> None:
    clock = [1000.0]
    monkeypatch.setattr("app.providers.graph.client.monotonic", lambda: clock[0])
    graph.token_lifetime = lifetime
    provider = open_graph()
    await provider.verify()

    clock[0] += kept
    await provider.verify()
    assert graph.calls().count(TOKEN) == 1

    clock[0] += 2
    await provider.verify()
    assert graph.calls().count(TOKEN) == 2


async def test_a_token_that_is_refused_is_replaced_once(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing
) -> None:
    provider = open_graph()
    await provider.verify()
    graph.tokens.clear()

    await provider.send(outgoing())

    assert graph.calls().count(TOKEN) == 2
    assert graph.calls()[2:] == [CREATE, TOKEN, CREATE, SEND]


async def test_a_token_that_is_refused_again_is_told(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing
) -> None:
    graph.always = Fault(401, "InvalidAuthenticationToken", "Nobody knows it.", on="/messages")

    with pytest.raises(AccountError, match=r"credentials: 401 .*: Nobody knows it\."):
        await open_graph().send(outgoing())

    assert graph.calls() == [TOKEN, CREATE, TOKEN, CREATE]


@pytest.mark.parametrize(
    ("fault", "error", "words", "retry_after"),
    [
        (CONCURRENCY, TransientError, "over its MailboxConcurrency limit", 3),
        (replace(CONCURRENCY, headers={}), TransientError, "busy", None),
        (BUSY, TransientError, "ErrorServerBusy", 7),
        (replace(BUSY, status=504), TransientError, "ErrorServerBusy", 7),
        (replace(BUSY, headers={}), AccountError, "failed: 503", None),
        (replace(BUSY, headers={"Retry-After": "soon"}), AccountError, "failed: 503", None),
        (replace(BUSY, headers={"Retry-After": "inf"}), TransientError, "busy", 1e9),
        (replace(BUSY, headers={"Retry-After": "-5"}), TransientError, "busy", 0),
        (
            replace(BUSY, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
            TransientError,
            "busy",
            0,
        ),
        (Fault(409, "ErrorIrresolvableConflict", "Try again."), TransientError, "for now", None),
        (Fault(408), TransientError, "for now", None),
        (BROKEN, AccountError, "failed: 500 ErrorInternalServerError", None),
        (HTML, AccountError, "<h1>502 Bad Gateway</h1>", None),
        (DROPPED, AccountError, "Microsoft Graph does not answer", None),
        (NEVER_ANSWERED, AccountError, "does not answer: ReadTimeout", None),
        (NO_USER, AccountError, "ErrorInvalidUser", None),
        (NO_MAILBOX, AccountError, "inactive, soft-deleted", None),
        (SEND_AS_DENIED, AccountError, "ErrorSendAsDenied", None),
        (Fault(403, "ErrorAccessDenied", "Access is denied."), AccountError, "denied", None),
        (Fault(400, "ErrorQuotaExceeded", "Full."), AccountError, "ErrorQuotaExceeded", None),
        (Fault(400, "ErrorInvalidRecipients", "Bad."), PermanentError, "Bad.", None),
        (TOO_LARGE, PermanentError, "413 RequestEntityTooLarge", None),
        (Fault(301, body=""), AccountError, "fits no question: 301", None),
        (Fault(201, body="{}"), AccountError, "fits no question: 201", None),
        (Fault(201, body='{"id": 1}'), AccountError, "fits no question", None),
        (Fault(201, body='{"id": "a"}'), AccountError, "fits no question", None),
        (Fault(400, body='{"error": "no object"}'), PermanentError, "no object", None),
        (Fault(400, body='["\\ud800\\u0000\\n"]'), PermanentError, "400", None),
        (Fault(400, body="x" * 9000), PermanentError, "x" * 500, None),
    ],
)
async def test_what_each_refusal_means(
    open_graph: OpenGraph,
    graph: FakeGraph,
    outgoing: Outgoing,
    fault: Fault,
    error: type[TransientError | PermanentError],
    words: str,
    retry_after: float | None,
) -> None:
    graph.faults = [replace(fault, on="/messages")]

    with pytest.raises(error) as failed:
        await open_graph().send(outgoing())

    assert type(failed.value) is error
    assert words in failed.value.detail
    assert failed.value.detail.isprintable()
    assert len(failed.value.detail) < 700
    if isinstance(failed.value, TransientError):
        expected = None if retry_after is None else timedelta(seconds=retry_after)
        assert failed.value.retry_after == expected
    assert graph.box.sent == []
    assert graph.box.items == {}


async def test_a_request_id_is_told(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing
) -> None:
    graph.faults = [replace(BROKEN, on="/messages")]

    with pytest.raises(AccountError, match=r"\(request-id [0-9a-f]{16}\)$"):
        await open_graph().send(outgoing())


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (replace(BUSY, status=429), TransientError, "login is busy"),
        (replace(BUSY, headers={}), TransientError, "login is busy"),
        (BROKEN, AccountError, "Microsoft's login failed: 500"),
        (HTML, AccountError, "502 Bad Gateway"),
        (DROPPED, AccountError, "Microsoft's login does not answer"),
        (NEVER_ANSWERED, AccountError, "Microsoft's login does not answer"),
        (Fault(200, body="fine"), AccountError, "holds no token"),
        (Fault(200, body='{"access_token": "a"}'), AccountError, "holds no token"),
        (
            Fault(200, body='{"access_token": "a\\nb", "expires_in": 1}'),
            AccountError,
            "holds no token",
        ),
        (
            Fault(400, body='{"error": "invalid_client", "error_description": "not right-secret"}'),
            AccountError,
            "refused our credentials: 400 invalid_client: not ...",
        ),
    ],
)
async def test_what_the_logins_refusals_mean(
    open_graph: OpenGraph,
    graph: FakeGraph,
    outgoing: Outgoing,
    fault: Fault,
    error: type[TransientError],
    words: str,
) -> None:
    graph.faults = [replace(fault, on="/token")]

    with pytest.raises(error) as failed:
        await open_graph().send(outgoing())

    assert type(failed.value) is error
    assert words in failed.value.detail


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"client_secret": "hunter2"}, "credentials: 401 invalid_client: AADSTS7000215"),
        ({"client_id": "other"}, "credentials: 400 unauthorized_client: AADSTS700016"),
        ({"directory_id": "../x"}, "credentials: 400 invalid_request: AADSTS90002"),
        ({"mailbox": "nobody@acme.test"}, "404 ErrorInvalidUser"),
        ({"graph_url": "http://127.0.0.1:9"}, "does not answer"),
        ({"login_url": "no address"}, "login does not answer"),
    ],
)
async def test_verify_tells_what_is_wrong_without_the_secret(
    open_graph: OpenGraph,
    caplog: pytest.LogCaptureFixture,
    change: dict[str, Any],
    words: str,
) -> None:
    caplog.set_level(logging.DEBUG)

    with pytest.raises(AccountError) as failed:
        await open_graph(**change).verify()

    assert words in failed.value.detail
    for secret in ("hunter2", "right-secret"):
        assert secret not in failed.value.detail + caplog.text


async def test_verify_sends_nothing(open_graph: OpenGraph, graph: FakeGraph) -> None:
    await open_graph().verify()

    assert graph.calls() == [TOKEN, "GET /v1.0/users/crm%40acme.test/mailFolders/drafts"]
    assert graph.box.items == {}


@pytest.mark.parametrize("fault", [HTML, Fault(200, body="fine"), DROPPED])
async def test_verify_needs_a_real_answer(
    open_graph: OpenGraph, graph: FakeGraph, fault: Fault
) -> None:
    graph.faults = [replace(fault, on="/mailFolders")]

    with pytest.raises(AccountError):
        await open_graph().verify()


async def test_an_address_that_exchange_refuses_leaves_no_draft(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing
) -> None:
    with pytest.raises(PermanentError, match="ErrorInvalidRecipients"):
        await open_graph().send(outgoing(recipients=("jan@b.test", "jän@b.test")))

    assert graph.box.items == {}
    assert graph.calls()[-1] == "DELETE /v1.0/users/crm%40acme.test/messages/ID"


async def test_what_no_json_can_hold_is_refused_for_good(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing
) -> None:
    with pytest.raises(PermanentError, match="cannot be written"):
        await open_graph().send(outgoing(subject="\ud800"))

    assert graph.box.items == {}


async def test_a_mailbox_is_never_asked_more_than_four_things_at_a_time(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing
) -> None:
    graph.seconds = 0.02
    providers = [open_graph(), open_graph()]

    await asyncio.gather(*(provider.send(outgoing()) for provider in providers for _ in range(10)))

    assert len(graph.box.sent) == 20
    assert graph.box.most_at_once == 4


async def test_a_mail_beyond_thirty_a_minute_is_parked_before_anything_is_asked(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing
) -> None:
    provider = open_graph()
    for _ in range(30):
        await provider.send(outgoing())
    graph.asked.clear()

    with pytest.raises(ParkedError) as parked:
        await provider.send(outgoing())

    assert parked.value.retry_after is not None
    assert timedelta(seconds=5) < parked.value.retry_after <= timedelta(seconds=61)
    assert graph.asked == []


async def test_what_was_received_is_fetched_as_it_came(
    open_graph: OpenGraph, graph: FakeGraph
) -> None:
    octets = b"Subject: Hi\r\n\r\n\xff\x00hello" * 1000
    item = graph.box.receive("<1@b.test>", octets)

    assert await open_graph().inbox.fetch(item.id, limit=10**6) == octets


@pytest.mark.parametrize(
    ("id_", "limit", "words"),
    [(None, 10, "larger than 10 octets"), ("AAkALg-../?x=1", 100, "ErrorItemNotFound")],
)
async def test_what_cannot_be_fetched(
    open_graph: OpenGraph, graph: FakeGraph, id_: str | None, limit: int, words: str
) -> None:
    item = graph.box.receive("<1@b.test>", b"x" * 11)

    with pytest.raises(PermanentError, match=words):
        await open_graph().inbox.fetch(id_ or item.id, limit=limit)


@pytest.mark.parametrize("fault", [BROKEN, DROPPED, CONCURRENCY, NO_USER])
async def test_what_cannot_be_fetched_now(
    open_graph: OpenGraph, graph: FakeGraph, fault: Fault
) -> None:
    item = graph.box.receive("<1@b.test>", b"x")
    graph.faults = [replace(fault, on="/$value")]
    provider = open_graph()

    with pytest.raises(TransientError):
        await provider.inbox.fetch(item.id, limit=100)

    assert await provider.inbox.fetch(item.id, limit=100) == b"x"


async def test_a_message_id_is_read_again(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing
) -> None:
    provider = open_graph()
    receipt = await provider.send(outgoing())
    graph.box.sent[0].item.fields["internetMessageId"] = "<changed@exchange.test>"

    assert await provider.identify(receipt.provider_id) == "<changed@exchange.test>"
    assert await provider.identify("AAkALg-other") is None


@pytest.mark.parametrize("fault", [NO_USER, BROKEN, Fault(200, body="{}")])
async def test_a_message_id_that_cannot_be_read_now(
    open_graph: OpenGraph, graph: FakeGraph, fault: Fault
) -> None:
    graph.faults = [replace(fault, on="GET ")]

    with pytest.raises(AccountError):
        await open_graph().identify("AAkALg-1")


async def test_the_secret_stands_in_no_text(open_graph: OpenGraph, graph: FakeGraph) -> None:
    provider = open_graph()
    await provider.verify()

    shown = repr(provider._client._account)  # noqa: SLF001 - what a traceback would show

    assert MAILBOX in shown
    assert "right-secret" not in shown
    assert json.dumps(graph.asked[0].content.decode()).count("right-secret") == 1
