"""Links by which the contents of attachments are fetched, and what they lead to.

A browser that follows a link has no bearer token, so the link itself says what it may have: one
attachment of one record, for a short while. It is signed, and whoever changes it has nothing.
"""

import base64
import binascii
import hashlib
import hmac
import re
import struct
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from beanie import PydanticObjectId
from gridfs.errors import NoFile

from app.context import Deps
from app.documents.attached import Noun, Place, attached
from app.documents.attachments import Attachment, AttachmentContent, ReceivedAttachment
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.errors import NotFoundError

PATH = "/api/v1/attachments/"
# Raster images: nothing in them runs.
PICTURES = {"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"}
# Noun, index, the second since 1970 in which it ends, record.
_HEAD = struct.Struct(">BHI12s")
_MAC = 16
_TOKEN = re.compile(r"[A-Za-z0-9_-]{48,1000}")


@dataclass(frozen=True)
class Download:
    """What a link leads to; `pieces` are the octets, `lifetime` is how long the link still works.

    `media_type` is as its author wrote it, `is_picture` says whether HTML shows it and may.
    """

    filename: str
    media_type: str
    size: int
    is_picture: bool
    lifetime: timedelta
    pieces: AsyncIterator[bytes]


def link(deps: Deps, place: Place) -> str | None:
    """Write the address of an attachment; None while the service has no key to sign it with.

    It works for as long as `attachment_link_lifetime` says, up to twice that: it stays the same for
    a while, so that browsers need not fetch the same again.
    """
    keys = deps.settings.attachment_keys
    if not keys:
        return None
    lifetime = deps.settings.attachment_link_lifetime.total_seconds()
    end = int((deps.now().timestamp() // lifetime + 2) * lifetime)
    said = _HEAD.pack(place.noun, place.index, end, place.record_id.binary) + place.tenant.encode()
    token = base64.urlsafe_b64encode(_signature(keys[0], said) + said).decode().rstrip("=")
    return f"{deps.settings.public_base}{PATH}{token}"


def pictures_of_received(deps: Deps, message: InboundMessage) -> dict[str, str]:
    """Links to the pictures that a message brought for its HTML, by their Content-IDs."""
    files = message.attachments or []
    return _pictures(deps, message.tenant_id, Noun.INBOUND_MESSAGE, message.id, files)


def pictures_of_sent(deps: Deps, record: Communication) -> dict[str, str]:
    """Links to the pictures that a mail of ours has in its HTML, by their Content-IDs."""
    files = record.attachments
    return _pictures(deps, record.tenant_id, Noun.COMMUNICATION, record.id, files)


async def opened(deps: Deps, token: str) -> Download:
    """Find what a link leads to, by what stands behind its last slash.

    Raises NotFoundError for one that is forged or has ended, and where its record or its content is
    not there any more.
    """
    found = _read(deps, token)
    file = None if found is None else await attached(found[0])
    if found is None or file is None or file.digest is None:
        raise _not_found()
    try:
        pieces = await AttachmentContent.stream_of(found[0].tenant, file.digest)
    except NoFile as error:
        raise _not_found() from error
    return Download(
        filename=file.filename,
        media_type=file.media_type,
        size=file.size,
        is_picture=file.is_inline and file.media_type in PICTURES,
        lifetime=found[1] - deps.now(),
        pieces=pieces,
    )


def _read(deps: Deps, token: str) -> tuple[Place, datetime] | None:
    """Read a token that one of our keys signed; where it leads, and until when."""
    octets = _octets(token)
    mac, said = octets[:_MAC], octets[_MAC:]
    matches = [
        hmac.compare_digest(mac, _signature(key, said)) for key in deps.settings.attachment_keys
    ]
    if not any(matches):
        return None
    noun, index, end, record_id = _HEAD.unpack_from(said)
    until = datetime.fromtimestamp(end, UTC)
    if until <= deps.now():
        return None
    tenant = said[_HEAD.size :].decode()
    return Place(tenant, Noun(noun), PydanticObjectId(record_id), index), until


def _octets(token: str) -> bytes:
    """Undo base64 (RFC 4648, section 5) in its one spelling; no octets for all else."""
    if not _TOKEN.fullmatch(token):
        return b""
    try:
        octets = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except binascii.Error:
        return b""
    spelt = base64.urlsafe_b64encode(octets).decode().rstrip("=")
    return octets if spelt == token else b""


def _signature(key: bytes, said: bytes) -> bytes:
    return hmac.digest(key, said, hashlib.sha256)[:_MAC]


def _not_found() -> NotFoundError:
    return NotFoundError("No attachment is behind this link, or it has ended: ask for a new one.")


def _pictures(
    deps: Deps,
    tenant: str,
    noun: Noun,
    record_id: PydanticObjectId,
    files: Sequence[Attachment | ReceivedAttachment],
) -> dict[str, str]:
    links: dict[str, str] = {}
    for index, file in enumerate(files):
        if file.content_id is None or file.digest is None or file.media_type not in PICTURES:
            continue
        url = link(deps, Place(tenant, noun, record_id, index))
        if url is not None:
            links.setdefault(file.content_id, url)
    return links
