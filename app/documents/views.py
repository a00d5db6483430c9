"""Stored rows that answer as their documents do.

A list shows a few fields of each record. A document checks and converts all of them, and holds
them all; a view reads what it is asked for.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, EnumType
from functools import lru_cache
from types import FunctionType, MethodType, NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin

from beanie import Document, PydanticObjectId
from bson import ObjectId
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

Row = Mapping[str, Any]
# What an id in a row is.
StoredId = ObjectId
Found = TypeVar("Found", bound=Document)

# What these can do with a document (write, copy, compare it) they cannot do with a view.
_OF_WHOLE_DOCUMENTS = {BaseModel.__module__, Document.__module__}

_AS_THEY_ARE = {
    str, int, bool, PydanticObjectId, list[str], dict[str, Any], NoneType,
}  # fmt: skip
# What may hold times in itself.
_DEEP = {dict[str, Any]}


@dataclass(frozen=True)
class Column:
    """Where the field of a document is stored, and how what is stored becomes one of it.

    `convert` is None where it is one already. What is missing is `default`, or made by `make`;
    with neither it must be there.
    """

    stored: str
    convert: Callable[[Any], Any] | None
    default: Any = None
    make: Callable[[], Any] | None = None
    required: bool = False
    # Whether it holds one value, or texts: nothing that has times in itself.
    is_flat: bool = False

    def read(self, row: Row) -> Any:
        value = row.get(self.stored)
        if value is not None:
            return value if self.convert is None else self.convert(value)
        if self.required:
            raise KeyError(self.stored)
        return self.default if self.make is None else self.make()


class View:
    """A row as one of `document`, to be shown: what it lacks is at its default."""

    _document: type[Document]
    row: Row

    def __init__(self, document: type[Document], row: Row) -> None:
        # There are many of them, and a call of `update` takes as long as all else.
        own = vars(self)
        own["_document"] = document
        own["row"] = row

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            # What others ask anything for, as those who print it do.
            raise AttributeError(name)
        column = columns_of(self._document).get(name)
        if column is not None:
            return column.read(self.row)
        found = getattr(self._document, name)
        if isinstance(found, property):
            return found.__get__(self)
        if not isinstance(found, FunctionType):
            return found
        if found.__module__ in _OF_WHOLE_DOCUMENTS:
            raise TypeError(f"{name} is for a whole document, not for a view of one")
        return MethodType(found, self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, View):
            return NotImplemented
        return (self._document, self.row) == (other._document, other.row)

    def __hash__(self) -> int:
        return hash(self.row["_id"])

    def __setattr__(self, name: str, value: Any) -> None:
        """Take a body as it stands elsewhere: what `OutsourcingDocument.fill` sets."""
        stored = columns_of(self._document)[name].stored
        vars(self).update(row={**self.row, stored: value})


def as_document(document: type[Found], row: Row) -> Found:
    """Give a row as one of `document`, to be shown and not to be stored."""
    return cast("Found", View(document, row))


_COLUMNS: dict[type[Document], Mapping[str, Column]] = {}


def columns_of(document: type[Document]) -> Mapping[str, Column]:
    """Tell where each field of a document is stored, by the field's name."""
    if document not in _COLUMNS:
        _COLUMNS[document] = {
            name: _column(name, field) for name, field in document.model_fields.items()
        }
    return _COLUMNS[document]


def projection_of(document: type[Document], hidden: frozenset[str]) -> Mapping[str, int]:
    """Name what is read of each row where the stored fields `hidden` are not: all that is known."""
    return _projection(cast("Hashable", document), hidden)


@lru_cache(512)
def _projection(document: Hashable, hidden: frozenset[str]) -> Mapping[str, int]:
    columns = columns_of(cast("type[Document]", document)).values()
    return dict.fromkeys([one.stored for one in columns if one.stored not in hidden], 1)


def holds_no_times_within(document: type[Document], hidden: frozenset[str]) -> bool:
    """Tell whether rows without the fields `hidden` have times as values of their own only."""
    return _is_flat(cast("Hashable", document), hidden)


@lru_cache(512)
def _is_flat(document: Hashable, hidden: frozenset[str]) -> bool:
    columns = columns_of(cast("type[Document]", document)).values()
    return all(one.is_flat for one in columns if one.stored not in hidden)


def _column(name: str, field: FieldInfo) -> Column:
    make = cast("Callable[[], Any] | None", field.default_factory)
    required = field.is_required()
    default = None if required or make is not None else field.default
    kinds = _kinds(field.annotation)
    convert = _converter(field.annotation)
    is_flat = not kinds & _DEEP and (convert in {None, aware} or isinstance(convert, EnumType))
    return Column(field.alias or name, convert, default, make, required, is_flat)


def _converter(annotation: Any) -> Callable[[Any], Any] | None:
    """Tell how a stored value becomes one of a field; None where it is one already."""
    kinds = _kinds(annotation)
    if kinds <= _AS_THEY_ARE:
        return None
    if kinds <= {datetime, NoneType}:
        return aware
    wanted = kinds - {NoneType}
    if len(wanted) == 1 and isinstance(only := wanted.pop(), type) and issubclass(only, Enum):
        return only
    return TypeAdapter(annotation).validate_python


def aware(moment: datetime) -> datetime:
    """Give a time in UTC its zone, where the row was read without."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _kinds(annotation: Any) -> set[Any]:
    return set(get_args(annotation) if _is_union(annotation) else (annotation,))


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in {Union, UnionType}
