"""Ids as callers may write them.

The id of a record is an ObjectId: no two records have the same one, of whatever kind they are. So
it is also what the Global Object Identification specification calls a global id. One that tells
the kind, too, as Relay's servers write it, is understood wherever an id is: `Kind:ID`, in plain or
in base64 (RFC 4648, section 4 or 5, padded or not).
"""

import binascii
import re

from graphql import GraphQLID

_KIND = re.compile(r"(?P<kind>[A-Z][A-Za-z]{0,40}):(?P<id>[0-9A-Fa-f]{24})")
# In base64: it begins with a capital, and is as long as the longest kind and its id. The signs in
# which both alphabets differ do not occur in it.
_BASE64 = re.compile(r"(?P<text>[Q-W][A-Za-z0-9+/]{34,91})={0,2}")


class TypedId(str):
    """The plain id of a record, from one that tells its `kind`, and as it was `written`."""

    __slots__ = ("kind", "written")

    kind: str
    written: str


def read_id(value: object) -> str:
    """Give the plain id. Raises GraphQLError for what is no string and no integer."""
    text: str = GraphQLID.parse_value(value)
    typed = _KIND.fullmatch(_decoded(text))
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
    encoded = _BASE64.fullmatch(text)
    if encoded is None:
        return text
    bare = encoded["text"]
    try:
        return binascii.a2b_base64(bare + "=" * (-len(bare) % 4)).decode("ascii")
    except ValueError:
        return text
