"""What somebody wrote anew in an answer: its text without the history and the signature.

Mail programs mark what they quote each in a way of their own, in their user's language; those of
Gmail, Apple Mail, Thunderbird and Outlook are known in English, Dutch, German, French and Spanish.
"""

import re
from collections.abc import Sequence

# Longer lines are prose of programs, and no marks.
_MAX_LINE = 500
# How many lines "On ... wrote:" may be broken into.
_BROKEN = 4
_OPENING = re.compile(r"(?:On|Op|Am|Le|El)\b", re.IGNORECASE)
_WROTE = re.compile(
    r"(?:\bwrote|\bschreef\b.*|\bgeschreven|\bschrieb\b.*|\ba \u00e9crit|\bescribi\u00f3)\s*:$",
    re.IGNORECASE,
)
_ADDRESSED = re.compile(r"\S@\S+>\s*:$")
_DIVIDER = re.compile(
    r"-{2,}\s*(?:original message|forwarded message|oorspronkelijk bericht|doorgestuurd bericht"
    r"|urspr\u00fcngliche nachricht|weitergeleitete nachricht|message d'origine"
    r"|message transf\u00e9r\u00e9"
    r"|mensaje original|mensaje reenviado)\s*-{2,}$"
    # Apple Mail, above what it passes on.
    r"|(?:begin forwarded message|begin doorgestuurd bericht|anfang der weitergeleiteten nachricht"
    r"|d\u00e9but du message (?:r\u00e9exp\u00e9di\u00e9|transf\u00e9r\u00e9)"
    r"|inicio del mensaje reenviado)\s*:$",
    re.IGNORECASE,
)
# The fields that Outlook puts above what it quotes, by language: author, then two of the others.
_HEADS = (
    ("from", {"sent", "date", "to", "cc", "subject"}),
    ("van", {"verzonden", "datum", "aan", "cc", "onderwerp"}),
    ("von", {"gesendet", "datum", "an", "cc", "betreff"}),
    ("de", {"envoy\u00e9", "date", "\u00e0", "cc", "objet", "enviado", "fecha", "para", "asunto"}),
)
_RULE = re.compile(r"[_\u2500-]{10,}$")
# What Mailman puts below each mail, behind a rule.
_LIST = re.compile(r"\bmailing list\b", re.IGNORECASE)
_PHONE = re.compile(
    r"(?:sent from my |get outlook for |verzonden vanaf mijn |verstuurd vanaf mijn |von meinem "
    r"|envoy\u00e9 de mon |enviado desde mi ).{1,60}$",
    re.IGNORECASE,
)


def reply_text(text: str) -> str:
    r"""Give what is new in a message's text (lines end in "\n"), without blank edges.

    Answers written between quoted lines stay, without these. Nothing is new in a mail that was
    only passed on. Never raises; time goes with the length.
    """
    lines = [line.rstrip() for line in text.split("\n")]
    new = _without_signature(lines[: _history(lines)])
    return "\n".join(line for line in new if not line.startswith(">")).strip()


def _history(lines: Sequence[str]) -> int:
    """Find the line at which everything below was written before."""
    for number, line in enumerate(lines):
        if len(line) > _MAX_LINE:
            continue
        if _DIVIDER.match(line) or _is_head(lines, number):
            return number - 1 if number and _RULE.match(lines[number - 1]) else number
        if _OPENING.match(line) and (end := _attribution(lines, number)) is not None:
            # Who writes between the lines of another leaves this on top.
            return len(lines) if _is_between(lines[end:]) else number
    return len(lines)


def _attribution(lines: Sequence[str], start: int) -> int | None:
    """Find where "On ..., Jan wrote:" ends that begins here, None when it is none."""
    whole = ""
    for number in range(start, min(start + _BROKEN, len(lines))):
        line = lines[number]
        if not line or len(line) > _MAX_LINE:
            return None
        whole += f" {line}"
        # "Op ... schreef Jan <" breaks before the address.
        if _WROTE.search(line) or (_ADDRESSED.search(line) and _WROTE.search(whole)):
            return number + 1
    return None


def _is_between(below: Sequence[str]) -> bool:
    """Whether quoted lines have new ones below them."""
    quoted = [number for number, line in enumerate(below) if line.startswith(">")]
    return bool(quoted) and any(
        line for line in _without_signature(below)[quoted[0] :] if line[:1] != ">"
    )


def _is_head(lines: Sequence[str], number: int) -> bool:
    name = _field(lines[number])
    for author, others in _HEADS:
        if name == author:
            below = {_field(line) for line in lines[number + 1 : number + 6]}
            return len(below & others) > 1
    return False


def _field(line: str) -> str:
    """The name of a header field, as programs print it: `From:`, `*From:*`."""
    return line[:40].partition(":")[0].strip("* \u00a0").lower() if ":" in line[:40] else ""


def _without_signature(lines: Sequence[str]) -> Sequence[str]:
    for number, line in enumerate(lines):
        if line == "--" or (len(line) <= _MAX_LINE and _PHONE.match(line)):
            return lines[:number]
        if _RULE.match(line) and _LIST.search("".join(lines[number + 1 : number + 2])[:_MAX_LINE]):
            return lines[:number]
    return lines
