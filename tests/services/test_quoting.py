"""Answers with the answered mail below them: what is quoted, what is not, and what is refused."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from app.context import Caller, Deps
from app.documents import content
from app.documents.attachments import AttachmentContent
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.documents.origins import Origin
from app.documents.vocabulary import ProviderType
from app.errors import ConflictError, InvalidInputError
from app.mail.reply_text import reply_text
from app.services import delivery, inbound, replies
from app.services.inputs import parse
from app.services.replies import Reply, ReplyTarget
from tests.fakes.clock import Clock
from tests.fakes.messages import message
from tests.fakes.relay import Relay
from tests.mail.with_files import OUTLOOK, PNG

Sent = Callable[..., Awaitable[Communication]]
Receive = Callable[..., Awaitable[InboundMessage]]
Answer = Callable[..., Awaitable[Communication]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]
STYLE = "margin:0 0 0 0.8ex;border-left:1px solid #ccc;padding-left:1ex"
QUOTE = f'<blockquote type="cite" style="{STYLE}">'
HANDED_IN = Origin()
FILE = {"filename": "a.txt", "content": "YQ=="}
PIXEL = re.compile(r'<img src="[^"]*/track/[^"]*"[^>]*>$')


@pytest.fixture
def out(dispatched: Sent) -> Sent:
    """Sends a mail; as it is stored afterwards."""

    async def send(changes: dict[str, Any] | None = None) -> Communication:
        found = await Communication.shown("acme", str((await dispatched(changes)).id))
        assert found is not None
        return found

    return send


@pytest.fixture
def receive(deps: Deps, caller: Caller) -> Receive:
    async def ingest(
        text: str, kind: str = "plain", origin: Origin = HANDED_IN, **fields: Any
    ) -> InboundMessage:
        head = f"Content-Type: text/{kind}; charset=utf-8\r\n".encode()
        raw = head + message(text=text, **fields)
        return await inbound.ingest(deps, caller, raw, origin=origin)

    return ingest


@pytest.fixture
def answer(deps: Deps, caller: Caller) -> Answer:
    async def reply(
        to: Communication | InboundMessage, over: Deps = deps, **fields: Any
    ) -> Communication:
        name = "communicationId" if isinstance(to, Communication) else "inboundMessageId"
        target = parse(ReplyTarget, {name: str(to.id)})
        command = parse(Reply, {"body": "<p>In May.</p>", "quoteOriginal": True, **fields})
        return await replies.reply(over, caller, target, command)

    return reply


async def test_a_received_message_is_quoted_safely(
    deps: Deps, receive: Receive, answer: Answer, relay: Relay
) -> None:
    theirs = await receive(
        '<script>x</script><p id="a">When?</p><a href="https://c.test">c</a>'
        '<img src="https://c.test/logo.png"><img src="https://c.test/t" width=1 height=1>',
        kind="html",
    )

    record = await answer(theirs, quoteTimezone="Europe/Amsterdam")
    await delivery.dispatch(deps, str(record.id))

    line = "On 24 Nov 2026 at 10:00, Jan &lt;jan@customer.test&gt; wrote:"
    assert PIXEL.sub("", record.body) == (
        f"<p>In May.</p><div><p>{line}</p>{QUOTE}<p>When?</p>"
        '<a data-letterbox-track="off" href="https://c.test" target="_blank" '
        'rel="noopener noreferrer nofollow">c</a><img src="https://c.test/logo.png">'
        "</blockquote></div>"
    )
    assert record.clicked_links == []
    assert record.original_body == "<p>In May.</p>"
    [mail] = relay.taken
    text, html = mail.message.iter_parts()
    assert text.get_content().splitlines() == [
        "In May.",
        "",
        "On 24 Nov 2026 at 10:00, Jan <jan@customer.test> wrote:",
        "> When?",
        ">",
        "> c (https://c.test)",
    ]
    assert html.get_content().rstrip("\n") == record.body
    assert reply_text(text.get_content()) == "In May."


async def test_text_is_quoted_with_its_lines(receive: Receive, answer: Answer) -> None:
    record = await answer(await receive("When <b>?\n\n> Offer"))

    assert f"{QUOTE}When &lt;b&gt;?<br>\n<br>\n&gt; Offer</blockquote></div>" in record.body
    assert record.text == (
        "In May.\n\nOn 24 Nov 2026 at 09:00 UTC, Jan <jan@customer.test> wrote:\n"
        "> When <b>?\n>\n>> Offer\n"
    )


async def test_a_mail_of_ours_is_quoted_without_its_tracking(
    out: Sent, answer: Answer, clock: Clock
) -> None:
    ours = await out(
        {
            "body": '<p>Our offer</p><a href="https://acme.test/?a=1">see</a>',
            "senderEmail": "sales@acme.test",
            "senderName": "Sales",
        }
    )

    record = await answer(ours, body='<p>Still open:</p><a href="https://acme.test">we</a>')

    at = f"{clock.now():%d %b %Y at %H:%M} UTC"
    assert (
        f"<p>On {at}, Sales &lt;sales@acme.test&gt; wrote:</p>{QUOTE}<p>Our offer</p>"
        in record.body
    )
    assert 'href="https://acme.test/?a=1" target="_blank"' in record.body
    assert [link.original_url for link in record.clicked_links] == ["https://acme.test"]
    assert record.body.count("/communications/track/") == 1
    assert record.text == (
        f"Still open:\n\nwe (https://acme.test)\n\nOn {at}, Sales <sales@acme.test> wrote:\n"
        "> Our offer\n>\n> see (https://acme.test/?a=1)\n"
    )


@pytest.mark.parametrize(
    ("locale", "begins"),
    [
        ("nl", "Op 24 nov 2026"),
        ("de-AT", "Am 24.11.2026"),
        ("pt-BR", "On 24 Nov 2026"),
        (None, "On "),
    ],
)
async def test_the_line_is_in_the_language_asked_for(
    receive: Receive, answer: Answer, locale: str | None, begins: str
) -> None:
    record = await answer(await receive("When?"), quoteLocale=locale)

    assert record.text is not None
    assert record.text.startswith(f"In May.\n\n{begins}")


async def test_the_line_is_in_the_language_of_the_mail_of_ours(
    deps: Deps, caller: Caller, out: Sent, answer: Answer
) -> None:
    ours = await out()
    await Communication.get_motor_collection().update_one(
        {"_id": ours.id}, {"$set": {"locale": "fr-BE"}}
    )
    theirs = await inbound.ingest(
        deps, caller, message(in_reply_to=ours.internet_message_id, text="Quand ?")
    )

    for answered in (ours, theirs):
        record = await answer(answered)
        assert record.text is not None
        assert record.text.startswith("In May.\n\nLe 24 nov. ")


async def test_long_mail_is_quoted_in_part(receive: Receive, answer: Answer) -> None:
    row = "<tr><td>word</td></tr>"
    theirs = await receive(f"<table><tbody>{row * 10_000}</tbody></table>", kind="html")

    record = await answer(theirs)

    cut = "</tr></tbody></table><p>[\u2026]</p></blockquote></div>"
    assert cut in record.body
    assert 96 * 1024 < len(record.body) < 98 * 1024
    assert record.text is not None
    assert record.text.endswith("> [\u2026]\n")
    assert len(record.text) < 150 * 1024


async def test_long_text_is_quoted_in_part(receive: Receive, answer: Answer) -> None:
    record = await answer(await receive("word\n" * 20_000))

    assert "word<br>\n</blockquote>" not in record.body
    assert "<p>[\u2026]</p></blockquote></div>" in record.body
    assert len(record.body) < 150 * 1024


@pytest.mark.parametrize("asked", [False, None])
async def test_nothing_is_quoted_unasked(
    receive: Receive, answer: Answer, asked: bool | None
) -> None:
    record = await answer(await receive("When?"), quoteOriginal=asked, quoteLocale="nl")

    assert PIXEL.sub("", record.body) == "<p>In May.</p>"
    assert record.text is None


async def test_what_says_nothing_cannot_be_quoted(
    receive: Receive, answer: Answer, footprint: Footprint
) -> None:
    for text, kind in ((" \n", "plain"), ('<img src="cid:a"><style>a</style>', "html")):
        theirs = await receive(text, kind)
        before = await footprint()

        with pytest.raises(InvalidInputError, match="quoteOriginal: is not for a mail without a"):
            await answer(theirs)

        assert await footprint() == before
        await theirs.delete()


async def test_what_is_not_here_cannot_be_quoted(
    receive: Receive, answer: Answer, footprint: Footprint
) -> None:
    origin = Origin(ProviderType.RESEND, "1", fetch_error="Resend does not have it any more")
    told = await receive("", origin=origin)
    before = await footprint()

    with pytest.raises(ConflictError, match="cannot be quoted: its content is not here"):
        await answer(told)

    assert await footprint() == before


async def test_what_was_lost_cannot_be_quoted(
    receive: Receive, answer: Answer, footprint: Footprint
) -> None:
    theirs = await receive("a" * (5 * 1024 * 1024))
    stored = await InboundMessage.of_tenant("acme", str(theirs.id))
    assert stored is not None
    assert stored.content_id is not None
    assert "<p>[\u2026]</p>" in (await answer(theirs)).body
    await content.remove(InboundMessage, stored.content_id)
    before = await footprint()

    with pytest.raises(ConflictError, match="cannot be quoted: its content is not here"):
        await answer(theirs)

    assert await footprint() == before


async def test_mail_to_a_list_cannot_be_quoted(
    out: Sent, answer: Answer, footprint: Footprint
) -> None:
    ours = await out()
    await Communication.get_motor_collection().update_one(
        {"_id": ours.id}, {"$set": {"recipientListId": "6b050e9454d4a1b9322b3eaa"}}
    )
    before = await footprint()

    with pytest.raises(InvalidInputError, match="quoteOriginal: is not for mail to a list"):
        await answer(ours, recipients=["jan@c.test"])

    assert await footprint() == before


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("quoteTimezone", "Europe/Nowhere", "must be a time zone of the IANA database"),
        ("quoteTimezone", "../etc/passwd", "must be a time zone of the IANA database"),
        ("quoteLocale", "not a tag!", "must be a language tag"),
        ("quoteOriginal", "yes", "must be true or false|valid boolean"),
    ],
)
async def test_bad_input_is_told(
    receive: Receive, answer: Answer, field: str, value: str, reason: str
) -> None:
    theirs = await receive("When?")

    with pytest.raises(InvalidInputError, match=f"{field}: .*{reason}"):
        await answer(theirs, **{field: value})


async def test_an_answer_to_the_answer_is_told_apart(
    deps: Deps, caller: Caller, receive: Receive, answer: Answer, clock: Clock
) -> None:
    record = await answer(await receive("When?"))
    clock.advance(timedelta(minutes=1))
    quoted = "\n".join(f"> {line}" for line in (record.text or "").splitlines())
    text = f"Fine, May.\n\nOn 25 Nov 2026, Acme <crm@acme.test> wrote:\n{quoted}\n"

    again = await answer(await inbound.ingest(deps, caller, message("<2@c.test>", text=text)))

    assert reply_text(text) == "Fine, May."
    assert reply_text(again.text or "") == "In May."
    assert (again.text or "").count("wrote:") == 3


async def test_pictures_of_the_original_go_with_the_answer(
    deps: Deps, caller: Caller, answer: Answer, relay: Relay
) -> None:
    theirs = await inbound.ingest(deps, caller, OUTLOOK)

    record = await answer(theirs, attachments=[FILE])
    again = await answer(theirs, body="Once more")
    await delivery.dispatch(deps, str(record.id))
    sent = await Communication.get(record.id)
    assert sent is not None
    follow_up = await answer(sent)

    [given, picture] = record.attachments
    assert given.filename == "a.txt"
    assert (picture.filename, picture.media_type, picture.size) == ("image1.png", "image/png", 9)
    assert f'<img src="cid:{picture.content_id}" width="96">' in record.body
    assert again.attachments == follow_up.attachments == [picture]
    assert follow_up.body.count(f'src="cid:{picture.content_id}"') == 1
    [mail] = relay.taken
    [shown] = [part for part in mail.message.walk() if part.get_content_type() == "image/png"]
    assert shown["Content-ID"] == f"<{picture.content_id}>"
    assert shown.get_content() == PNG


@pytest.mark.parametrize(("limit", "names"), [(9, ["a.txt"]), (10, ["a.txt", "image1.png"])])
async def test_pictures_that_do_not_fit_are_left_out(
    deps: Deps,
    caller: Caller,
    answer: Answer,
    adjusted: Callable[..., Deps],
    limit: int,
    names: list[str],
) -> None:
    theirs = await inbound.ingest(deps, caller, OUTLOOK)

    record = await answer(theirs, over=adjusted(attachments_limit=limit), attachments=[FILE])

    assert [one.filename for one in record.attachments] == names
    assert PIXEL.sub("", record.body).count("<img") == len(names) - 1


async def test_pictures_that_are_lost_are_left_out(
    deps: Deps, caller: Caller, answer: Answer
) -> None:
    theirs = await inbound.ingest(deps, caller, OUTLOOK)
    await AttachmentContent.get_motor_collection().delete_many({})

    record = await answer(theirs)

    assert record.attachments == []
    assert "<img" not in PIXEL.sub("", record.body)


async def test_pictures_that_are_not_shown_do_not_go_with_it(
    deps: Deps, caller: Caller, answer: Answer
) -> None:
    theirs = await inbound.ingest(
        deps, caller, OUTLOOK.replace(b"<p>Signed.", b"<p>S" + b"i" * 98_304)
    )

    record = await answer(theirs)

    assert "[\u2026]" in record.body
    assert record.attachments == []


@pytest.mark.parametrize("fields", [{}, {"unsubscribable": True}], ids=["plain", "one can leave"])
async def test_what_others_wrote_is_no_template(
    deps: Deps, receive: Receive, answer: Answer, relay: Relay, fields: dict[str, Any]
) -> None:
    marks = "{{ unsubscribe_url }} {% broken {# gone"
    theirs = await receive(
        f"<p title='{marks}'>{marks}</p>",
        kind="html",
        subject=marks,
        sender=f'"{marks}" <j@c.test>',
    )

    record = await answer(theirs, body="<p>In May. {{ unsubscribe_url }}</p>", **fields)
    await delivery.dispatch(deps, str(record.id))

    [mail] = relay.taken
    text, html = mail.message.iter_parts()
    [new, *_, line, quoted] = text.get_content().splitlines()
    assert new.startswith("In May. {{ unsubscribe_url }}" if not fields else "In May. http")
    assert mail.message["Subject"] == record.subject == f"Re: {marks}"
    assert line == f"On 24 Nov 2026 at 09:00 UTC, {marks} <j@c.test> wrote:"
    assert quoted == f"> {marks}"
    assert f'<p title="{marks}">{marks}</p>' in unescape(html.get_content())
