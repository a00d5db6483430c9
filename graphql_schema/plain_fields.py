"""How plain fields are read off records: worked out once for what is selected of a type."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    Undefined,
    is_leaf_type,
)

from app.documents.views import View, columns_of
from graphql_schema import columns
from graphql_schema.columns import Cell
from graphql_schema.types.lazily import Shown, ShownLazily

Read = Callable[[Any], Any]
# What is asked of an object: by the name in the answer, the places in the document.
Asked = Mapping[str, Any]
ReadAll = Callable[[list[Any]], list[Any]]

# Written as they are. Numbers are not: GraphQL's have 32 bits.
_PLAIN: Mapping[str, type] = {"String": str, "ID": str, "Boolean": bool}

_INTS = range(-(2**31), 2**31)


class UnusualError(Exception):
    """A value that the library must see to."""


class PlainFields:
    """Works out, for one operation, how what it selects is read.

    `collect` gives the fields that are selected of a type, as the library's `collect_subfields`.
    """

    def __init__(self, collect: Callable[[GraphQLObjectType, Any], Any]) -> None:
        self._collect = collect

    def leaves(self, type_: GraphQLObjectType, asked: Asked) -> Mapping[str, Read]:
        """Tell how the plain fields are read that are no objects, by the names in the answer."""
        reads = {name: self._field(type_, details, leaf=True) for name, details in asked.items()}
        return {name: read for name, read in reads.items() if read is not None}

    def fields(self, type_: GraphQLObjectType, asked: Asked) -> Mapping[str, Read]:
        """Tell how the plain fields are read, objects and lists too; as `leaves`."""
        reads = {name: self._field(type_, details) for name, details in asked.items()}
        return {name: read for name, read in reads.items() if read is not None}

    def value(self, type_: GraphQLOutputType, details: Any) -> Read | None:
        """Tell how a value of a type is written; None where that is not plain.

        Without `details`, objects are not.
        """
        if isinstance(type_, GraphQLNonNull):
            return _mapped(self.value(type_.of_type, details), _non_null)
        if isinstance(type_, GraphQLList):
            return _mapped_list(self.items(type_.of_type, details))
        if is_leaf_type(type_):
            return _or_null(_leaf(type_))
        if isinstance(type_, GraphQLObjectType) and details is not None:
            return _mapped(self._object(type_, details), _or_null)
        return None

    def items(self, type_: GraphQLOutputType, details: Any) -> ReadAll | None:
        """Tell how all items of a list are written, of which each is of a type; as `value`."""
        read = self.value(type_, details)
        if read is None:
            return None

        def read_each(items: list[Any]) -> list[Any]:
            return [read(item) for item in items]

        inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        cells = None
        if isinstance(inner, GraphQLObjectType) and details is not None:
            cells = self._cells(inner, self._collect(inner, details)[0])
        return read_each if cells is None else _off_all_rows(cells, read_each)

    def _field(self, type_: GraphQLObjectType, details: Any, *, leaf: bool = False) -> Read | None:
        """Tell how a field is read off the object it is of; None where it is not plain."""
        name = details[0].node.name.value
        if name == "__typename":
            return lambda _: type_.name
        field = type_.fields.get(name)
        attribute = None if field is None else _attribute_of(field)
        if field is None or attribute is None:
            return None
        read = self.value(field.type, None if leaf else details)
        return None if read is None else (lambda source: read(getattr(source, attribute)))

    def _object(self, type_: GraphQLObjectType, details: Any) -> Read | None:
        """Tell how an object is read whose selected fields are all plain."""
        grouped, deferred, *_ = self._collect(type_, details)
        reads = {name: self._field(type_, asked) for name, asked in grouped.items()}
        fields = [(name, read) for name, read in reads.items() if read is not None]
        if deferred or len(fields) < len(reads):
            return None
        is_of_type, seen = type_.is_type_of, set[type]()

        def read(source: Any) -> Any:
            if type(source) not in seen:
                # As the library asks; what it is told of the request it does not use.
                if is_of_type is not None and is_of_type(source, None) is not True:  # type: ignore[arg-type]
                    raise UnusualError
                seen.add(type(source))
            return {name: one(source) for name, one in fields}

        cells = self._cells(type_, grouped)
        return read if cells is None else _off_rows(cells, read)

    def _cells(self, type_: GraphQLObjectType, grouped: Asked) -> list[Cell] | None:
        """Tell where each field stands in a stored row; None where one does not stand in it."""
        origin = getattr(type_.extensions.get("strawberry-definition"), "origin", None)
        if not (isinstance(origin, type) and issubclass(origin, ShownLazily)):
            return None
        cells = [self._cell(type_, origin, name, asked) for name, asked in grouped.items()]
        known = [cell for cell in cells if cell is not None]
        return known if len(known) == len(cells) else None

    def _cell(
        self, type_: GraphQLObjectType, origin: type[ShownLazily], name: str, details: Any
    ) -> Cell | None:
        field = type_.fields.get(details[0].node.name.value)
        attribute = None if field is None else _attribute_of(field)
        if field is None or attribute is None:
            return None
        show = origin.shows.get(attribute)
        if not isinstance(show, Shown | None):
            return None
        column = columns_of(origin.document).get(attribute if show is None else show.name)
        write = self.value(field.type, details)
        if column is None or write is None:
            return None
        shown = show.write if isinstance(show, Shown) else None
        inner = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
        some = _leaf(inner) if is_leaf_type(inner) else write
        default = None if column.required else column.read({})
        nothing = partial(write, columns.as_shown(default, shown))
        written = columns.writer(column.convert, shown, some, nothing)
        converted = column.convert or shown
        return Cell(
            name,
            column.stored,
            plain=None if converted else _plain_of(field.type),
            write=written,
            none=columns.or_unusual(written),
            writes_all=columns.writes_all(str(inner), column.convert, shown),
        )


def _off_rows(cells: Sequence[Cell], otherwise: Read) -> Read:
    """Read records straight off their rows, where they are views of rows."""

    def read(source: Any) -> Any:
        record = source.record if isinstance(source, ShownLazily) else None
        if not isinstance(record, View):
            return otherwise(source)
        [shown] = columns.written(cells, [record.row])
        return shown

    return read


def _off_all_rows(cells: Sequence[Cell], otherwise: ReadAll) -> ReadAll:
    def read_all(items: list[Any]) -> list[Any]:
        rows = [
            item.record.row
            for item in items
            if isinstance(item, ShownLazily) and type(item.record) is View
        ]
        return columns.written(cells, rows) if len(rows) == len(items) else otherwise(items)

    return read_all


def _attribute_of(field: GraphQLField) -> str | None:
    """Give the attribute that a field without a resolver shows; None for one with."""
    if not getattr(field.resolve, "_is_default", False):
        return None
    definition = field.extensions.get("strawberry-definition")
    name: str | None = getattr(definition, "python_name", None)
    return name


def _plain_of(type_: GraphQLOutputType) -> type | None:
    inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    return _PLAIN.get(inner.name) if is_leaf_type(inner) else None


def _leaf(type_: GraphQLLeafType) -> Read:
    plain, coerce = _PLAIN.get(type_.name), type_.coerce_output_value
    is_int = type_.name == "Int"

    def read(value: Any) -> Any:
        if type(value) is plain or (is_int and type(value) is int and value in _INTS):
            return value
        if isinstance(value, Awaitable | Exception):
            raise UnusualError
        written = coerce(value)
        if written is None or written is Undefined:
            raise UnusualError
        return written

    return read


def _mapped(read: Read | None, around: Callable[[Read], Read]) -> Read | None:
    return None if read is None else around(read)


def _or_null(read: Read) -> Read:
    def read_or_null(value: Any) -> Any:
        if value is None:
            return None
        if value is Undefined or isinstance(value, Exception):
            raise UnusualError
        return read(value)

    return read_or_null


def _non_null(read: Read) -> Read:
    def read_non_null(value: Any) -> Any:
        if value is None:
            raise UnusualError
        return read(value)

    return read_non_null


def _mapped_list(read_all: ReadAll | None) -> Read | None:
    if read_all is None:
        return None

    def read_list(values: Any) -> Any:
        if values is None:
            return None
        if type(values) is not list:
            raise UnusualError
        return read_all(values)

    return read_list
