"""What a received message says, read once for all that is done with it."""

import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import structlog

from app.mail import mime
from app.mail.bodies import MAX_BODY
from app.mail.calendars import Calendar, calendar_of
from app.mail.fingerprints import fingerprint
from app.mail.kinds import InboundKind, kind_of
from app.mail.mime import Opened
from app.mail.parse import UNREAD, ParsedMessage, parse
from app.mail.received_attachments import FoundFiles, received_files
from app.mail.reports import Report, read_report
from app.mail.text_crude import stripped
from app.mail.text_quotes import quoted_text
from app.settings import MEBIBYTE

log = structlog.get_logger()

Value = TypeVar("Value")

# Larger messages are read in a thread, so that other requests do not wait for them.
LARGE = 256 * 1024
# Of more tags it takes long to lay it out, and people do not write them.
_LAID_OUT = 10_000
# Characters of HTML of which the text is made.
_READ_OF_HTML = 1024 * 1024


@dataclass(frozen=True)
class Mail:
    """What a message says, and what it reports where a mail server wrote it.

    `faults` are sentences that tell what of it was not read, and why.
    """

    parsed: ParsedMessage
    kind: InboundKind
    report: Report | None
    fingerprint: str
    files: FoundFiles
    calendar: Calendar | None
    faults: tuple[str, ...] = ()

    @property
    def answered(self) -> list[str]:
        """The Message-IDs it answers; a report belongs to the mail it is about."""
        about = () if self.report is None else self.report.message_ids
        ids = dict.fromkeys((*about, *self.parsed.answered))
        return [id_ for id_ in ids if id_ != self.parsed.message_id]


def read(raw: bytes) -> Mail:
    """Read a message; one that is HTML only gets a text too.

    Never raises: what cannot be read of it is left out, and why stands in `faults`. Within a second
    or so and 100 MB, whatever it is.
    """
    reader = _Reader()
    opened = reader.part("parts", lambda: mime.opened(raw), mime.unopened(raw))
    parsed = reader.part("fields and text", lambda: parse(opened), UNREAD)
    digest = reader.part("words", lambda: fingerprint(parsed), "")
    files = reader.part("files", lambda: received_files(opened, parsed.html), FoundFiles((), 0))
    if parsed.html is not None and not (parsed.text or "").strip():
        html = parsed.html
        text = reader.part("HTML", lambda: _text(html), None)
        parsed = replace(parsed, text=text or parsed.text)
    kind = reader.part("kind", lambda: kind_of(opened), InboundKind.PERSONAL)
    report = reader.part("report", lambda: read_report(opened), None)
    calendar = reader.part("calendar", lambda: calendar_of(opened), None)
    faults = (*reader.faults, *_cuts(opened, parsed))
    return Mail(parsed, kind, report, digest, files, calendar, faults)


class _Reader:
    """Reads a message part by part, and remembers what went wrong."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def part(self, name: str, read_it: Callable[[], Value], instead: Value) -> Value:
        try:
            return read_it()
        except Exception as error:  # noqa: BLE001 - whatever it is, the message is kept
            kind = type(error).__name__
            place = traceback.extract_tb(error.__traceback__)[-1]
            # Not what it says: that may be the message's.
            log.error("inbound.unread", part=name, error=kind, at=f"{place.name}:{place.lineno}")  # noqa: TRY400
            self.faults.append(f"Its {name} could not be read ({kind}).")
            return instead


def _cuts(opened: Opened, parsed: ParsedMessage) -> Iterator[str]:
    if not opened.is_whole:
        yield (
            f"It has more than {mime.MAX_PARTS} parts, parts nested deeper than {mime.MAX_DEPTH}, "
            f"more than {mime.MAX_FALSE} lines that are nearly boundaries, "
            f"or more than {mime.HEAD_LIMIT // MEBIBYTE} MB of header fields: "
            "what is beyond was not looked at."
        )
    if parsed.is_cut:
        yield f"Its text is longer than {MAX_BODY // MEBIBYTE} MB: what is beyond is not shown."


def _text(html: str) -> str:
    is_large = len(html) > LARGE or html.count("<") > _LAID_OUT
    return stripped(html[:_READ_OF_HTML]) if is_large else quoted_text(html)
