"""An answered mail below its answer, as mail programs put it there, so that they find it again."""

import re
from dataclasses import dataclass
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date

from app.mail.character_references import unescaped
from app.mail.html_scan import marks
from app.mail.received_text import on_one_line
from app.mail.safe_html.showing import SafeHtml

# By language: the line above what is quoted, how its date is written, and an author without a name.
_WORDS = {
    "de": ("Am {date} um {time} schrieb {author}:", "dd.MM.y", "jemand"),
    "en": ("On {date} at {time}, {author} wrote:", "d MMM y", "somebody"),
    "es": ("El {date} a las {time}, {author} escribi\u00f3:", "d MMM y", "alguien"),
    "fr": ("Le {date} \u00e0 {time}, {author} a \u00e9crit :", "d MMM y", "quelqu\u2019un"),
    "nl": ("Op {date} om {time} schreef {author}:", "d MMM y", "iemand"),
}
LANGUAGES = tuple(_WORDS)
DEFAULT_LANGUAGE = "en"
# Longer lines are no attributions to those who look for one.
_LONGEST_NAME = 200
_LONGEST_ADDRESS = 254
# Characters of an original that are quoted. Gmail shows 102 kB of a mail.
HTML_LIMIT = 96 * 1024
TEXT_LIMIT = 48 * 1024
CUT = "[\u2026]"

_IMAGE = re.compile(r"<img(?: [a-z-]+=\"[^\"<>]*\")*>")
_LOADED = re.compile(r'<img src="(?:https?|cid):', re.IGNORECASE)
_ALT = re.compile(r' alt="([^"]*)"')
_LINK = re.compile(r"<a (?=href=)")
# What begins a mark of a template.
_MARK = re.compile(r"\{(?=[{%#])")
_QUOTE = "margin:0 0 0 0.8ex;border-left:1px solid #ccc;padding-left:1ex"


@dataclass(frozen=True)
class Author:
    """Who wrote the original; None, or empty, for what is not known."""

    name: str | None
    address: str | None


def attribution(author: Author, moment: datetime, *, language: str, timezone: str | None) -> str:
    """Write who wrote what is quoted, and when, in one of LANGUAGES.

    The time is that of the time zone, in UTC and so called without one.
    """
    there = moment.astimezone(ZoneInfo(timezone or "UTC"))
    line, pattern, nobody = _WORDS[language]
    name = on_one_line(author.name or "")[:_LONGEST_NAME]
    address = f"<{author.address[:_LONGEST_ADDRESS]}>" if author.address else ""
    return line.format(
        date=format_date(there, pattern, locale=Locale(language)),
        time=f"{there:%H:%M}{'' if timezone else ' UTC'}",
        author=" ".join(filter(None, (name, address))) or nobody,
    )


def as_sent(safe: SafeHtml) -> str:
    """Give what is shown of an original with its images as they were.

    Of those that were in the mail and do not go with it, what they say takes their place.
    """
    return _IMAGE.sub(_image_as_sent, safe.with_remote_images())


def shortened(html: str) -> str | None:
    """Cut safe HTML that is too long to be quoted, None where it is not.

    What is left has to be cleaned: its tags are open, and one may be cut through.
    """
    if len(html) <= HTML_LIMIT:
        return None
    end = html.rfind("<", 0, HTML_LIMIT)
    if end < HTML_LIMIT // 2:
        end = html.rfind(" ", 0, HTML_LIMIT)
    return html[: end if end > 0 else HTML_LIMIT]


def untracked(html: str) -> str:
    """Have nobody's clicks on links of safe HTML counted as clicks on those of the answer."""
    return _LINK.sub('<a data-letterbox-track="off" ', html)


def html_of_text(text: str) -> str:
    """Write the text of an original that has no HTML as such."""
    return escape(text.strip("\n"), quote=False).replace("\n", "<br>\n")


def html_below(body: str, line: str, quoted: str, *, is_cut: bool) -> str:
    """Put the quoted HTML below what is new, at the end of what a browser shows of it.

    What is new may be a template; nothing of what others wrote is part of it.
    """
    places = {mark.name: mark.start for mark in marks(body)}
    end = places.get("/body", places.get("/html", places[""]))
    mark = f"<p>{CUT}</p>" if is_cut else ""
    block = (
        f'<div><p>{escape(line, quote=False)}</p><blockquote type="cite" style="{_QUOTE}">'
        f"{quoted}{mark}</blockquote></div>"
    )
    return f"{body[:end]}{_MARK.sub('&#123;', block)}{body[end:]}"


def text_below(new: str, quoted: str) -> str:
    """Put what `quoted_text` made below what is new."""
    return "\n\n".join(filter(None, (new.strip("\n"), quoted)))


def quoted_text(line: str, original: str) -> str:
    """Write the original behind `>`, below the line of whose it is (RFC 3676, section 4.5)."""
    text = original.strip("\n")
    lines = text[:TEXT_LIMIT].split("\n")
    if len(text) > TEXT_LIMIT:
        lines[-1:] = [lines[-1], CUT]
    quoted = "\n".join(map(_quoted, lines))
    return f"{line}\n{quoted}\n"


def _quoted(line: str) -> str:
    kept = line.rstrip()
    return f"> {kept}" if kept and kept[0] != ">" else f">{kept}"


def _image_as_sent(image: re.Match[str]) -> str:
    if _LOADED.match(image[0]):
        return image[0]
    alt = _ALT.search(image[0])
    says = unescaped(alt[1]).strip() if alt else ""
    return f"[{escape(says, quote=False)}]" if says else ""
