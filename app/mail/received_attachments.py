"""Files in a received message, found without decoding them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html import unescape
from mimetypes import MimeTypes
from urllib.parse import unquote

from app.mail import mime
from app.mail.bodies import body_kind
from app.mail.filenames import OCTETS, UNSAFE, clean, media_type_of
from app.mail.mime import Opened, Part
from app.mail.received_text import decoded_words, on_one_line, storable
from app.mail.transfer import pieces

MAX_FILES = 100

_NAME = r"[A-Za-z0-9!#$&^_.+-]{1,127}"
_MEDIA_TYPE = re.compile(rf"{_NAME}/{_NAME}")
_CHARSET = re.compile(r"[A-Za-z0-9._:+-]{1,40}")
# A name that its writer forgot to quote: blanks end it by the rules.
_BARE_NAME = re.compile(r"\b(?:file)?name=([^\";]{1,1000})", re.IGNORECASE)
_CID = re.compile(r"\bcid:([^\s\"'<>()\\]{1,400})", re.IGNORECASE)
_MAX_ID = 200
_MAX_NAME = 1000
_MESSAGES = {"message/rfc822", "message/global"}
_MAX_HEAD = 16 * 1024
_SEPARATORS = re.compile(r"[/\\]")
# Other ways to read the same words.
_RENDERINGS = {"text/x-amp-html", "text/watch-html", "text/enriched", "text/richtext"}
_STEMS = {"text/calendar": "invite", "image": "image"}
# What is common, where the table has several or an odd one.
_ENDINGS = {
    "application/zip": ".zip",
    "image/jpeg": ".jpg",
    "image/tiff": ".tif",
    "image/webp": ".webp",
    "text/calendar": ".ics",
    "text/html": ".html",
    "text/vcard": ".vcf",
    "text": ".txt",
}
_TABLE = MimeTypes(filenames=())


@dataclass(frozen=True)
class FoundFile:
    """A file as its part describes it; `pieces` decodes it from the same octets.

    `is_inline` says that the HTML shows it, by its `content_id`.
    """

    filename: str
    media_type: str
    content_id: str | None
    is_inline: bool
    part: Part = field(repr=False)

    @property
    def encoded_size(self) -> int:
        return self.part.end - self.part.start

    def pieces(self, raw: bytes) -> Iterator[bytes]:
        return pieces(mime.with_line_feeds(raw), self.part)


@dataclass(frozen=True)
class FoundFiles:
    """The first 100 files of a message, and how many more there are, as far as it was opened."""

    files: tuple[FoundFile, ...]
    omitted: int


def received_files(raw: bytes | Opened, html: str | None) -> FoundFiles:
    """Find what is not the text of a message; `html` is its HTML. Nothing in it is unpacked.

    Messages inside it are files (`.eml`) that are not opened. Never raises. Time goes with the size
    of the message, memory with the number of its parts.
    """
    mail = mime.opened(raw)
    raw = mail.raw
    shown = _shown_ids(html or "")
    found: list[FoundFile] = []
    omitted = 0
    for part in mail.parts:
        kind = part.structured("content-type")[0]
        if not _is_file(raw, part, kind):
            continue
        if len(found) == MAX_FILES or kind.startswith("multipart/"):
            # A multipart is here where its parts were not found, or stand too deep.
            omitted += 1
        else:
            found.append(_file(raw, part, shown))
    return FoundFiles(tuple(found), omitted)


def _is_file(raw: bytes, part: Part, kind: str) -> bool:
    if body_kind(part) is not None:
        return False
    if part.header("content-disposition") or "name" in part.structured("content-type")[1]:
        return True
    # What has no name may be no more than the blank line before a delimiter.
    return kind not in _RENDERINGS and bool(
        raw[part.start : min(part.start + 64, part.end)].strip()
    )


def _file(raw: bytes, part: Part, shown: frozenset[str]) -> FoundFile:
    media_type = _media_type(part)
    name = _name(part) or _made_name(raw, part, media_type)
    filename = clean(storable(name[:_MAX_NAME]))
    if filename.endswith(UNSAFE):
        media_type = OCTETS
    elif media_type == OCTETS:
        media_type = media_type_of(filename)
    id_ = on_one_line(storable(part.header("content-id"))).strip("<> ")[:_MAX_ID]
    return FoundFile(
        filename=filename,
        media_type=media_type,
        content_id=id_ or None,
        is_inline=id_.casefold() in shown,
        part=part,
    )


def _media_type(part: Part) -> str:
    kind, parameters = part.structured("content-type")
    if not part.header("content-type") or not _MEDIA_TYPE.fullmatch(kind):
        return OCTETS
    charset = parameters.get("charset", "")
    if kind.startswith("text/") and _CHARSET.fullmatch(charset):
        return f"{kind}; charset={charset.lower()}"
    return kind


def _name(part: Part) -> str:
    """The name that the part gives itself (RFC 2183, RFC 2231, or encoded words all the same)."""
    for header, parameter in (("content-disposition", "filename"), ("content-type", "name")):
        said = part.structured(header)[1].get(parameter, "")
        bare = _BARE_NAME.search(part.header(header)[:_MAX_NAME])
        if bare is not None and len(bare[1].strip()) > len(said):
            said = decoded_words(bare[1])
        if said.strip():
            return said
    return ""


def _made_name(raw: bytes, part: Part, media_type: str) -> str:
    kind = media_type.partition(";")[0]
    main, _, sub = kind.partition("/")
    if kind in _MESSAGES:
        subject = on_one_line(decoded_words(_head(raw, part).header("subject")))
        return f"{_SEPARATORS.sub('_', subject)[:_MAX_ID] or 'message'}.eml"
    if main == "message":
        return f"{sub}.txt"
    stem = _STEMS.get(kind) or _STEMS.get(main) or "attachment"
    return stem + (_ENDINGS.get(kind) or _TABLE.guess_extension(kind) or _ENDINGS.get(main, ".bin"))


def _head(raw: bytes, part: Part) -> Part:
    """The fields of a message inside the message, as far as they stand at its beginning."""
    beginning = replace(part, end=min(part.end, part.start + _MAX_HEAD))
    return mime.message(next(pieces(raw, beginning), b""))


def _shown_ids(html: str) -> frozenset[str]:
    return frozenset(unquote(unescape(found)).casefold() for found in _CID.findall(html))
