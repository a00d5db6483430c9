"""What mail servers report by mail: bounces and delays (RFC 3464), complaints (RFC 5965).

Written by many programs, so read leniently: whatever is missing or broken is left out.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from app.mail import mime
from app.mail.mime import Opened, Part
from app.mail.received_text import on_one_line, storable, unencoded

MAX_FINDINGS = 100
MAX_IDS = 20
MAX_WORDS = 500
# What is looked at of one part: a returned mail's head, or a list of recipients.
_MAX_OCTETS = 256 * 1024
# Of a message, so many parts that report, and so many that return something. Servers write one.
_MAX_PARTS = 10
# An address and what stands around it.
_MAX_VALUE = 2000

_RETURNED = {
    "message/rfc822",
    "message/global",
    "message/rfc822-headers",
    "text/rfc822-headers",
    "message/global-headers",
}
_BLANK_LINE = re.compile(rb"(?:\r?\n[ \t]*){2,}")
_ID = re.compile(r"<[^<>\s]{1,996}>")
_ADDRESS = re.compile(r"[^\s<>;,]{1,256}@[^\s<>;,]{1,255}")
# RFC 3463: class, subject and detail, as in `5.1.1`.
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_REPLY_CODE = re.compile(r"(?<![\d.])([45])\d\d(?![\d.])")
# The address or its domain does not exist. Not 5.1.7 and 5.1.8: these are about the sender.
_WRONG_ADDRESS = {(1, 0), (1, 1), (1, 2), (1, 3), (1, 4), (1, 6), (1, 10), (4, 4), (4, 310)}
_NO_DETAIL = {None, ("5", 0, 0)}
_NOBODY = re.compile(
    r"(user|recipient|mailbox|address|account)s? (is |was )?(unknown|not found|does not exist)"
    r"|(unknown|no such|invalid) (user|recipient|mailbox|address|account)|no mailbox here",
    re.IGNORECASE,
)
_COPY = re.compile(
    rb"^-+ (?:This is a copy of|Original message|Below this line is a copy of)[^\n]*$", re.MULTILINE
)
_QMAIL = b"Hi. This is the qmail-send program"
# An address, and what was said of it up to an empty line (cr.yp.to/proto/qsbmf.txt).
_QMAIL_FINDING = re.compile(r"^<([^<>\s]{1,320})>:\n((?:\S[^\n]*\n)+)", re.MULTILINE)
_TYPE = re.compile(r"\s*[A-Za-z0-9-]{1,40}\s*")
_COMPLAINTS = {"", "abuse", "fraud"}


class Fate(StrEnum):
    """RETURNED for good: the address is wrong. NOT_TAKEN for any other reason, DELAYED so far."""

    RETURNED = "RETURNED"
    NOT_TAKEN = "NOT_TAKEN"
    DELAYED = "DELAYED"
    COMPLAINED = "COMPLAINED"


@dataclass(frozen=True)
class Finding:
    """What became of a mail at `address`, None where the report keeps that to itself."""

    address: str | None
    fate: Fate
    words: str | None


@dataclass(frozen=True)
class Report:
    """`message_ids` may each be the mail's that it is about, the likeliest first."""

    message_ids: tuple[str, ...]
    findings: tuple[Finding, ...]


def read_report(raw: bytes | Opened) -> Report | None:
    """Read a received message as a report; None when it is none. Never raises.

    A report of deliveries that went well has no findings. Reports inside forwarded mail do not
    count. Time goes with the size of the message.
    """
    mail = mime.opened(raw)
    found = _findings(mail.raw, mail.top, mail.parts)
    return None if found is None else Report(_message_ids(mail.raw, mail.top, mail.parts), found)


def _findings(raw: bytes, top: Part, parts: Sequence[Part]) -> tuple[Finding, ...] | None:
    found: list[Finding] = []
    reporting = [part for part in parts if _kind(part) in _READERS][:_MAX_PARTS]
    for part in reporting:
        found += _READERS[_kind(part)](_content(raw, part))
    if not reporting:
        if top.header("x-failed-recipients"):
            found += _told_in_words(raw, top, parts)
        elif _is_of_qmail(raw, top, parts):
            found += _told_by_qmail(_content(raw, parts[0]))
        else:
            return None
    return tuple(found[:MAX_FINDINGS])


def _delivery_status(content: bytes) -> Iterator[Finding]:
    """Read the blocks of fields, one for each recipient (RFC 3464 section 2.3)."""
    for block in _BLANK_LINE.split(content.strip(), MAX_FINDINGS + 1)[: MAX_FINDINGS + 1]:
        fields = mime.message(block.lstrip())
        action = fields.header("action").partition("(")[0].strip().lower()
        if action not in {"failed", "delayed"}:
            continue
        diagnosis = _words(fields.header("diagnostic-code"))
        address = _address(fields.header("original-recipient")) or _address(
            fields.header("final-recipient")
        )
        status = fields.header("status")
        fate = _fate(status, diagnosis or "") if action == "failed" else Fate.DELAYED
        yield Finding(address, fate, diagnosis or _words(status))


def _feedback(content: bytes) -> Iterator[Finding]:
    """Read the fields of a feedback report (RFC 5965 section 3)."""
    fields = mime.message(content.lstrip())
    kind = fields.header("feedback-type").strip().lower()
    if kind not in _COMPLAINTS:
        return
    words = f"feedback report: {kind or 'abuse'}"
    addresses = [_address(value) for value in fields.headers.get("original-rcpt-to", [])]
    for address in dict.fromkeys(addresses) or [None]:
        yield Finding(address, Fate.COMPLAINED, words)


def _told_in_words(raw: bytes, top: Part, parts: Sequence[Part]) -> Iterator[Finding]:
    """Read what Exim wrote before it knew RFC 3464: the recipients on top, the reason in words."""
    text = _content(raw, parts[0]) if parts else b""
    copy = _COPY.search(text)
    told = _readable(text[: copy.start()] if copy else text)
    lines = [line.strip() for line in told.splitlines()]
    reason = next((line for line in lines if _REPLY_CODE.search(line)), None)
    fate = _fate("", reason or " ".join(lines))
    values = ",".join(top.headers["x-failed-recipients"]).split(",", MAX_FINDINGS)
    for address in filter(None, map(_address, values[:MAX_FINDINGS])):
        yield Finding(address, fate, _words(reason or ""))


def _is_of_qmail(raw: bytes, top: Part, parts: Sequence[Part]) -> bool:
    is_bounce = top.header("return-path").replace(" ", "") == "<>"
    return is_bounce and bool(parts) and _content(raw, parts[0]).startswith(_QMAIL)


def _told_by_qmail(text: bytes) -> Iterator[Finding]:
    copy = _COPY.search(text)
    told = _readable(text[: copy.start()] if copy else text).replace("\r\n", "\n")
    for found in islice(_QMAIL_FINDING.finditer(told), MAX_FINDINGS):
        words = _words(found[2])
        yield Finding(_address(found[1]), _fate("", words or ""), words)


def _fate(status: str, diagnosis: str) -> Fate:
    """Judge a failure by its status code, or by the server's words where that tells nothing."""
    found = _STATUS.search(status[:_MAX_VALUE])
    code = None if found is None else (found[1], int(found[2]), int(found[3]))
    if code in _NO_DETAIL and (found := _STATUS.search(diagnosis)) is not None:
        code = (found[1], int(found[2]), int(found[3]))
    if code in _NO_DETAIL:
        reply = _REPLY_CODE.search(diagnosis)
        passing = reply is not None and reply[1] == "4"
        return Fate.RETURNED if _NOBODY.search(diagnosis) and not passing else Fate.NOT_TAKEN
    assert code is not None  # noqa: S101 - None has no detail
    return Fate.RETURNED if code[0] == "5" and code[1:] in _WRONG_ADDRESS else Fate.NOT_TAKEN


def _message_ids(raw: bytes, top: Part, parts: Sequence[Part]) -> tuple[str, ...]:
    """Find the Message-IDs of the mail that came back: its own head's, then what this answers."""
    returned = [part for part in parts if _kind(part) in _RETURNED][:_MAX_PARTS]
    heads = [_content(raw, part) for part in returned]
    if not heads and parts and (copy := _COPY.search(_content(raw, parts[0]))) is not None:
        heads = [_content(raw, parts[0])[copy.end() :]]
    ids: list[str] = []
    for head in heads:
        fields = mime.message(head.lstrip()).headers
        ids += _ID.findall(" ".join(fields.get("message-id", [])))
        own = (name for name in fields if name.startswith("x-") and name.endswith("message-id"))
        for name in own:
            ids += _ID.findall(" ".join(fields[name]))
    for name in ("in-reply-to", "references", "x-original-message-id"):
        ids += _ID.findall(" ".join(top.headers.get(name, [])))
    return tuple(dict.fromkeys(storable(id_) for id_ in ids))[:MAX_IDS]


def _kind(part: Part) -> str:
    return part.structured("content-type")[0]


def _content(raw: bytes, part: Part) -> bytes:
    encoding = part.header("content-transfer-encoding").partition(";")[0].strip().lower()
    return unencoded(raw[part.start : min(part.end, part.start + _MAX_OCTETS)], encoding)


def _address(value: str) -> str | None:
    """Read `rfc822; a@b` (RFC 3464 section 2.3.1), or an address as it is."""
    found = _ADDRESS.search(value[:_MAX_VALUE].rpartition(";")[2])
    return None if found is None else storable(found[0])


def _words(value: str) -> str | None:
    """Read `smtp; 550 5.1.1 no such user` without the type, on one line."""
    kind, mark, words = value[:_MAX_VALUE].partition(";")
    told = words if mark and _TYPE.fullmatch(kind) else value
    return on_one_line(storable(told))[:MAX_WORDS] or None


def _readable(octets: bytes) -> str:
    return octets.decode("utf-8", "replace")


_READERS: Mapping[str, Callable[[bytes], Iterator[Finding]]] = {
    "message/delivery-status": _delivery_status,
    "message/global-delivery-status": _delivery_status,
    "message/feedback-report": _feedback,
}
