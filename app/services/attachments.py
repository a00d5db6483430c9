"""Attachments of a mail: how they are read, kept until they go out, and brought back for it."""

import asyncio
import binascii
import hashlib
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from io import SEEK_END, BufferedIOBase, BytesIO, RawIOBase
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any, BinaryIO, cast

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

from app.context import Deps
from app.documents import unreferenced
from app.documents.attachments import Attachment, AttachmentContent
from app.errors import FieldError, PayloadTooLargeError
from app.mail.compose import Message
from app.mail.filenames import OCTETS, UNSAFE, clean, media_type_of
from app.services.inputs import Command, blank_is_absent, null_is_empty

FILES_LIMIT = 50
PURGED_AT_A_TIME = 500
_NAME_LENGTH = 1000
_CHUNK = 1024 * 1024
# A worker's every job may hold this much.
_SMALL = 1024 * 1024
_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
# RFC 6838, section 4.2; of parameters only the one without which a text cannot be read.
_MEDIA_TYPE = re.compile(rf'{_NAME}/{_NAME}(?: *; *charset="?[A-Za-z0-9._:+-]{{1,40}}"?)?')
# What stands in `cid:ID` without being escaped (RFC 2392).
_CONTENT_ID = re.compile(r"[A-Za-z0-9!$*+=_.~@-]{1,128}")


@dataclass(frozen=True)
class Octets:
    """The content of a file, in memory or on disk; `size` counts its octets."""

    file: BinaryIO
    size: int


def _read_content(value: object) -> Octets:
    """Take base64, or a file that the transport has received."""
    if isinstance(value, str):
        octets = _decoded(value)
        content = Octets(BytesIO(octets), len(octets))
    elif isinstance(value, RawIOBase | BufferedIOBase | SpooledTemporaryFile):
        content = Octets(cast(BinaryIO, value), value.seek(0, SEEK_END))
    else:
        raise ValueError("must be a string of base64")  # noqa: TRY004 - pydantic wants ValueError
    if not content.size:
        raise ValueError("must not be empty")
    return content


def _decoded(text: str) -> bytes:
    # In lines or in one; no other sign that is not of the alphabet is passed over.
    bare = "".join(text.split())
    try:
        # The library lets padding pass where there is nothing to pad.
        if len(bare) % 4 == 0 and not bare.endswith("==="):
            return binascii.a2b_base64(bare, strict_mode=True)
    except ValueError:
        pass
    raise ValueError("must be base64 (RFC 4648, section 4)")


def _a_media_type(text: str) -> str:
    if not _MEDIA_TYPE.fullmatch(text):
        raise ValueError("must be a media type, e.g. application/pdf")
    return re.sub(r" *; *", "; ", text).lower()


def _a_content_id(text: str) -> str:
    bare = text.removeprefix("<").removesuffix(">")
    if not _CONTENT_ID.fullmatch(bare):
        raise ValueError("must be 1 to 128 of the letters, digits and signs that fit cid:ID")
    return bare


class NewAttachment(Command):
    """A file as a caller gives it; `content` is base64, or a file that came by itself."""

    filename: Annotated[str, Field(max_length=_NAME_LENGTH), AfterValidator(clean)]
    content: Annotated[Any, PlainValidator(_read_content)]
    content_type: Annotated[
        Annotated[str, AfterValidator(_a_media_type)] | None, BeforeValidator(blank_is_absent)
    ] = None
    content_id: Annotated[
        Annotated[str, AfterValidator(_a_content_id)] | None, BeforeValidator(blank_is_absent)
    ] = None

    @property
    def media_type(self) -> str:
        """As given, or by the name; a file that was renamed is opened as nothing."""
        if self.filename.endswith(UNSAFE):
            return OCTETS
        return self.content_type or media_type_of(self.filename)


def _each_its_own_id(given: list[NewAttachment]) -> list[NewAttachment]:
    seen: set[str] = set()
    for one in given:
        if one.content_id is None:
            continue
        if one.content_id.casefold() in seen:
            raise ValueError(f"two have the contentId {one.content_id}")
        seen.add(one.content_id.casefold())
    return given


OptionalAttachments = Annotated[
    list[NewAttachment],
    Field(max_length=FILES_LIMIT),
    BeforeValidator(null_is_empty),
    AfterValidator(_each_its_own_id),
]


@dataclass(frozen=True)
class File:
    """What a record will show of an attachment, and its octets."""

    shown: Attachment
    octets: BinaryIO


async def read(deps: Deps, given: Sequence[NewAttachment]) -> list[File]:
    """Check the attachments of one mail and take their digests; nothing is stored.

    Raises PayloadTooLargeError for all of them together.
    """
    limit = deps.settings.attachments_limit
    if sum(one.content.size for one in given) > limit:
        fault = FieldError("attachments", f"must have at most {limit} octets in all")
        raise PayloadTooLargeError(f"{fault.path}: {fault.message}", fields=[fault])
    return await asyncio.to_thread(lambda: [_file(one) for one in given]) if given else []


async def keep(deps: Deps, tenant: str, files: Iterable[File]) -> None:
    """Have the contents stored, each once; a record that names them must follow soon."""
    for file in {file.shown.digest: file for file in files}.values():
        await AttachmentContent.keep(
            tenant,
            file.octets,
            digest=file.shown.digest,
            size=file.shown.size,
            now=deps.now(),
        )


@asynccontextmanager
async def loaded(deps: Deps, tenant: str, message: Message) -> AsyncIterator[Message]:
    """Fill the contents into a message for as long as its hand-over takes.

    What is large waits until there is room for it. Raises gridfs.NoFile.
    """
    if not message.attachments:
        yield message
        return
    size = sum(attachment.size for attachment in message.attachments)
    async with deps.room.taken(size if size > _SMALL else 0):
        yield await _filled(tenant, message)


async def purge(deps: Deps) -> int:
    """Remove contents that no record names any more; how many were looked at."""
    purged = 0
    while count := await unreferenced.purge(deps.now(), PURGED_AT_A_TIME):
        purged += count
    return purged


async def _filled(tenant: str, message: Message) -> Message:
    contents: dict[str, bytes] = {}
    for one in message.attachments:
        if one.digest not in contents:
            contents[one.digest] = await AttachmentContent.octets_of(tenant, one.digest)
    filled = (replace(one, content=contents[one.digest]) for one in message.attachments)
    return replace(message, attachments=tuple(filled))


def _file(given: NewAttachment) -> File:
    digest = hashlib.sha256()
    octets = given.content.file
    octets.seek(0)
    while chunk := octets.read(_CHUNK):
        digest.update(chunk)
    shown = Attachment(
        filename=given.filename,
        media_type=given.media_type,
        size=given.content.size,
        digest=digest.hexdigest(),
        content_id=given.content_id,
    )
    return File(shown, octets)
