"""Drafts that are made in several steps: with files, or as replies."""

import base64
from collections.abc import Callable
from dataclasses import replace

import pytest

from app.mail.addresses import Mailbox
from app.mail.compose import compose
from app.providers.base import AccountError, OutgoingMessage, PermanentError, TransientError
from app.providers.graph import GraphProvider
from app.providers.graph.uploads import PART, SMALL
from tests.fakes.graph import FakeGraph
from tests.fakes.graph_faults import BROKEN, CONCURRENCY, DROPPED, HTML, TOO_LARGE, Fault
from tests.providers.attempts import Attempts, file

OpenGraph = Callable[..., GraphProvider]
Outgoing = Callable[..., OutgoingMessage]
MAILBOX = "/v1.0/users/crm%40acme.test"
UPLOAD = f"POST {MAILBOX}/messages/ID/attachments/createUploadSession"


@pytest.fixture
def reply(graph: FakeGraph, outgoing: Outgoing) -> OutgoingMessage:
    """A mail that answers one which the mailbox received."""
    item = graph.box.receive("<question@b.test>")
    message = outgoing(
        subject="Re: Your question",
        in_reply_to="<question@b.test>",
        references=("<question@b.test>",),
        headers=(("X-One", "1"),),
    )
    return replace(message, answers=item.id)


async def test_small_files_go_with_their_content(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts
) -> None:
    files = (file(0), file(10, content_id="logo@acme"), file(SMALL - 1))

    await open_graph().send(attempts.next(outgoing(attachments=files)))

    assert graph.box.sent[0].item.attachments == [
        {
            "@odata.type": "#microsoft.graph.fileAttachment",
            "name": "Offerte ü.pdf",
            "contentType": "application/pdf",
            "contentBytes": base64.b64encode(one.content).decode(),
            "isInline": one.content_id is not None,
            **({"contentId": one.content_id} if one.content_id else {}),
        }
        for one in files
    ]


async def test_headers_that_json_cannot_hold_go_as_mime(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts
) -> None:
    fields = (("List-Unsubscribe", "<https://acme.test/u/1>"), ("X-One", "1"))
    message = outgoing(headers=fields, to=(Mailbox("Jan@b.test", "Jan"),), attachments=(file(10),))

    receipt = await open_graph().send(attempts.next(message))

    [sent] = graph.box.sent
    assert graph.asked[1].headers["content-type"] == "text/plain"
    written = base64.b64decode(graph.asked[1].content)
    assert written == compose(replace(message.message, attachments=()))
    assert {"name": "List-Unsubscribe", "value": "<https://acme.test/u/1>"} in (
        sent.item.fields["internetMessageHeaders"]
    )
    assert [one["name"] for one in sent.item.attachments] == ["Offerte ü.pdf"]
    assert sent.recipients == ("Jan@b.test",)
    assert receipt.internet_message_id == message.message.message_id


async def test_a_reply_with_such_headers_goes_as_mime_too(
    open_graph: OpenGraph, graph: FakeGraph, reply: OutgoingMessage
) -> None:
    fields = (("List-Unsubscribe", "<https://acme.test/u/1>"),)
    message = replace(reply, message=replace(reply.message, headers=fields))

    await open_graph().send(message)

    [sent] = graph.box.sent
    assert {"name": "In-Reply-To", "value": "<question@b.test>"} in (
        sent.item.fields["internetMessageHeaders"]
    )
    assert all("createReply" not in call for call in graph.calls())


async def test_whom_the_headers_do_not_name_gets_it_without_them(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing
) -> None:
    fields = (("List-Unsubscribe", "<https://acme.test/u/1>"),)
    message = outgoing(headers=fields, envelope=("jan@b.test", "eve@b.test"))

    await open_graph().send(message)

    assert graph.box.sent[0].recipients == ("jan@b.test", "eve@b.test")
    assert "internetMessageHeaders" not in graph.box.sent[0].item.fields


@pytest.mark.parametrize("size", [SMALL, PART, PART + 1, 3 * PART, 8_000_000])
async def test_large_files_are_uploaded_in_parts(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts, size: int
) -> None:
    large = file(size, content_id="plan@acme")

    await open_graph(timeout=attempts.long).send(attempts.next(outgoing(attachments=(large,))))

    (attachment,) = graph.box.sent[0].item.attachments
    assert attachment == {
        "attachmentType": "file",
        "name": "Offerte ü.pdf",
        "contentType": "application/pdf",
        "contentId": "plan@acme",
        "isInline": True,
        "size": size,
        "content": large.content,
    }
    parts = [asked for asked in graph.asked if asked.call.startswith("PUT ")]
    assert len(parts) == -(-size // PART)
    assert all("authorization" not in part.headers for part in parts)
    assert max(len(part.content) for part in parts) < 4_000_000
    assert graph.calls().count(UPLOAD) == 1


@pytest.mark.parametrize("on", ["/attachments", "/createUploadSession", "PUT "])
@pytest.mark.parametrize(
    "fault", [BROKEN, DROPPED, HTML, CONCURRENCY, Fault(404, "ErrorItemNotFound", "Gone.")]
)
async def test_a_draft_that_lacks_a_file_is_thrown_away_and_made_anew(
    open_graph: OpenGraph,
    graph: FakeGraph,
    outgoing: Outgoing,
    attempts: Attempts,
    fault: Fault,
    on: str,
) -> None:
    message = outgoing(attachments=(file(10), file(SMALL)))
    graph.faults = [replace(fault, on=on)]
    provider = open_graph(timeout=attempts.long)
    with pytest.raises(TransientError) as failed:
        await provider.send(attempts.next(message))
    # The mail may go by another account, when it is the account that fails.
    kept = '"complete": false' in attempts.saved[-1]
    assert kept is not isinstance(failed.value, AccountError)

    await provider.send(attempts.next(message))

    (sent,) = graph.box.sent
    assert len(sent.item.attachments) == 2
    assert list(graph.box.items.values()) == [sent.item]


@pytest.mark.parametrize("on", ["/attachments", "/createUploadSession", "PUT "])
async def test_a_file_that_is_refused_for_good_leaves_no_draft(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts, on: str
) -> None:
    graph.faults = [replace(TOO_LARGE, on=on)]
    message = outgoing(attachments=(file(10), file(SMALL)))

    with pytest.raises(PermanentError, match="413"):
        await open_graph(timeout=attempts.long).send(attempts.next(message))

    assert graph.box.items == {}


async def test_an_upload_without_an_address_is_tried_later(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts
) -> None:
    graph.faults = [Fault(201, body="{}", on="/createUploadSession")]

    with pytest.raises(AccountError):
        await open_graph().send(attempts.next(outgoing(attachments=(file(SMALL),))))


async def test_a_reply_is_threaded_by_exchange(
    open_graph: OpenGraph, graph: FakeGraph, reply: OutgoingMessage, attempts: Attempts
) -> None:
    await open_graph().send(attempts.next(reply))

    (sent,) = graph.box.sent
    (question,) = graph.box.with_message_id("<question@b.test>")
    assert sent.item.answers == "<question@b.test>"
    assert sent.item.conversation_id == question.conversation_id
    assert sent.recipients == ("jan@b.test",)
    assert sent.item.message_id == reply.message.message_id
    assert sent.item.fields["subject"] == "Re: Your question"
    assert graph.calls()[1:] == [
        f"POST {MAILBOX}/messages/ID/createReply",
        f"PATCH {MAILBOX}/messages/ID",
        f"POST {MAILBOX}/messages/ID/send",
    ]
    # All that it answers to is ours, also where we have nothing to say.
    assert graph.asked[2].json == {
        "internetMessageId": reply.message.message_id,
        "subject": "Re: Your question",
        "body": {"contentType": "html", "content": "<p>Hello</p>"},
        "from": {"emailAddress": {"address": "crm@acme.test", "name": "Acme"}},
        "toRecipients": [{"emailAddress": {"address": "jan@b.test"}}],
        "ccRecipients": [],
        "bccRecipients": [],
        "replyTo": [],
    }


async def test_a_reply_with_files(
    open_graph: OpenGraph, graph: FakeGraph, reply: OutgoingMessage, attempts: Attempts
) -> None:
    with_file = replace(reply, message=replace(reply.message, attachments=(file(10),)))

    await open_graph().send(attempts.next(with_file))

    (sent,) = graph.box.sent
    assert sent.item.answers == "<question@b.test>"
    assert len(sent.item.attachments) == 1


@pytest.mark.parametrize(
    "fault", [None, Fault(400, "ErrorInvalidIdMalformed", "Id is malformed.", on="/createReply")]
)
async def test_a_reply_to_what_the_mailbox_does_not_have_is_a_new_mail(
    open_graph: OpenGraph,
    graph: FakeGraph,
    reply: OutgoingMessage,
    attempts: Attempts,
    fault: Fault | None,
) -> None:
    graph.faults = [] if fault is None else [fault]
    graph.box.items.clear()

    await open_graph().send(attempts.next(reply))

    (sent,) = graph.box.sent
    assert sent.item.answers is None
    assert sent.item.fields["internetMessageHeaders"] == [{"name": "X-One", "value": "1"}]
    assert sent.item.fields["singleValueExtendedProperties"] == [
        {"id": "String 0x1042", "value": "<question@b.test>"},
        {"id": "String 0x1039", "value": "<question@b.test>"},
    ]


@pytest.mark.parametrize("on", ["/createReply", "PATCH "])
@pytest.mark.parametrize("fault", [BROKEN, DROPPED, CONCURRENCY])
async def test_a_reply_that_was_only_begun_is_begun_anew(
    open_graph: OpenGraph,
    graph: FakeGraph,
    reply: OutgoingMessage,
    attempts: Attempts,
    fault: Fault,
    on: str,
) -> None:
    graph.faults = [replace(fault, on=on)]
    provider = open_graph()
    with pytest.raises(TransientError):
        await provider.send(attempts.next(reply))

    await provider.send(attempts.next(reply))

    (sent,) = graph.box.sent
    assert sent.item.answers == "<question@b.test>"
    assert [item for item in graph.box.items.values() if item.is_draft] == []


async def test_a_reply_that_is_refused_for_good_leaves_no_draft(
    open_graph: OpenGraph, graph: FakeGraph, reply: OutgoingMessage, attempts: Attempts
) -> None:
    graph.faults = [Fault(400, "ErrorInvalidRequest", "No.", on="PATCH ")]

    with pytest.raises(PermanentError, match=r"No\."):
        await open_graph().send(attempts.next(reply))

    assert [item for item in graph.box.items.values() if item.is_draft] == []
