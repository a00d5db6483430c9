"""Ids as callers may write them.

The id of a record is an ObjectId: no two records have the same one, of whatever kind they are. So
it is also what the Global Object Identification specification calls a global id. One that tells
the kind, too, as Relay's servers write it, is understood wherever an id is: `Kind:ID`, in plain or
in base64 (RFC 4648, section 4 or 5, padded or not).
"""

import base64
import binascii
import re

from graphql import GraphQLID

_KIND = re.compile(r"(?P<kind>[A-Z][A-Za-z]{0,40}):(?P<id>[0-9A-Fa-f]{24})")
# Of the longest kind and its id.
_BASE64_LENGTH = 96


class TypedId(str):
    """The plain id of a record, from one that tells its `kind`, and as it was `written`."""

    __slots__ = ("kind", "written")

    kind: str
    written: str


def read_id(value: object) -> str:
    """Give the plain id. Raises GraphQLError for what is no string and no integer."""
    text: str = GraphQLID.parse_value(value)
    typed = _KIND.fullmatch(text) or _KIND.fullmatch(_decoded(text))
    if typed is None:
        return text
    id_ = TypedId(typed["id"])
    id_.kind = typed["kind"]
    id_.written = text
    return id_


def kind_of(id_: str) -> str | None:
    """The kind that an id tells of its record, None when it tells none."""
    return id_.kind if isinstance(id_, TypedId) else None


def as_written(id_: str) -> str:
    """An id of what is no record, such as a conversation: it is whatever callers made it."""
    return id_.written if isinstance(id_, TypedId) else id_


def _decoded(text: str) -> str:
    if len(text) > _BASE64_LENGTH:
        return ""
    bare = text.rstrip("=")
    try:
        # The signs in which both alphabets differ do not occur in what is looked for.
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return ""
