"""Files of received mail: kept as those of sent mail are, each content once for a tenant."""

import asyncio
import hashlib
from collections.abc import Collection, Mapping
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from app.context import Caller, Deps
from app.documents.attachments import AttachmentContent, ReceivedAttachment
from app.documents.inbound_messages import InboundMessage
from app.mail.received_attachments import FoundFile, FoundFiles
from app.services.receiving.reading import read

# What is larger waits on disk, and is decoded in a thread.
_SMALL = 256 * 1024


async def keep(deps: Deps, tenant: str, raw: bytes, found: FoundFiles) -> list[ReceivedAttachment]:
    """Have the contents of a message's files stored; one that names them must follow soon.

    What goes beyond the limit for the attachments of one mail is left out, and says so.
    """
    room = deps.settings.attachments_limit
    kept = []
    for file in found.files:
        one = await _kept(deps, tenant, raw, file, room=room)
        room -= one.size if one.digest is not None else 0
        kept.append(one)
    return kept


async def files_of(
    deps: Deps, caller: Caller, ids: Collection[str]
) -> Mapping[str, InboundMessage]:
    """Give the caller's messages by their ids, without their bodies, but as `with_files`."""
    without = ("bodyText", "bodyHtml", "events")
    found = await InboundMessage.with_ids(caller.tenant, ids, without=without)
    return {id_: await with_files(deps, message) for id_, message in found.items()}


async def with_files(deps: Deps, message: InboundMessage) -> InboundMessage:
    """Give a message with its files; where nobody looked for them when it came, they are found."""
    if message.attachments is not None:
        return message
    raw = await InboundMessage.octets(message.id)
    if raw is None:
        return message
    found = (await asyncio.to_thread(read, raw)).files
    files = await keep(deps, message.tenant_id, raw, found)
    message.give_files(files, omitted=found.omitted)
    return await message.attach() or message


async def _kept(
    deps: Deps, tenant: str, raw: bytes, file: FoundFile, *, room: int
) -> ReceivedAttachment:
    with SpooledTemporaryFile(_SMALL) as spool:
        octets = cast("BinaryIO", spool)
        is_small = file.encoded_size <= _SMALL
        size, digest = (
            _decode(raw, file, octets)
            if is_small
            else await asyncio.to_thread(_decode, raw, file, octets)
        )
        fits = size <= room
        if fits:
            await AttachmentContent.keep(tenant, octets, digest=digest, size=size, now=deps.now())
    limit = deps.settings.attachments_limit
    return ReceivedAttachment(
        filename=file.filename,
        media_type=file.media_type,
        size=size,
        digest=digest if fits else None,
        content_id=file.content_id,
        is_inline=file.is_inline,
        missing=None if fits else f"Of one mail's files at most {limit} octets are kept.",
    )


def _decode(raw: bytes, file: FoundFile, octets: BinaryIO) -> tuple[int, str]:
    """Write the content of a file; its size, and its SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    size = 0
    for piece in file.pieces(raw):
        digest.update(piece)
        size += octets.write(piece)
    return size, digest.hexdigest()
