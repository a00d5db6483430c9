"""Mail that Resend received, from the event that tells of it to the message that is kept."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.inbound_messages import InboundMessage
from app.documents.provider_accounts import ProviderAccount
from app.documents.provider_events import ProviderEvent
from app.documents.vocabulary import EventVerdict, ProviderType
from app.queue import JobName
from app.services import delivery, inbound
from app.services.receiving.resend import FAULT_LIMIT
from tests.fakes.clock import Clock
from tests.fakes.messages import message
from tests.fakes.resend import FakeResend
from tests.fakes.resend_events import event, received
from tests.fakes.resend_faults import BROKEN, DROPPED, HTML, TOO_MANY, Fault
from tests.fakes.resend_mailroom import Attachment, ReceivedMail

Take = Callable[..., Awaitable[str]]
Look = Callable[..., Awaitable[ProviderEvent]]

QUOTA = Fault(403, "email_above_quota", "This email was received above your quota.")


async def only_message() -> InboundMessage:
    [kept] = await InboundMessage.newest("acme", None, 10)
    return kept


async def test_what_an_event_tells_of_is_fetched_and_kept(
    resend: FakeResend, take: Take, look: Look, resend_account: ProviderAccount
) -> None:
    raw = message()
    mail = resend.mailroom.receive(raw)

    told = await look(await take(received(mail)))

    kept = await only_message()
    assert (told.verdict, told.reason, told.inbound_id) == (EventVerdict.APPLIED, None, kept.id)
    assert await InboundMessage.octets(kept.id) == raw
    assert (kept.provider_type, kept.provider_message_id) == (ProviderType.RESEND, mail.id)
    assert kept.provider_account_id == resend_account.id
    # Whom it was for, by the event first and by the answer too; To says something else.
    assert kept.envelope_recipients == ["sales@acme.test", "crm@acme.test"]
    assert kept.received_at == datetime(2100, 11, 24, 9, 29, 0, 163_000, tzinfo=UTC)
    assert kept.created_by == f"account:{resend_account.id}"
    assert kept.fetch_error is None


async def test_an_answer_belongs_to_what_it_answers(
    deps: Deps, caller: Caller, resend: FakeResend, take: Take, look: Look
) -> None:
    first = await inbound.ingest(deps, caller, message("<1@c.test>"))
    mail = resend.mailroom.receive(message(in_reply_to="<1@c.test>"))

    told = await look(await take(received(mail)))

    kept = await InboundMessage.get(told.inbound_id)
    assert kept is not None
    assert kept.conversation_id == first.conversation_id


async def test_told_again_it_is_one_message_and_fetched_once(
    resend: FakeResend, take: Take, look: Look
) -> None:
    mail = resend.mailroom.receive(message())
    ids = [await take(received(mail)), await take(received(mail)), await take(received(mail))]
    asked = None

    for id_ in ids:
        assert (await look(id_)).verdict is EventVerdict.APPLIED
        asked = asked or list(resend.requests)

    assert await InboundMessage.count() == 1
    assert resend.requests == asked


async def test_the_same_webhook_again_changes_nothing(
    resend: FakeResend, take: Take, look: Look
) -> None:
    body = received(resend.mailroom.receive(message()))
    first = await look(await take(body, id_="msg_same"))

    again = await look(await take(body, id_="msg_same"))

    assert again == first
    assert await ProviderEvent.count() == 1


async def test_an_address_that_has_expired_is_asked_for_anew(
    resend: FakeResend, take: Take, look: Look
) -> None:
    mail = resend.mailroom.receive(message())
    resend.mailroom.expire = [True]

    told = await look(await take(received(mail)))

    assert told.verdict is EventVerdict.APPLIED
    assert resend.requests.count(f"GET /emails/receiving/{mail.id}") == 2


@pytest.mark.parametrize("fault", [BROKEN, HTML, DROPPED, TOO_MANY], ids=lambda one: one.name)
async def test_what_passes_is_tried_again(
    resend: FakeResend, take: Take, look: Look, clock: Clock, fault: Fault
) -> None:
    mail = resend.mailroom.receive(message())
    resend.mailroom.faults = [fault]
    id_ = await take(received(mail))

    waiting = await look(id_)
    assert (waiting.verdict, waiting.due_at) != (None, None)
    assert await InboundMessage.count() == 0
    # A pace that is used up is no fault.
    assert waiting.faults == (0 if fault is TOO_MANY else 1)
    clock.advance(timedelta(minutes=1))
    if fault is TOO_MANY:
        resend.mailroom.faults = []
    while (told := await look(id_)).verdict is None:
        clock.advance(timedelta(minutes=1))

    assert told.verdict is EventVerdict.APPLIED
    assert await InboundMessage.count() == 1


async def test_content_that_is_not_given_now_is_tried_again(
    resend: FakeResend, take: Take, look: Look, clock: Clock
) -> None:
    mail = resend.mailroom.receive(message())
    resend.mailroom.broken = 1
    id_ = await take(received(mail))
    assert (await look(id_)).faults == 1
    clock.advance(timedelta(minutes=1))

    assert (await look(id_)).verdict is EventVerdict.APPLIED


async def test_the_sweep_finds_what_a_dead_worker_left(
    over: Deps, resend: FakeResend, take: Take, look: Look, clock: Clock, queued: Any
) -> None:
    mail = resend.mailroom.receive(message())
    id_ = await take(received(mail))
    claimed = await ProviderEvent.claim(
        id_, now=clock.now(), until=clock.now() + over.settings.lease
    )
    assert claimed is not None
    clock.advance(over.settings.lease)

    await delivery.sweep(over)

    assert any(job.startswith(f"{JobName.EVENT}:{id_}:1") for job in await queued())
    assert (await look(id_)).verdict is EventVerdict.APPLIED


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (QUOTA, "This email was received above your quota."),
        (Fault(403, "validation_error", "Not for you"), "Not for you"),
        (None, "Resend does not have it any more"),
    ],
    ids=["quota", "forbidden", "gone"],
)
async def test_what_can_never_be_fetched_is_kept_as_it_was_told(
    resend: FakeResend, take: Take, look: Look, fault: Fault | None, words: str
) -> None:
    mail = ReceivedMail(message())
    resend.mailroom.always = fault

    told = await look(await take(received(mail)))

    kept = await only_message()
    assert (told.verdict, told.inbound_id) == (EventVerdict.FAILED, kept.id)
    assert words in str(kept.fetch_error)
    assert (kept.from_email, kept.from_name) == ("jan@customer.test", "Jan")
    assert (kept.subject, kept.recipients) == ("Re: Your offer", ["crm@acme.test"])
    assert kept.internet_message_id == "<reply@customer.test>"
    assert kept.envelope_recipients == ["sales@acme.test"]
    assert kept.body_text == ""


async def test_after_two_days_it_is_kept_as_it_was_told(
    resend: FakeResend, take: Take, look: Look, clock: Clock
) -> None:
    id_ = await take(received(resend.mailroom.receive(message())))
    await ProviderEvent.get_motor_collection().update_one(
        {"_id": PydanticObjectId(id_)}, {"$set": {"faults": FAULT_LIMIT - 1}}
    )
    resend.mailroom.always = BROKEN

    told = await look(id_)

    kept = await only_message()
    assert (told.verdict, told.inbound_id) == (EventVerdict.FAILED, kept.id)
    assert "An unexpected error occurred." in str(kept.fetch_error)


async def test_of_a_deleted_account_it_is_kept_as_it_was_told(
    resend: FakeResend, take: Take, look: Look, resend_account: ProviderAccount
) -> None:
    id_ = await take(received(resend.mailroom.receive(message())))
    await resend_account.delete()

    await look(id_)

    assert (await only_message()).fetch_error == "the account was deleted"


async def test_what_is_too_large_is_kept_as_it_was_told(
    resend: FakeResend, take: Take, look: Look, adjusted: Callable[..., Deps], over: Deps
) -> None:
    mail = resend.mailroom.receive(message(text="x" * 2000))
    small = adjusted(resend_url=over.settings.resend_url, inbound_limit=1000)

    await look(await take(received(mail)), deps=small)

    assert (await only_message()).fetch_error == "the content is larger than 1000 octets"


async def test_without_octets_a_message_is_made_of_what_is_told(
    resend: FakeResend, take: Take, look: Look
) -> None:
    resend.mailroom.page = 1
    files = [
        Attachment(b"%PDF", None),
        Attachment(b"GIF89a", "logo.gif", "image/gif", content_id="<logo@c.test>"),
        Attachment("Grüße".encode(), "Grüße.txt", "no kind"),
    ]
    told = {
        "subject": "Re: Größe",
        "html": '<p>Fine! <img src="cid:logo@c.test"></p>',
        "headers": {"In-Reply-To": "<offer@acme.test>", "X-Spam": "no", "Content-Type": "text/x"},
    }
    mail = resend.mailroom.receive(None, *files, told=told)

    await look(await take(received(mail)))

    kept = await only_message()
    raw = await InboundMessage.octets(kept.id) or b""
    assert (kept.subject, kept.body_text) == ("Re: Größe", "Fine!")
    assert kept.body_html == '<p>Fine! <img src="cid:logo@c.test"></p>'
    assert (kept.in_reply_to, kept.from_name) == ("<offer@acme.test>", "Jan")
    assert kept.internet_message_id == "<reply@customer.test>"
    assert kept.date == datetime(2100, 11, 24, 9, 29, tzinfo=UTC)
    assert b"Content-ID: <logo@c.test>" in raw
    assert b'filename="attachment"' in raw
    assert b"filename*=utf-8''Gr%C3%BC%C3%9Fe.txt" in raw
    assert b"text/x" not in raw
    assert [(one.filename, one.size, one.is_inline) for one in kept.attachments or ()] == [
        ("logo.gif", 6, True),
        ("attachment", 4, False),
        ("Grüße.txt", 7, False),
    ]
    assert kept.fetch_error is None


@pytest.mark.parametrize("url", ["ftp://c.test/x", "nonsense", "http://[::1"])
async def test_an_address_that_is_none_is_never_asked(
    resend: FakeResend, take: Take, look: Look, url: str
) -> None:
    mail = resend.mailroom.receive(message())
    resend.mailroom.shown = lambda *_: {**mail.fields, "raw": {"download_url": url}}  # type: ignore[method-assign]

    await look(await take(received(mail)))

    assert (await only_message()).fetch_error == "the address of the content is none"


async def test_an_event_without_an_id_says_nothing(take: Take, look: Look) -> None:
    told = await look(await take(event("received", email_id=None)))

    assert (told.verdict, told.reason) == (EventVerdict.FAILED, "it names no mail")
    assert await InboundMessage.count() == 0


async def test_what_came_by_another_way_before_learns_whom_it_was_for(
    deps: Deps, caller: Caller, resend: FakeResend, take: Take, look: Look
) -> None:
    await inbound.ingest(deps, caller, message())
    mail = resend.mailroom.receive(message())

    await look(await take(received(mail)))

    kept = await only_message()
    assert (kept.created_by, kept.provider_message_id) == ("alice", mail.id)
    assert kept.envelope_recipients == ["sales@acme.test", "crm@acme.test"]
