"""What somebody wrote anew in an answer: its text without the history and the signature.

Mail programs mark what they quote each in a way of their own, in their user's language; those of
Gmail, Apple Mail, Thunderbird and Outlook are known in English, Dutch, German, French and Spanish.
"""

import re
from collections.abc import Sequence

# What people write anew stands at the beginning; strangers can make a text as long as a mail.
_MOST, _MOST_LINES = 128 * 1024, 5000
# Longer lines are prose of programs, and no marks.
_MAX_LINE = 500
# How many lines "On ... wrote:" may be broken into.
_BROKEN = 4
_OPENING = re.compile(r"(?:On|Op|Am|Le|El|En)\b", re.IGNORECASE)
_WROTE = re.compile(
    r"(?:\bwrote|\bschreef\b.*|\bgeschreven|\bschrieb\b.*|\bgeschrieben|\ba \u00e9crit"
    r"|\bescribi\u00f3)\s*:$",
    re.IGNORECASE,
)
# Gmail's, where no language of its own has another.
_DATED = re.compile(r"\d{4}-\d\d-\d\d \d\d?:\d\d\b.*<\S+@\S+>\s*:$")
_ADDRESSED = re.compile(r"\S@\S+>\s*:$")
_DIGIT = re.compile(r"\d")
_DIVIDER = re.compile(
    r"-{2,}\s*(?:original message|forwarded message|oorspronkelijk bericht|doorgestuurd bericht"
    r"|urspr\u00fcngliche nachricht|original-nachricht|weitergeleitete nachricht"
    r"|message d['\u2019]origine"
    r"|message transf\u00e9r\u00e9"
    r"|mensaje original|mensaje reenviado)\s*-{2,}$"
    # Apple Mail, above what it passes on.
    r"|(?:begin forwarded message|begin doorgestuurd bericht|anfang der weitergeleiteten nachricht"
    r"|d\u00e9but du message (?:r\u00e9exp\u00e9di\u00e9|transf\u00e9r\u00e9)"
    r"|inicio del mensaje reenviado)\s*:$",
    re.IGNORECASE,
)
# The fields that Outlook and others put above what they quote, by language: the author, the
# subject, then others.
_HEADS = (
    ("from", {"subject"}, {"sent", "date", "to", "cc"}),
    ("van", {"onderwerp"}, {"verzonden", "datum", "aan", "cc"}),
    ("von", {"betreff"}, {"gesendet", "datum", "an", "cc"}),
    (
        "de",
        {"objet", "asunto"},
        {"envoy\u00e9", "date", "\u00e0", "cc", "enviado", "fecha", "para"},
    ),
)
_HEAD_LINES = 6
_RULE = re.compile(r"[_\u2500-]{10,}$")
# What Mailman puts below each mail, behind a rule.
_LIST = re.compile(r"\bmailing list\b", re.IGNORECASE)
_PHONE = re.compile(
    r"(?:sent from (?:my|outlook|mail|yahoo|samsung|proton)\b|get outlook for "
    r"|(?:verzonden|verstuurd) (?:vanaf|vanuit|via|met) |outlook voor (?:ios|android)\b"
    r"|von meinem |gesendet (?:von|mit) |holen sie sich outlook "
    r"|envoy\u00e9 (?:de mon|depuis|\u00e0 partir de) |obtenez outlook "
    r"|enviado desde |obtener outlook ).{0,60}$",
    re.IGNORECASE,
)


def reply_text(text: str) -> str:
    r"""Give what is new in a message's text (lines end in "\n"), without blank edges.

    Answers written between quoted lines stay, without these. Nothing is new in a mail that was
    only passed on. Marks are looked for in the first 5,000 lines and 128 KB; where there is none,
    what comes behind stays as it is. Never raises.
    """
    read = text[:_MOST].split("\n", _MOST_LINES)
    is_whole = len(text) <= _MOST and len(read) <= _MOST_LINES
    rest = [] if is_whole else [read.pop() + text[_MOST:]]
    lines = [line.rstrip() for line in read]
    new = _without_signature(_without_history(lines))
    said = [line for line in new if not line.startswith(">")]
    return "\n".join(said + rest if len(new) == len(lines) else said).strip()


def _without_history(lines: Sequence[str]) -> Sequence[str]:
    """Leave out what was written before, where it does not show that by `>` itself."""
    for number, line in enumerate(lines):
        if len(line) > _MAX_LINE:
            continue
        if _DIVIDER.match(line) or _is_head(lines, number):
            return lines[: _rule_above(lines, number)]
        if (end := _attribution(lines, number)) is not None:
            below = lines[end:]
            # Answers stand between the lines of the other, or below them.
            return [*lines[:number], *below] if _is_between(below) else lines[:number]
    return lines


def _rule_above(lines: Sequence[str], number: int) -> int:
    """Find the rule that stands above a line, with at most blank ones between."""
    above = number - 1
    while above > 0 and not lines[above]:
        above -= 1
    return above if above >= 0 and _RULE.match(lines[above]) else number


def _attribution(lines: Sequence[str], start: int) -> int | None:
    """Find where "On ..., Jan wrote:" ends that begins here, None when it is none."""
    # Yahoo sets it in.
    line = lines[start].lstrip()
    if _DATED.match(line) or (_WROTE.search(line) and _is_quoted(lines[start + 1 : start + 3])):
        return start + 1
    if not _OPENING.match(line):
        return None
    whole = ""
    for number in range(start, min(start + _BROKEN, len(lines))):
        line = lines[number]
        if not line or len(line) > _MAX_LINE:
            return None
        whole += f" {line}"
        # "Op ... schreef Jan <" breaks before the address.
        if _WROTE.search(line) or (_ADDRESSED.search(line) and _WROTE.search(whole)):
            # People write so too, but without a date.
            is_mark = _DIGIT.search(whole) or _is_quoted(lines[number + 1 : number + 3])
            return number + 1 if is_mark else None
    return None


def _is_quoted(below: Sequence[str]) -> bool:
    """Whether the first of these lines that says something is a quoted one."""
    return next((line[0] == ">" for line in below if line), False)


def _is_between(below: Sequence[str]) -> bool:
    """Whether quoted lines have new ones below them."""
    quoted = [number for number, line in enumerate(below) if line.startswith(">")]
    return bool(quoted) and any(
        line for line in _without_signature(below)[quoted[0] :] if line[:1] != ">"
    )


def _is_head(lines: Sequence[str], number: int) -> bool:
    name = _field(lines[number])
    if not name:
        return False
    for author, subject, others in _HEADS:
        if name == author or name in others:
            fields = {_field(line): line for line in lines[number : number + _HEAD_LINES]}
            found = fields.keys() & (subject | others)
            # Of a journey there is told from where to where, and when, too.
            is_mail = fields.keys() & subject or "@" in fields.get(author, "")
            return author in fields and len(found) > 1 and bool(is_mail)
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
