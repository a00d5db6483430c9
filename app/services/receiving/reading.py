"""What a received message says, read once for all that is done with it."""

from dataclasses import dataclass, replace

from app.mail import mime
from app.mail.calendars import Calendar, calendar_of
from app.mail.fingerprints import fingerprint
from app.mail.kinds import InboundKind, kind_of
from app.mail.parse import ParsedMessage, parse
from app.mail.received_attachments import FoundFiles, received_files
from app.mail.reports import Report, read_report
from app.mail.text_crude import stripped
from app.mail.text_quotes import quoted_text

# Larger messages are read in a thread, so that other requests do not wait for them.
LARGE = 256 * 1024
# Characters of HTML of which the text is made.
_READ_OF_HTML = 1024 * 1024


@dataclass(frozen=True)
class Mail:
    """What a message says, and what it reports where a mail server wrote it."""

    parsed: ParsedMessage
    kind: InboundKind
    report: Report | None
    fingerprint: str
    files: FoundFiles
    calendar: Calendar | None

    @property
    def answered(self) -> list[str]:
        """The Message-IDs it answers; a report belongs to the mail it is about."""
        about = () if self.report is None else self.report.message_ids
        ids = dict.fromkeys((*about, *self.parsed.answered))
        return [id_ for id_ in ids if id_ != self.parsed.message_id]


def read(raw: bytes) -> Mail:
    """Read a message; one that is HTML only gets a text too."""
    opened = mime.opened(raw)
    parsed = parse(opened)
    digest = fingerprint(parsed)
    files = received_files(opened, parsed.html)
    if parsed.html is not None and not (parsed.text or "").strip():
        parsed = replace(parsed, text=_text(parsed.html) or parsed.text)
    return Mail(parsed, kind_of(opened), read_report(opened), digest, files, calendar_of(opened))


def _text(html: str) -> str:
    return stripped(html[:_READ_OF_HTML]) if len(html) > LARGE else quoted_text(html)
