"""Languages: tags as BCP 47 writes them, and which of those at hand serves a reader."""

import re
from collections.abc import Collection, Iterator

TAG_LENGTH = 35
# RFC 5646, section 2.1, without the tags that it grandfathers.
_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", re.ASCII)
_REGION, _SCRIPT = 2, 4


def canonical(text: str) -> str | None:
    """Write a language tag as is usual, `nl_be` as `nl-BE`; None for what is none.

    RFC 5646, section 2.1.1.
    """
    tag = text.strip().replace("_", "-")
    if len(tag) > TAG_LENGTH or _TAG.fullmatch(tag) is None:
        return None
    first, *others = tag.lower().split("-")
    written = [first]
    for part in others:
        behind_singleton = len(written[-1]) == 1
        if len(part) == _REGION and not behind_singleton:
            written.append(part.upper())
        elif len(part) == _SCRIPT and part.isalpha() and not behind_singleton:
            written.append(part.title())
        else:
            written.append(part)
    return "-".join(written)


def ranges(tag: str) -> Iterator[str]:
    """Give a tag and, one behind the other, what is left of it (RFC 4647, section 3.4)."""
    parts = tag.split("-")
    while parts:
        yield "-".join(parts)
        parts.pop()
        # A single sign says what kind of part comes behind it.
        if parts and len(parts[-1]) == 1:
            parts.pop()


def chosen(wanted: str | None, at_hand: Collection[str]) -> str | None:
    """Choose the tag at hand that serves a reader of `wanted` best; None when none does."""
    tag = None if wanted is None else canonical(wanted)
    return None if tag is None else next((one for one in ranges(tag) if one in at_hand), None)
