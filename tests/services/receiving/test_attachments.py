"""Files of received mail: kept with it, each content once, whatever they are."""

import asyncio
import base64
import hashlib
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.attachments import GRACE, AttachmentContent, ReceivedAttachment
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.documents.origins import Origin
from app.documents.vocabulary import ProviderType
from app.services import attachments as sent_attachments
from app.services.inbound import ingest
from app.services.receiving import attachments
from app.services.receiving.reading import read
from tests.fakes import tnef
from tests.fakes.clock import Clock
from tests.fakes.messages import message
from tests.mail.with_files import GMAIL, OUTLOOK, PDF, PNG

Footprint = Callable[[], Awaitable[dict[str, Any]]]
IMAGE = ReceivedAttachment(
    filename="image001.png",
    media_type="image/png",
    size=len(PNG),
    digest=hashlib.sha256(PNG).hexdigest(),
    content_id="image001.png@01DB3E4D.C5F4A3D0",
    is_inline=True,
)
OFFER = ReceivedAttachment(
    filename="Offerte Één.pdf",
    media_type="application/pdf",
    size=len(PDF),
    digest=hashlib.sha256(PDF).hexdigest(),
    content_id="F1E2D3C4B5A6@eurprd01.prod.exchangelabs.test",
)


async def octets_of(file: ReceivedAttachment, tenant: str = "acme") -> bytes:
    assert file.digest is not None
    return await AttachmentContent.octets_of(tenant, file.digest)


async def kept(deps: Deps, clock: Clock) -> int:
    """How many contents outlive the time in which a record may still come to name them."""
    clock.advance(GRACE)
    await sent_attachments.purge(deps)
    return await AttachmentContent.count()


async def forget(id_: PydanticObjectId) -> None:
    """Have a message as it was kept before there were files of received mail."""
    gone = dict.fromkeys(["attachments", "attachmentsOmitted", "hasAttachments"], "")
    collection = InboundMessage.get_motor_collection()
    await collection.update_one({"_id": id_}, {"$unset": gone})


async def test_the_files_of_a_mail_are_kept_with_it(
    deps: Deps, caller: Caller, clock: Clock
) -> None:
    found = await ingest(deps, caller, OUTLOOK)

    assert found.attachments == [IMAGE, OFFER]
    assert (found.has_attachments, found.attachments_omitted) == (True, 0)
    assert await kept(deps, clock) == 2
    assert [await octets_of(file) for file in found.attachments] == [PNG, PDF]
    assert await InboundMessage.octets(found.id) == OUTLOOK


async def test_what_the_html_shows_is_no_file_of_its_own(deps: Deps, caller: Caller) -> None:
    raw = (
        b"Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n"
        b"<img src='cid:a'>\n--b\nContent-Type: image/png\nContent-ID: <a>\n\nx\n--b--"
    )

    found = await ingest(deps, caller, raw)
    plain = await ingest(deps, caller, message())

    assert [file.is_inline for file in found.attachments or ()] == [True]
    assert (found.has_attachments, plain.has_attachments, plain.attachments) == (None, None, [])


async def test_one_content_is_kept_once_however_it_came(
    deps: Deps,
    caller: Caller,
    clock: Clock,
    send: Callable[..., Awaitable[Communication]],
) -> None:
    await send({"attachments": [{"filename": "a.pdf", "content": base64.b64encode(PDF).decode()}]})
    await ingest(deps, caller, OUTLOOK)
    await ingest(deps, caller, GMAIL)

    assert await kept(deps, clock) == 2


async def test_a_mail_delivered_again_stores_nothing(
    deps: Deps, caller: Caller, footprint: Footprint
) -> None:
    first = await ingest(deps, caller, OUTLOOK)
    before = await footprint()

    again = await ingest(deps, caller, OUTLOOK)

    assert (again.id, again.attachments) == (first.id, [IMAGE, OFFER])
    after = await footprint()
    for name in ("attachments", "attachments.content.files", "inboundMessages"):
        assert after[name] == before[name]


async def test_a_mail_delivered_by_several_at_once_has_its_files_once(
    deps: Deps, caller: Caller, clock: Clock
) -> None:
    found = await asyncio.gather(*(ingest(deps, caller, OUTLOOK) for _ in range(4)))

    assert len({one.id for one in found}) == 1
    assert [one.attachments for one in found] == [[IMAGE, OFFER]] * 4
    assert await kept(deps, clock) == 2
    assert await octets_of(OFFER) == PDF


async def test_contents_whose_message_was_never_written_are_removed(
    deps: Deps, clock: Clock
) -> None:
    """What a crash in between leaves."""
    await attachments.keep(deps, "acme", OUTLOOK, read(OUTLOOK).files)
    assert await AttachmentContent.count() == 2

    assert await kept(deps, clock) == 0


async def test_another_tenants_mail_keeps_nothing_of_ours(
    deps: Deps, caller: Caller, clock: Clock
) -> None:
    await ingest(deps, replace(caller, tenant="rival"), OUTLOOK)
    await attachments.keep(deps, "acme", OUTLOOK, read(OUTLOOK).files)
    assert await AttachmentContent.count() == 4

    assert await kept(deps, clock) == 2
    assert await octets_of(OFFER, "rival") == PDF


async def test_what_is_more_than_the_store_takes_is_told_and_the_mail_kept(
    adjusted: Callable[..., Deps], caller: Caller, clock: Clock
) -> None:
    """The limit is for all files of a mail: what comes first and fits is kept."""
    deps = adjusted(attachments_limit=len(PNG) + len(PDF) - 1)

    found = await ingest(deps, caller, OUTLOOK)

    limit = len(PNG) + len(PDF) - 1
    missing = f"Of one mail's files at most {limit} octets are kept."
    without = OFFER.model_copy(update={"digest": None, "missing": missing})
    assert found.attachments == [IMAGE, without]
    assert await kept(deps, clock) == 1


async def test_a_file_that_unpacks_to_gigabytes_is_kept_as_it_is(
    deps: Deps, caller: Caller
) -> None:
    bomb = zlib.compress(b"\0" * (64 * 1024 * 1024))
    raw = (
        b"Content-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(bomb)
    )

    [file] = (await ingest(deps, caller, raw)).attachments or []

    assert (file.size, await octets_of(file)) == (len(bomb), bomb)


async def test_the_files_in_an_envelope_of_outlooks_are_kept(deps: Deps, caller: Caller) -> None:
    inner = [tnef.file(b"a.pdf", PDF), tnef.file(b"a.png", PNG)]

    found = await ingest(deps, caller, tnef.mail(tnef.envelope(*inner)))

    assert [(file.filename, await octets_of(file)) for file in found.attachments or ()] == [
        ("a.pdf", PDF),
        ("a.png", PNG),
    ]
    assert found.has_attachments


async def test_a_large_file_is_kept_whole(deps: Deps, caller: Caller) -> None:
    octets = bytes(range(256)) * (12 * 1024)
    raw = (
        b"Content-Type: a/b; name=a.bin\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(octets)
    )

    [file] = (await ingest(deps, caller, raw)).attachments or []

    assert (file.size, await octets_of(file)) == (len(octets), octets)


async def test_what_could_not_be_fetched_has_its_files_when_it_is_there(
    deps: Deps, caller: Caller
) -> None:
    told = Origin(ProviderType.RESEND, "1", fetch_error="a quota")
    lacking = await ingest(deps, caller, message("<1@customer.test>"), origin=told)

    found = await ingest(deps, caller, OUTLOOK, origin=replace(told, fetch_error=None))

    assert found.id == lacking.id
    assert found.attachments == [IMAGE, OFFER]
    assert found.has_attachments


async def test_what_came_before_files_were_looked_for_has_them_when_asked(
    deps: Deps, caller: Caller, clock: Clock
) -> None:
    id_ = (await ingest(deps, caller, OUTLOOK)).id
    await forget(id_)
    assert await kept(deps, clock) == 0

    found = await attachments.files_of(deps, caller, [str(id_)])

    assert found[str(id_)].attachments == [IMAGE, OFFER]
    stored = await InboundMessage.get(id_)
    assert stored is not None
    assert stored.attachments == [IMAGE, OFFER]
    assert stored.has_attachments
    assert await kept(deps, clock) == 2


async def test_they_are_looked_for_once(deps: Deps, caller: Caller, footprint: Footprint) -> None:
    id_ = (await ingest(deps, caller, OUTLOOK)).id
    stored = await InboundMessage.get(id_)
    await forget(id_)
    await attachments.files_of(deps, caller, [str(id_)])
    before = await footprint()

    await attachments.files_of(deps, caller, [str(id_)])

    assert stored is not None
    assert not await stored.attach()
    assert await footprint() == before


async def test_several_who_look_for_them_at_once_find_the_same(
    deps: Deps, caller: Caller, clock: Clock
) -> None:
    id_ = str((await ingest(deps, caller, OUTLOOK)).id)
    await forget(PydanticObjectId(id_))

    found = await asyncio.gather(*(attachments.files_of(deps, caller, [id_]) for _ in range(4)))

    assert [one[id_].attachments for one in found] == [[IMAGE, OFFER]] * 4
    assert await kept(deps, clock) == 2


async def test_another_tenants_files_are_not_looked_for(
    deps: Deps, caller: Caller, footprint: Footprint
) -> None:
    id_ = (await ingest(deps, caller, OUTLOOK)).id
    await forget(id_)
    before = await footprint()

    assert await attachments.files_of(deps, replace(caller, tenant="rival"), [str(id_)]) == {}
    assert await footprint() == before


@pytest.mark.parametrize(
    "criteria", [{"attachments.digest": OFFER.digest}, {"hasAttachments": True}]
)
async def test_questions_about_files_read_an_index(
    deps: Deps, caller: Caller, criteria: dict[str, Any]
) -> None:
    await ingest(deps, caller, OUTLOOK)
    await ingest(deps, caller, message())
    collection = InboundMessage.get_motor_collection()

    plan = await collection.find({"tenantId": "acme", **criteria}).explain()

    assert plan["executionStats"]["totalDocsExamined"] == 1
