"""From, To and Cc as other people's programs write them.

Read here because the standard library's parsers cannot be had for hostile mail (measured on
3.11): `email.policy.default` takes 10 s for 50 KB of commas, and `email.utils.getaddresses` reads
`Jan @ Acme <jan@acme.nl>` as two addresses.
"""

import re
from collections.abc import Iterator

from app.mail.addresses import MAX_ADDRESS_LENGTH, Mailbox
from app.mail.received_text import decoded_words, on_one_line

MAX_MAILBOXES = 1000

# Whatever is opened ends at the latest with the text, so that no character is looked at twice.
_TOKEN = re.compile(
    r'"(?P<quoted>(?:[^"\\]|\\.)*+)(?:"|\\?\Z)'
    r"|<(?P<angle>[^<>]*+)(?:>|(?=<)|\Z)"
    r"|(?P<mark>[:()]|(?P<end>[,;][,;\s]*+))"
    r'|(?P<text>(?:\\.|[^"<,;:()\\])++|\\|>)',
    re.DOTALL,
)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_BRACKETS = frozenset("<>")
_MAX_NAME = 500


class _Reader:
    """The mailbox that is being read: words, what stood in angle brackets, and a comment."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._words: list[str] = []
        self._angle: str | None = None
        self._comment: list[str] = []
        self._depth = 0

    def take(self, token: re.Match[str]) -> Mailbox | None:
        """Read on; the mailbox that ends here, if one does."""
        mark = token["mark"]
        if mark == "(":
            self._depth += 1
        elif self._depth:
            if mark == ")":
                self._depth -= 1
            else:
                self._comment.append(token[0])
        elif token["end"] is not None:
            return self.end()
        elif mark == ":":
            # What stood before it names a group (RFC 5322 section 3.4).
            self._words = []
        elif token["angle"] is not None:
            self._angle = token["angle"]
        elif token["quoted"] is not None:
            self._words.append(_QUOTED_PAIR.sub(r"\1", token["quoted"]))
        elif token["text"] is not None:
            self._words.append(token["text"])
        return None

    def end(self) -> Mailbox | None:
        """The mailbox that was read, if it is one; the next begins."""
        words, angle, comment = "".join(self._words), self._angle, "".join(self._comment)
        self._begin()
        address, name = (words, comment) if angle is None else (angle, words or comment)
        # A route (RFC 5322 section 4.4) stands before the last colon.
        address = "".join(on_one_line(address.rpartition(":")[2]).split())
        if not 0 < len(address) <= MAX_ADDRESS_LENGTH or not _BRACKETS.isdisjoint(address):
            return None
        return Mailbox(address, on_one_line(decoded_words(name[:_MAX_NAME])) or None)


def mailboxes(value: str, *, most: int = MAX_MAILBOXES) -> tuple[Mailbox, ...]:
    """Read an address field (RFC 5322 section 3.4) leniently, at most its first `most` mailboxes.

    Groups are read as their members, comments as names where there is none; an address keeps its
    spelling. Linear; never raises.
    """
    return tuple(found for found, _ in zip(_read(value), range(most), strict=False))


def _read(value: str) -> Iterator[Mailbox]:
    reader = _Reader()
    for token in _TOKEN.finditer(value):
        if (found := reader.take(token)) is not None:
            yield found
    if (found := reader.end()) is not None:
        yield found
