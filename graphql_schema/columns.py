"""Stored rows as an answer has them: column by column, where a column holds values of one kind."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import EnumType
from itertools import chain, repeat
from typing import Any

from app.documents.views import Row, StoredId, aware
from app.instants import format_instant
from graphql_schema.types.lazily import as_id

Write = Callable[[Any], Any]
# Writes all values of a column, which are of one kind; None where they are not what they seem.
WriteAll = Callable[[list[Any]], list[Any] | None]

# What is written where nothing is stored, and the library has to say that nothing must be.
UNUSUAL = object()
_INTS = range(-(2**31), 2**31)


@dataclass(frozen=True)
class Cell:
    """The field of an answer that shows what is stored under one name.

    `plain` is the kind of values that is written as it is, `write` writes every other, and `none`
    is written where there is none. `writes_all` writes whole columns, by the kind in them.
    """

    name: str
    stored: str
    plain: type | None
    write: Write
    none: Any
    writes_all: Mapping[type, WriteAll]

    def of(self, rows: Sequence[Row]) -> list[Any]:
        """Write the cell of each row."""
        stored = self.stored
        values = [row.get(stored) for row in rows]
        kinds = set(map(type, values))
        if len(kinds) == 1:
            [kind] = kinds
            if kind is self.plain:
                return values
            write_all = self.writes_all.get(kind)
            written = None if write_all is None else write_all(values)
            if written is not None:
                return written
        plain, none, write = self.plain, self.none, self.write
        return [
            value
            if type(value) is plain
            else none
            if value is None and none is not UNUSUAL
            else write(value)
            for value in values
        ]


def written(cells: Sequence[Cell], rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Write each row by these cells."""
    names = [cell.name for cell in cells]
    columns = [cell.of(rows) for cell in cells]
    # All have as many as there are rows.
    return list(map(dict, map(zip, repeat(names), zip(*columns, strict=True))))


def _numbers(values: list[Any]) -> list[Any] | None:
    return values if min(values) in _INTS and max(values) in _INTS else None


def _texts(values: list[Any]) -> list[Any] | None:
    return values if set(map(type, chain.from_iterable(values))) <= {str} else None


def _ids(values: list[Any]) -> list[Any]:
    return list(map(str, values))


def _instants(values: list[Any]) -> list[Any]:
    return [
        # MongoDB's have whole milliseconds; those without a zone are in UTC.
        f"{one.isoformat('T', 'milliseconds')}Z"
        if one.tzinfo is None and one.microsecond and not one.microsecond % 1000
        else format_instant(aware(one))
        for one in values
    ]


# By the GraphQL type of values that are shown as they are stored.
_AS_STORED: Mapping[str, Mapping[type, WriteAll]] = {
    "Int": {int: _numbers},
    "DateTime": {datetime: _instants},
    "[String!]": {list: _texts},
}
# Ids are stored as such, and shown as text.
_IDS: Mapping[type, WriteAll] = {StoredId: _ids}


def writes_all(type_: str, convert: Write | None, show: Write | None) -> Mapping[type, WriteAll]:
    """Tell how whole columns are written that are shown as a GraphQL type."""
    if convert is aware:
        # Whole columns need no zones.
        convert = None
    if convert is None and show is as_id and type_ == "ID":
        return _IDS
    return {} if convert or show else _AS_STORED.get(type_, {})


def as_shown(default: Any, show: Write | None) -> Any:
    """Show what stands for nothing."""
    return default if default is None or show is None else show(default)


def writer(
    convert: Write | None, show: Write | None, write: Write, nothing: Callable[[], Any]
) -> Write:
    """Make what writes what is stored: as the document has it, as it is shown, as GraphQL has it.

    `nothing` writes what is not there.
    """

    def read(value: Any) -> Any:
        if value is None:
            return nothing()
        if convert is not None:
            value = convert(value)
        return write(value if show is None else show(value))

    return _remembered(read) if isinstance(convert, EnumType) else read


def _remembered(read: Write) -> Write:
    """A choice is one of few: each is written once."""
    known: dict[Any, Any] = {}

    def read_once(value: Any) -> Any:
        try:
            return known[value]
        except KeyError:
            written = known[value] = read(value)
            return written

    return read_once


def or_unusual(write: Write) -> Any:
    """Give what is written where nothing is stored; UNUSUAL where that cannot be."""
    try:
        return write(None)
    except Exception:  # noqa: BLE001 - it is met again, record by record
        return UNUSUAL
