"""What a received message is: a person's words, or what a machine wrote by itself."""

import re
from enum import StrEnum

from app.mail import mime
from app.mail.bodies import body_kind
from app.mail.calendars import is_reply
from app.mail.mime import Opened, Part
from app.mail.received_text import decoded_words, text_of
from app.mail.text_crude import stripped
from app.mail.transfer import pieces


class InboundKind(StrEnum):
    """Only what is PERSONAL counts as a reply."""

    PERSONAL = "PERSONAL"
    AUTO_REPLY = "AUTO_REPLY"
    DELIVERY_REPORT = "DELIVERY_REPORT"
    FEEDBACK_REPORT = "FEEDBACK_REPORT"
    READ_RECEIPT = "READ_RECEIPT"
    AUTOMATIC = "AUTOMATIC"
    BULK = "BULK"
    # Told by whom it was sent to, not by what it says.
    UNSUBSCRIBE = "UNSUBSCRIBE"


_REPORTS = {
    "message/feedback-report": InboundKind.FEEDBACK_REPORT,
    "message/disposition-notification": InboundKind.READ_RECEIPT,
    "message/global-disposition-notification": InboundKind.READ_RECEIPT,
    "message/delivery-status": InboundKind.DELIVERY_REPORT,
    "message/global-delivery-status": InboundKind.DELIVERY_REPORT,
}
_RESPONDERS = (
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-mail-autoreply",
    "x-autoreply-from",
    "x-auto-response",
)
_DAEMON = re.compile(r"\b(?:mailer-daemon|mail-daemon|postmaster)@?|mail delivery (?:sub)?system")
# As the programs write them, in front: "Re: Automatic reply" was written by somebody.
_AWAY = re.compile(
    r"\s*(?:auto(?:matic)?[- ]?(?:reply|response)|out of (?:the )?office"
    r"|automatisch antwoord|afwezig(?:heid)?|niet op kantoor"
    r"|automatische antwort|abwesenheit\w*|abwesend|nicht im b\u00fcro"
    r"|r\u00e9ponse automatique|absence du bureau|absent du bureau"
    r"|respuesta autom\u00e1tica|fuera de la oficina)\b",
    re.IGNORECASE,
)
_NONE = {"", "no"}
_MOST_WORDS = 16 * 1024


def kind_of(raw: bytes | Opened) -> InboundKind:
    """Tell what wrote a message (RFC 5322 octets). Never raises.

    Reports are told by what is in them (RFC 3464, 5965, 8098), all else by its fields (RFC 3834,
    section 5, and what responders write in place of them). `X-Auto-Response-Suppress` is a wish
    of the author's and tells nothing; subjects count last.
    """
    mail = mime.opened(raw)
    top = mail.top
    return (
        _of_parts(mail)
        or _of_responder(top)
        or _of_list(top)
        or _of_calendar(mail)
        or InboundKind.PERSONAL
    )


def _of_parts(mail: Opened) -> InboundKind | None:
    """A report has a part of a type that nothing else has; older ones have a field for it."""
    top = mail.top
    for part in mail.parts:
        kind = _REPORTS.get(part.structured("content-type")[0])
        if kind is not None:
            return kind
    if top.header("x-failed-recipients"):
        return InboundKind.DELIVERY_REPORT
    if _has_no_sender(top) and _DAEMON.search(top.header("from").lower()):
        return InboundKind.DELIVERY_REPORT
    return None


def _of_responder(top: Part) -> InboundKind | None:
    submitted = _word(top, "auto-submitted")
    precedence = _word(top, "precedence")
    if submitted == "auto-replied" or precedence == "auto_reply":
        return InboundKind.AUTO_REPLY
    if _word(top, "x-precedence") == "auto_reply" or any(
        _word(top, name) not in _NONE for name in _RESPONDERS
    ):
        return InboundKind.AUTO_REPLY
    is_machine = (
        submitted not in _NONE
        or _has_no_sender(top)
        or _word(top, "x-fc-machinegenerated") not in _NONE
    )
    if _AWAY.match(_subject(top)) or (is_machine and _answers(top)):
        return InboundKind.AUTO_REPLY
    return InboundKind.AUTOMATIC if is_machine else None


def _of_list(top: Part) -> InboundKind | None:
    """People answer by way of lists and groups, too: what answers something was written so."""
    precedence = _word(top, "precedence")
    if precedence in {"bulk", "junk"}:
        return InboundKind.AUTO_REPLY if _answers(top) else InboundKind.BULK
    listed = precedence == "list" or any(
        top.header(name) for name in ("list-id", "list-unsubscribe", "feedback-id")
    )
    return InboundKind.BULK if listed and not _answers(top) else None


def _of_calendar(mail: Opened) -> InboundKind | None:
    """Whoever accepts an invitation by a click writes nothing: the program does.

    With a comment it is a person's mail.
    """
    if not any(is_reply(part) for part in mail.parts):
        return None
    parts = [part for part in mail.parts if body_kind(part) is not None]
    return None if any(_says_something(mail.raw, part) for part in parts) else InboundKind.AUTOMATIC


def _says_something(raw: bytes, part: Part) -> bool:
    octets = next(pieces(raw, part), b"")[:_MOST_WORDS]
    parameters = part.structured("content-type")[1]
    text = text_of(octets, parameters.get("charset"))
    if body_kind(part) == "text/html":
        text = stripped(text)
    return bool(text.replace("\ufeff", "").strip())


def _answers(top: Part) -> bool:
    return bool(top.header("in-reply-to") or top.header("references"))


def _has_no_sender(top: Part) -> bool:
    return top.header("return-path").replace(" ", "") == "<>"


def _subject(top: Part) -> str:
    return decoded_words(top.header("subject"))


def _word(top: Part, name: str) -> str:
    """The first word of a field, without its parameters and remarks."""
    return re.split(r"[;(\s]", top.header(name).strip(), maxsplit=1)[0].lower()
