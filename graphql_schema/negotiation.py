"""Which media type an answer has: what the client's Accept header asks for (RFC 9110, 12.5.1)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from app.errors import NotAcceptableError


class MediaType(StrEnum):
    JSON = "application/json"
    GRAPHQL_RESPONSE = "application/graphql-response+json"
    EVENT_STREAM = "text/event-stream"
    MULTIPART = "multipart/mixed"
    HTML = "text/html"


# The first is taken where the client has no preference, as GraphQL's clients of old expect it.
JSON_TYPES = (MediaType.JSON, MediaType.GRAPHQL_RESPONSE)
_MANY_RANGES = 50
_QUALITY = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")
_EXACT = 2
# Those of programs, which send the same each time.
_USUAL_LENGTH = 200
# Formats of results in parts, and of subscriptions, that are not ours.
_OTHER_FORMATS = {"deferspec", "subscriptionspec"}
_UTF_8 = {"utf-8", "utf8", "*"}


@dataclass(frozen=True)
class Accepted:
    """What a client takes.

    `json` is the JSON type that a result has, None where the client takes neither; `stream` tells
    whether it takes events, `parts` whether it names a type for results in parts, `prefers_stream`
    that it wants events rather than JSON, for a query too; `prefers_html` that it is a browser that
    shows a page.
    """

    json: MediaType | None
    stream: bool
    parts: bool
    prefers_stream: bool
    prefers_html: bool

    def required_json(self) -> MediaType:
        """The JSON type of the answer. Raises NotAcceptableError where neither is taken."""
        if self.json is None:
            raise NotAcceptableError(f"The Accept header must allow one of: {_names()}.")
        return self.json


class _Range(NamedTuple):
    type: str
    subtype: str
    quality: float


class _Preference(NamedTuple):
    """How much a client wants a type; the larger the more, and what is listed first wins a tie."""

    quality: float = 0.0
    exactness: int = 0
    position: int = 0


def accepted(accept: str | None) -> Accepted:
    """Read an Accept header; no header, or an empty one, accepts everything.

    A type that is listed counts by its own quality, not by that of a wildcard. Events are preferred
    only when their quality is above that of both JSON types: many clients list them for the sake of
    subscriptions, and want JSON.
    """
    is_usual = accept is None or len(accept) <= _USUAL_LENGTH
    return _known(accept) if is_usual else _read(accept)


def _read(accept: str | None) -> Accepted:
    ranges = list(_ranges(accept)) if accept and accept.strip() else [_Range("*", "*", 1.0)]
    wanted = {type_: _preference(type_, ranges) for type_ in MediaType}
    # max() keeps the first of equals.
    json = max(JSON_TYPES, key=lambda type_: wanted[type_])
    best, stream, html = wanted[json], wanted[MediaType.EVENT_STREAM], wanted[MediaType.HTML]
    parts = wanted[MediaType.MULTIPART]
    return Accepted(
        json=json if best.quality else None,
        stream=stream.quality > 0,
        parts=parts.quality > 0 and parts.exactness == _EXACT,
        prefers_stream=stream.quality > best.quality,
        prefers_html=html[:2] > best[:2],
    )


_known = lru_cache(256)(_read)


def _ranges(accept: str) -> Iterator[_Range]:
    """Give the well-formed ranges; a charset other than UTF-8 is none that we could answer in."""
    for text in accept.split(",")[:_MANY_RANGES]:
        name, *parameters = (part.strip().lower() for part in text.split(";"))
        type_, slash, subtype = name.partition("/")
        values = dict(_parameter(parameter) for parameter in parameters)
        quality = values.get("q", "1")
        known = _QUALITY.fullmatch(quality) and values.get("charset", "utf-8") in _UTF_8
        if type_ and slash and subtype and known and not _OTHER_FORMATS & values.keys():
            yield _Range(type_, subtype, float(quality))


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip(), value.strip().strip('"')


def _preference(offered: MediaType, ranges: list[_Range]) -> _Preference:
    """By the range that fits best: the type itself before `type/*` before `*/*`."""
    type_, _, subtype = offered.partition("/")
    exactness = {(type_, subtype): _EXACT, (type_, "*"): 1, ("*", "*"): 0}
    fitting = [
        (exactness[range_.type, range_.subtype], range_.quality, -position)
        for position, range_ in enumerate(ranges)
        if (range_.type, range_.subtype) in exactness
    ]
    if not fitting:
        return _Preference()
    exact, quality, position = max(fitting)
    return _Preference(quality, exact, position)


def _names() -> str:
    return ", ".join(type_.value for type_ in JSON_TYPES)
