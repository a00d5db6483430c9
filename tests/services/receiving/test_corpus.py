"""Mail as programs write it, received: all of it is kept, and placed by what it answers."""

from app.context import Caller, Deps
from app.documents.inbound_messages import InboundMessage
from app.mail.reply_text import reply_text
from app.services.inbound import ingest
from tests.fakes.messages import message
from tests.mail.samples import SAMPLES, Sample

# Several samples answer it.
OFFER = "<offer-9@acme.test>"


def _told(sample: Sample) -> dict[str, object]:
    about = (sample.expected["report"] or {"about": []})["about"]
    return {
        "kind": sample.expected["kind"],
        "subject": sample.expected["subject"],
        "recipients": sample.expected["to"],
        "messageId": sample.expected["messageId"],
        "answered": list(dict.fromkeys((*about, *sample.expected["answered"]))),
        "replyText": sample.expected["replyText"],
    }


def _kept(received: InboundMessage) -> dict[str, object]:
    text = received.body_text
    return {
        "kind": received.kind.value,
        "subject": received.subject,
        "recipients": received.recipients,
        "messageId": received.internet_message_id,
        "answered": received.answered,
        "replyText": None if text is None else reply_text(text),
    }


async def test_every_sample_is_kept_as_it_is_meant(deps: Deps, caller: Caller) -> None:
    received = {sample.name: await ingest(deps, caller, sample.raw) for sample in SAMPLES}

    kept = {
        name: await InboundMessage.shown(caller.tenant, str(one.id))
        for name, one in received.items()
    }
    assert {name: _kept(one) for name, one in kept.items() if one is not None} == {
        sample.name: _told(sample) for sample in SAMPLES
    }
    for sample in SAMPLES:
        assert await InboundMessage.octets(received[sample.name].id) == sample.raw


async def test_samples_end_where_the_mail_is_that_they_answer(deps: Deps, caller: Caller) -> None:
    answers = [sample for sample in SAMPLES if sample.expected["answered"][:1] == [OFFER]]
    received = [await ingest(deps, caller, sample.raw) for sample in answers]

    offer = await ingest(deps, caller, message(OFFER))

    assert len(answers) > 2
    for one in received:
        found = await InboundMessage.of_tenant(caller.tenant, str(one.id))
        assert found is not None
        assert found.conversation_id == offer.conversation_id
