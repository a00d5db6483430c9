"""Cursors: places in a list, as callers keep them. What stands in one is nobody's business.

A cursor holds the values of a record under the keys of its list's order, so that the place stays
when the record itself is gone. Its digest finds what was changed or mixed up, and it is no secret:
who forges one gains nothing, as every value is read by the kind of its key and only compared with
records of the caller's own tenant.
"""

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import orjson

from app.documents.base import object_id_of
from app.documents.fields import Kind
from app.documents.keyset import Key, Order, Position
from app.services.inputs import storable

# Room for two subject lines in the longest of scripts.
LENGTH_LIMIT = 16_384
_VERSION = b"\x01"
_MARK = 6
_CHECK = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def write_cursor(position: Position, *, name: str, tenant: str, order: Order) -> str:
    """Write the place of a record in the tenant's list of this name and order."""
    values = [_plain(value) for value in position]
    text = _VERSION + _mark(name, order) + orjson.dumps(values)
    whole = text + _digest(_CHECK, tenant, text.hex())
    return base64.urlsafe_b64encode(whole).rstrip(b"=").decode()


def read_cursor(cursor: str, *, name: str, tenant: str, order: Order) -> Position:
    """Read a place in this list. Raises ValueError that says what is wrong with the cursor."""
    text = _checked(cursor, tenant)
    if text[len(_VERSION) :][:_MARK] != _mark(name, order):
        raise ValueError(
            "is a cursor of another list, or of another order of this one: begin without it"
        )
    values = orjson.loads(text[len(_VERSION) + _MARK :])
    if not isinstance(values, list) or len(values) != len(order):
        raise ValueError(_UNKNOWN)
    return tuple(_value(key, value) for key, value in zip(order, values, strict=True))


_UNKNOWN = "is no cursor that this list gave"


def _checked(cursor: str, tenant: str) -> bytes:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        whole = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise ValueError(_UNKNOWN) from error
    text, check = whole[:-_CHECK], whole[-_CHECK:]
    if (
        not text.startswith(_VERSION)
        or len(cursor) > LENGTH_LIMIT
        or check != _digest(_CHECK, tenant, text.hex())
    ):
        raise ValueError(_UNKNOWN)
    return text


def _mark(name: str, order: Order) -> bytes:
    """Tell one list and order from any other."""
    keys = ",".join(f"{key.path} {key.kind.name} {key.ascending}" for key in order)
    return _digest(_MARK, name, keys)


def _digest(size: int, *parts: str) -> bytes:
    return blake2b("\0".join(parts).encode(), digest_size=size, person=b"cursor").digest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value - _EPOCH) // _MILLISECOND
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _value(key: Key, value: Any) -> Any:
    if value is None and key.nullable:
        return None
    try:
        return _READERS[key.kind](value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(_UNKNOWN) from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return storable(value)


def _number(value: Any) -> int:
    # MongoDB compares no larger ones.
    if not isinstance(value, int) or isinstance(value, bool) or not -(2**63) <= value < 2**63:
        raise TypeError
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _instant(value: Any) -> datetime:
    return _EPOCH + _number(value) * _MILLISECOND


def _id(value: Any) -> Any:
    found = object_id_of(_text(value))
    if found is None:
        raise ValueError
    return found


_READERS: dict[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: _text,
    Kind.CHOICE: _text,
    Kind.NUMBER: _number,
    Kind.FLAG: _flag,
    Kind.INSTANT: _instant,
    Kind.ID: _id,
}
