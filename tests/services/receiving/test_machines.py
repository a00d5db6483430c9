"""What programs write about our mail stands beside it, and counts as nobody's answer."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.vocabulary import CommunicationStatus, EventType
from app.mail.kinds import InboundKind
from app.services import scheduling
from app.services.inbound import ingest
from app.services.inputs import parse
from tests.fakes import reports
from tests.mail.samples import Sample

Write = Callable[[str], bytes]


def as_answer_to(name: str) -> Write:
    """A sample of the corpus, about another mail than that of its day."""
    sample = Sample(name)
    report = sample.expected["report"] or {"about": []}
    about: str = [*report["about"], *sample.expected["answered"]][0]
    return lambda message_id: sample.raw.replace(about.encode(), message_id.encode())


WRITTEN: dict[str, tuple[Write, InboundKind]] = {
    "Postfix": (reports.postfix, InboundKind.DELIVERY_REPORT),
    "Exchange": (reports.office365, InboundKind.DELIVERY_REPORT),
    "Gmail": (reports.gmail, InboundKind.DELIVERY_REPORT),
    "Exim": (reports.exim, InboundKind.DELIVERY_REPORT),
    "a complaint": (reports.complaint, InboundKind.FEEDBACK_REPORT),
    "a delay": (as_answer_to("postfix-delay"), InboundKind.DELIVERY_REPORT),
    "a read receipt": (as_answer_to("outlook-read-receipt"), InboundKind.READ_RECEIPT),
    "away, by Exchange": (as_answer_to("exchange-away-nl"), InboundKind.AUTO_REPLY),
    "away, by Gmail": (as_answer_to("gmail-vacation"), InboundKind.AUTO_REPLY),
    "away, by Sieve": (as_answer_to("sieve-vacation"), InboundKind.AUTO_REPLY),
    "a ticket": (as_answer_to("zendesk-acknowledgement"), InboundKind.AUTO_REPLY),
    "an invitation taken by a click": (
        as_answer_to("outlook-meeting-accepted-by-click"), InboundKind.AUTOMATIC
    ),
}  # fmt: skip


@pytest.mark.parametrize(("write", "kind"), WRITTEN.values(), ids=WRITTEN)
async def test_it_stands_with_the_mail_and_is_no_answer(
    deps: Deps,
    caller: Caller,
    dispatched: Callable[..., Awaitable[Communication]],
    stored: Callable[[PydanticObjectId], Awaitable[Communication]],
    write: Write,
    kind: InboundKind,
) -> None:
    record = await stored((await dispatched()).id)
    asked = {
        "subject": "Well?",
        "body": "<p>Well?</p>",
        "recipients": ["jan@customer.test"],
        "conversationId": record.conversation_id,
        "scheduledAt": deps.now() + timedelta(days=1),
        "cancelOnReply": True,
    }
    follow_up = await scheduling.schedule(
        deps, caller, parse(scheduling.ScheduleCommunication, asked)
    )

    kept = await ingest(deps, caller, write(str(record.internet_message_id)))

    assert (kept.kind, kept.is_reply) == (kind, False)
    assert kept.conversation_id == record.conversation_id
    assert kept.parent_communication_id == record.id
    after = await stored(record.id)
    assert EventType.REPLY not in {event.type for event in after.events}
    assert (after.reply_count, after.replied_at) == (0, None)
    assert (await stored(follow_up.id)).status is CommunicationStatus.SCHEDULED
