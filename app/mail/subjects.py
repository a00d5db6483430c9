"""Subjects of answers (RFC 5322, section 3.6.5): one `Re:`, whatever stood there before."""

import re

# What programs of other languages write for `Re:`, some with a count: `AW:`, `Re[2]:`, `RE(3):`.
_ANSWER = re.compile(
    r"\s*(?:re|aw|antw|antwort|sv|vs|vá|odp|ynt|res|απ|отв|回复|回覆|答复|答覆)"
    r"\s*(?:\[\d{1,4}\]|\(\d{1,4}\)|\^\d{1,4})?\s*[:：]",  # noqa: RUF001 - as they are written
    re.IGNORECASE,
)
_PREFIX = "Re:"


def answered_subject(subject: str | None, *, limit: int) -> str:
    """Write the subject of an answer, of at most `limit` characters, on one line."""
    plain = "".join(sign if sign.isprintable() else " " for sign in subject or "")
    words, begins = " ".join(plain.split()), 0
    while (found := _ANSWER.match(words, begins)) is not None:
        begins = found.end()
    return f"{_PREFIX} {words[begins:].strip()}"[:limit].strip()
