"""The mail in `corpus/`, each with what is to be read of it in the file beside it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from app.mail.addresses import Mailbox
from app.mail.reply_text import reply_text
from app.services.receiving.reading import read

FOLDER = Path(__file__).parent / "corpus"
# Told only where there is something to tell.
_OPTIONAL = ("cc", "deliveredTo", "report")


@dataclass(frozen=True)
class Sample:
    name: str

    @cached_property
    def raw(self) -> bytes:
        return (FOLDER / f"{self.name}.eml").read_bytes()

    @cached_property
    def expected(self) -> dict[str, Any]:
        """The name of each field is that of `as_read`; what has nothing to tell is left out."""
        told: dict[str, Any] = yaml.safe_load((FOLDER / f"{self.name}.yaml").read_text())
        return {**dict.fromkeys(_OPTIONAL), **told}


SAMPLES = [Sample(path.stem) for path in sorted(FOLDER.glob("*.eml"))]


def as_read(raw: bytes) -> dict[str, Any]:
    """All that is read of a message, as the files tell it, without blank lines around texts."""
    reading = read(raw)
    parsed, report, text = reading.parsed, reading.report, reading.parsed.text
    return {
        "kind": reading.kind.value,
        "subject": parsed.subject,
        "from": "" if parsed.sender is None else _written(parsed.sender),
        "to": [mailbox.address for mailbox in parsed.to],
        "cc": [mailbox.address for mailbox in parsed.cc] or None,
        "deliveredTo": list(parsed.delivered_to) or None,
        "messageId": parsed.message_id,
        "answered": list(parsed.answered),
        "report": None
        if report is None
        else {
            "about": list(report.message_ids),
            "findings": [[one.address, one.fate.value, one.words] for one in report.findings],
        },
        "html": parsed.html is not None,
        "attachments": [one.filename for one in reading.files.files],
        "text": None if text is None else text.strip("\n"),
        "replyText": None if text is None else reply_text(text),
    }


def _written(mailbox: Mailbox) -> str:
    return mailbox.address if mailbox.name is None else f"{mailbox.name} <{mailbox.address}>"
