"""Files in a received message, found without decoding them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from urllib.parse import unquote

from app.mail import mime
from app.mail.bodies import body_kind
from app.mail.calendars import CALENDARS
from app.mail.character_references import unescaped
from app.mail.filenames import OCTETS, UNSAFE, clean, media_type_of
from app.mail.mime import Opened, Part
from app.mail.received_names import MESSAGES, made_name, media_type_told, name_told
from app.mail.received_text import decoded_words, on_one_line, storable
from app.mail.tnef.envelope import Tnef
from app.mail.tnef.rtf import unpacked_rtf
from app.mail.transfer import pieces, slices
from app.mail.winmail import envelopes

MAX_FILES = 100

_CID = re.compile(r"cid:([^\s\"'<>()\\]{1,400})")
_MAX_ID = 200
# Of a hundred files some may be shown many times.
_MAX_SHOWN = 10_000
_MAX_NAME = 1000
_MAX_HEAD = 16 * 1024
_SEPARATORS = re.compile(r"[/\\]")
# Other ways to read the same words.
_RENDERINGS = {"text/x-amp-html", "text/watch-html", "text/enriched", "text/richtext"}


@dataclass(frozen=True)
class FoundFile:
    """A file as its part describes it; `pieces` decodes it from the same octets.

    `is_inline` says that the HTML shows it, by its `content_id`. One out of an envelope of
    Outlook's is decoded already: then `source` is its content.
    """

    filename: str
    media_type: str
    content_id: str | None
    is_inline: bool
    source: Part | memoryview = field(repr=False)

    @property
    def encoded_size(self) -> int:
        source = self.source
        return len(source) if isinstance(source, memoryview) else source.end - source.start

    def pieces(self, raw: bytes) -> Iterator[bytes]:
        if isinstance(self.source, memoryview):
            return slices(self.source, 0, len(self.source))
        return pieces(mime.with_line_feeds(raw), self.source)


@dataclass(frozen=True)
class FoundFiles:
    """The first 100 files of a message, and how many more there are, as far as it was opened."""

    files: tuple[FoundFile, ...]
    omitted: int


def received_files(raw: bytes | Opened, html: str | None) -> FoundFiles:
    """Find what is not the text of a message; `html` is its HTML. Nothing in it is unpacked.

    Messages inside it are files (`.eml`) that are not opened; envelopes of Outlook's
    (`winmail.dat`) are, and what is in them stands in their place. Never raises. Time goes with the
    size of the message, memory with the number of its parts and the size of such envelopes.
    """
    mail = mime.opened(raw)
    shown = _shown_ids(html or "")
    opened = envelopes(mail)
    has_words = any(body_kind(part) is not None for part in mail.parts)
    # Calendars stand in mail twice: for programs without a name, and as a file for people.
    has_calendar = any(
        name_told(part) and part.structured("content-type")[0] in CALENDARS for part in mail.parts
    )
    found: list[FoundFile] = []
    omitted = 0
    for place, part in enumerate(mail.parts):
        if place in opened and not _is_hollow(opened[place]):
            found += _in_envelope(opened[place], shown, has_words=has_words)
        elif part.structured("content-type")[0].startswith("multipart/"):
            # Where its parts were not found, or stand too deep.
            omitted += _is_file(mail.raw, part)
        elif not _is_file(mail.raw, part) or (has_calendar and _is_repeated(part)):
            continue
        elif len(found) < MAX_FILES:
            found.append(_file(mail.raw, part, shown))
        else:
            omitted += 1
    return FoundFiles(tuple(found[:MAX_FILES]), omitted + max(len(found) - MAX_FILES, 0))


def _is_hollow(envelope: Tnef) -> bool:
    said = envelope.text, envelope.html, envelope.rtf
    return not envelope.files and not any(said)


def _in_envelope(envelope: Tnef, shown: frozenset[str], *, has_words: bool) -> Iterator[FoundFile]:
    """Give its files; its rich text, which nobody reads here, where that is all that it says."""
    for file in envelope.files:
        media_type = media_type_told(file.media_type or "")
        name = file.name or made_name(media_type)
        yield _found(name, media_type, file.content_id or "", shown, file.content)
    if envelope.rtf is not None and not (has_words or envelope.text or envelope.html):
        rtf = unpacked_rtf(envelope.rtf)
        if rtf is not None:
            yield _found("message.rtf", "application/rtf", "", shown, memoryview(rtf))


def _is_file(raw: bytes, part: Part) -> bool:
    kind = part.structured("content-type")[0]
    if body_kind(part) is not None:
        return False
    if part.header("content-disposition") or "name" in part.structured("content-type")[1]:
        return True
    # What has no name may be no more than the blank line before a delimiter.
    return kind not in _RENDERINGS and bool(
        raw[part.start : min(part.start + 64, part.end)].strip()
    )


def _is_repeated(part: Part) -> bool:
    return part.structured("content-type")[0] in CALENDARS and not name_told(part)


def _file(raw: bytes, part: Part, shown: frozenset[str]) -> FoundFile:
    media_type = media_type_told(part.header("content-type"))
    name = name_told(part) or _made_name(raw, part, media_type)
    return _found(name, media_type, part.header("content-id"), shown, part)


def _found(
    name: str, media_type: str, content_id: str, shown: frozenset[str], source: Part | memoryview
) -> FoundFile:
    filename = clean(storable(name[:_MAX_NAME]))
    if filename.endswith(UNSAFE):
        media_type = OCTETS
    elif media_type == OCTETS:
        media_type = media_type_of(filename)
    id_ = on_one_line(storable(content_id)).strip("<> ")[:_MAX_ID]
    return FoundFile(filename, media_type, id_ or None, id_.casefold() in shown, source)


def _made_name(raw: bytes, part: Part, media_type: str) -> str:
    if media_type not in MESSAGES:
        return made_name(media_type)
    # Its fields, as far as they stand at its beginning.
    beginning = replace(part, end=min(part.end, part.start + _MAX_HEAD))
    inner = mime.message(next(pieces(raw, beginning), b""))
    subject = on_one_line(decoded_words(inner.header("subject")))
    return made_name(media_type, _SEPARATORS.sub("_", subject)[:_MAX_ID])


def _shown_ids(html: str) -> frozenset[str]:
    # In small letters: a pattern that takes both is many times as slow.
    found = islice(_CID.finditer(html.lower()), _MAX_SHOWN)
    return frozenset(unquote(unescaped(one[1])).casefold() for one in found)
