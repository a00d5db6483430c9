"""Files of a mail: read, kept with the record, and in the mail that goes out."""

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Deps
from app.documents.attachments import GRACE, AttachmentContent
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.vocabulary import CommunicationStatus, ProviderType
from app.errors import ConflictError, InvalidInputError, PayloadTooLargeError
from app.providers.base import OutgoingMessage, Receipt
from app.room import Room
from app.services import attachments, delivery, records, sending
from app.services.attachments import FILES_LIMIT, NewAttachment
from app.services.inputs import parse
from tests.fakes.clock import Clock
from tests.fakes.relay import Relay

Send = Callable[..., Awaitable[Communication]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
MEBIBYTE = 1024 * 1024
PDF = b"%PDF-1.7 bill"
PNG = b"\x89PNG\r\n\x1a\n\0"


def given(content: bytes = PDF, filename: str = "bill.pdf", **fields: Any) -> dict[str, Any]:
    return {"filename": filename, "content": base64.b64encode(content).decode(), **fields}


def files_of(message: EmailMessage) -> dict[str, bytes]:
    """The files of a mail by their names, inline ones too."""
    files: dict[str, bytes] = {}
    for part in message.walk():
        if part.get_content_disposition() in {"attachment", "inline"}:
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            files[part.get_filename() or ""] = content
    return files


async def contents() -> int:
    count: int = await AttachmentContent.get_motor_collection().count_documents({})
    return count


async def test_the_files_go_out_in_the_mail(
    deps: Deps, send: Send, relay: Relay, stored: Stored
) -> None:
    record = await send(
        {
            "body": '<img src="cid:logo">',
            "attachments": [given(), given(PNG, "Größe.png", contentId="<logo>")],
        }
    )

    await delivery.dispatch(deps, str(record.id))

    shown = [one.model_dump() for one in (await stored(record.id)).attachments]
    assert shown == [
        {
            "filename": "bill.pdf",
            "media_type": "application/pdf",
            "size": len(PDF),
            "digest": hashlib.sha256(PDF).hexdigest(),
            "content_id": None,
        },
        {
            "filename": "Größe.png",
            "media_type": "image/png",
            "size": len(PNG),
            "digest": hashlib.sha256(PNG).hexdigest(),
            "content_id": "logo",
        },
    ]
    [mail] = relay.taken
    assert files_of(mail.message) == {"bill.pdf": PDF, "Größe.png": PNG}
    html = mail.message.get_body(("html",))
    assert html is not None
    assert 'src="cid:logo"' in html.get_content()


async def test_a_retry_sends_the_same_bytes(
    deps: Deps, send: Send, relay: Relay, clock: Clock
) -> None:
    relay.data_replies = ["451 later"]
    sent: list[bytes] = []
    record = await send({"attachments": [given()]})
    await delivery.dispatch(deps, str(record.id))
    found = await Delivery.of_communication(record.id, 1)
    assert found is not None
    clock.advance(timedelta(minutes=1))
    await delivery.deliver(deps, str(found.id))
    sent += [mail.content for mail in relay.taken]

    # The message is kept without its files: they are brought in for each attempt.
    assert PDF not in await found.stored_message()
    assert len(sent) == 1
    assert files_of(relay.taken[0].message) == {"bill.pdf": PDF}


async def test_sending_again_sends_the_files_again(
    deps: Deps, send: Send, relay: Relay, caller: Any
) -> None:
    record = await send({"attachments": [given()]})
    await delivery.dispatch(deps, str(record.id))

    await sending.resend(deps, caller, str(record.id))
    await delivery.dispatch(deps, str(record.id))

    assert [files_of(mail.message) for mail in relay.taken] == [{"bill.pdf": PDF}] * 2
    assert await contents() == 1


async def test_the_same_file_is_kept_once_for_all_mails(send: Send) -> None:
    await send({"attachments": [given(), given(filename="copy.pdf")]})
    await send({"attachments": [given(filename="other.pdf")]})

    assert await contents() == 1


async def test_files_go_when_the_last_record_is_purged(
    deps: Deps, send: Send, caller: Any, clock: Clock
) -> None:
    record = await send({"attachments": [given()]})
    await records.delete(deps, caller, str(record.id))
    clock.advance(deps.settings.retention)
    assert await records.purge(deps) == 1
    assert await contents() == 1

    clock.advance(GRACE)
    await records.purge(deps)

    assert await contents() == 0


async def test_the_key_covers_the_files(send: Send, footprint: Footprint) -> None:
    first = await send({"attachments": [given(contentId="a")]}, key="k")
    before = await footprint()

    again = await send({"attachments": [given(contentId="a")]}, key="k")

    assert again.id == first.id
    assert again.attachments == first.attachments
    for changed in (
        given(PDF + b"!", contentId="a"),
        given(filename="b.pdf", contentId="a"),
        given(contentType="a/b", contentId="a"),
        given(contentId="b"),
    ):
        with pytest.raises(ConflictError):
            await send({"attachments": [changed]}, key="k")
    with pytest.raises(ConflictError):
        await send(key="k")
    assert await footprint() == before


def test_without_files_the_fingerprint_is_what_it_was(mail: dict[str, Any]) -> None:
    """A key that was used before an update still gets its first answer."""
    command = parse(sending.SendCommunication, mail)

    [kind, fields] = sending.fingerprinted(command, [])

    assert kind == "SendCommunication"
    assert isinstance(fields, dict)
    assert "attachments" not in fields


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"filename": None}, "attachments[0].filename: must be a string"),
        ({"filename": "x" * 1001}, "attachments[0].filename: "),
        ({"content": None}, "attachments[0].content: must be a string of base64"),
        ({"content": 1}, "attachments[0].content: must be a string of base64"),
        ({"content": ""}, "attachments[0].content: must not be empty"),
        ({"content": "  \n"}, "attachments[0].content: must not be empty"),
        ({"content": "QQ"}, "attachments[0].content: must be base64"),
        ({"content": "QQ=="[1:]}, "attachments[0].content: must be base64"),
        ({"content": "QUJD="}, "attachments[0].content: must be base64"),
        ({"content": "QUJD===="}, "attachments[0].content: must be base64"),
        ({"content": "QUJ-"}, "attachments[0].content: must be base64"),
        ({"content": "QUJD!"}, "attachments[0].content: must be base64"),
        ({"content": "QQ==QUJD"}, "attachments[0].content: must be base64"),
        ({"content": "é" * 4}, "attachments[0].content: must be base64"),
        ({"content": "data:a/b;base64,QUJD"}, "attachments[0].content: must be base64"),
        ({"contentType": "pdf"}, "attachments[0].contentType: must be a media type"),
        ({"contentType": "a/b\r\nBcc: x"}, "attachments[0].contentType: must be a media type"),
        ({"contentType": "a/b; name=x"}, "attachments[0].contentType: must be a media type"),
        ({"contentType": 1}, "attachments[0].contentType: must be a string"),
        ({"contentId": "a b"}, "attachments[0].contentId: must be 1 to 128"),
        ({"contentId": "a>\r\nX: y"}, "attachments[0].contentId: must be 1 to 128"),
        ({"contentId": "x" * 129}, "attachments[0].contentId: must be 1 to 128"),
        ({"contentId": "<>"}, "attachments[0].contentId: must be 1 to 128"),
    ],
)
async def test_a_file_at_fault_is_named_and_nothing_is_stored(
    send: Send, footprint: Footprint, changes: dict[str, Any], field: str
) -> None:
    before = await footprint()

    with pytest.raises(InvalidInputError) as refused:
        await send({"attachments": [{**given(), **changes}]}, key="k")

    assert refused.value.detail.startswith(field)
    assert await footprint() == before


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ("a.pdf", "attachments: must be a list"),
        (["a.pdf"], "attachments[0]: must be a JSON object"),
        ([{}], "attachments[0].filename: is required; attachments[0].content: is required"),
        ([given()] * (FILES_LIMIT + 1), "attachments: must have at most 50 entries"),
        ([given(contentId="a"), given(), given(contentId="A")],
         "attachments: two have the contentId A"),
    ],
)  # fmt: skip
async def test_what_is_no_list_of_files_is_refused(
    send: Send, footprint: Footprint, files: Any, fault: str
) -> None:
    before = await footprint()

    with pytest.raises(InvalidInputError) as refused:
        await send({"attachments": files})

    assert refused.value.detail == fault
    assert await footprint() == before


async def test_they_may_be_as_large_as_the_limit_all_together(
    deps: Deps, adjusted: Callable[..., Deps], send: Send, footprint: Footprint
) -> None:
    limited = adjusted(attachments_limit=20)
    before = await footprint()

    with pytest.raises(PayloadTooLargeError) as refused:
        await send({"attachments": [given(b"x" * 11), given(b"y" * 10)]}, over=limited, key="k")

    assert refused.value.detail == "attachments: must have at most 20 octets in all"
    assert [fault.path for fault in refused.value.fields] == ["attachments"]
    assert await footprint() == before
    record = await send({"attachments": [given(b"x" * 10), given(b"y" * 10)]}, over=limited)
    assert [one.size for one in record.attachments] == [10, 10]


@pytest.mark.parametrize("files", [None, []])
async def test_no_files_are_no_files(send: Send, files: Any) -> None:
    assert (await send({"attachments": files})).attachments == []


async def test_base64_may_come_in_lines(send: Send) -> None:
    lines = base64.encodebytes(PDF * 20).decode().replace("\n", "\r\n")

    record = await send({"attachments": [{**given(), "content": lines}]})

    assert record.attachments[0].digest == hashlib.sha256(PDF * 20).hexdigest()


@pytest.mark.parametrize(
    ("fields", "media_type"),
    [
        ({}, "application/pdf"),
        ({"contentType": ""}, "application/pdf"),
        ({"contentType": "Text/CSV; charset=UTF-8"}, "text/csv; charset=utf-8"),
        ({"filename": "a.bin"}, "application/octet-stream"),
        # A reader might go by what it is said to be, whatever its name.
        ({"filename": "a.exe", "contentType": "application/x-msdownload"},
         "application/octet-stream"),
    ],
)  # fmt: skip
def test_the_media_type_is_as_given_or_guessed(fields: dict[str, Any], media_type: str) -> None:
    assert parse(NewAttachment, {**given(), **fields}).media_type == media_type


async def test_names_are_cleaned(send: Send) -> None:
    record = await send({"attachments": [given(filename="..\\x\\Invoice.pdf\u202e.exe ")]})

    assert [one.filename for one in record.attachments] == ["Invoice.pdf.exe.unsafe"]


@pytest.mark.parametrize("kind", [BytesIO, SpooledTemporaryFile])
async def test_a_file_on_disk_is_read_in_pieces(deps: Deps, kind: Callable[[], Any]) -> None:
    octets = bytes(range(256)) * 10_000
    with kind() as file:
        file.write(octets)
        command = parse(NewAttachment, {"filename": "a.bin", "content": file})

        [read] = await attachments.read(deps, [command])
        await attachments.keep(deps, "acme", [read])

    assert read.shown.size == len(octets)
    assert await AttachmentContent.octets_of("acme", read.shown.digest) == octets


class CountingProvider:
    """Counts how much of attachments it is handed at one time."""

    def __init__(self) -> None:
        self.now = self.most = self.taken = 0

    async def send(self, message: OutgoingMessage) -> Receipt:
        octets = sum(len(one.content) for one in message.message.attachments)
        self.now += octets
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.02)
        self.now -= octets
        self.taken += 1
        return Receipt("1", message.message.message_id)

    async def verify(self) -> None:
        return

    async def identify(self, provider_id: str) -> str | None:
        return None

    async def close(self) -> None:
        return


async def test_large_mails_wait_for_room(deps: Deps, send: Send) -> None:
    provider = CountingProvider()
    narrow = replace(deps, room=Room(5 * MEBIBYTE), providers={ProviderType.SMTP: provider})
    large = given(b"x" * (2 * MEBIBYTE))
    sent = [await send({"attachments": [large]}, over=narrow) for _ in range(8)]

    await asyncio.gather(*(delivery.dispatch(narrow, str(record.id)) for record in sent))

    assert provider.taken == 8
    assert provider.most == 4 * MEBIBYTE


async def test_small_mails_do_not_wait_for_large_ones(deps: Deps, send: Send) -> None:
    provider = CountingProvider()
    narrow = replace(deps, room=Room(1), providers={ProviderType.SMTP: provider})
    record = await send({"attachments": [given()]}, over=narrow)

    async with narrow.room.taken(1), asyncio.timeout(5):
        await delivery.dispatch(narrow, str(record.id))

    assert provider.taken == 1


async def test_a_content_that_is_gone_is_a_fault_of_ours(
    deps: Deps, send: Send, relay: Relay, stored: Stored
) -> None:
    record = await send({"attachments": [given()]})
    await AttachmentContent.get_motor_collection().delete_many({})

    await delivery.dispatch(deps, str(record.id))

    found = await stored(record.id)
    assert found.status is CommunicationStatus.PENDING
    assert found.error_message == "Attempt 1 of 3 failed: internal error (NoFile)"
    assert relay.taken == []
