"""The library's executor, which reads plain fields without ceremony.

A plain field has no resolver: its value is an attribute of what the field around it gave. The
library works each out by some twenty calls, for this record, this field and this request. Here
what a selection asks of plain fields is worked out once, and then read off every record. The
answer is the library's, to the letter: whatever does not go by the book (an exception, a null that
must not be, a value of another type) is left to the library, which then says what it always says.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, cast

from graphql import GraphQLObjectType, GraphQLOutputType
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graphql_schema.plain_fields import PlainFields, Read


class PlainFieldsExecutor(StrawberryGraphQLCoreExecutionContext):
    """Reads lists of records whose selected fields are all plain, and plain fields of others."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._plain = PlainFields(self.collect_subfields)
        # By the identity of what is selected, which is kept so that no other takes its place.
        self._leaves_of: dict[tuple[str, int], tuple[Any, Mapping[str, Read]]] = {}
        self._items_of: dict[tuple[str, int], tuple[Any, Read | None]] = {}

    def complete_iterable_value(  # noqa: PLR0917 - as the library has it
        self,
        item_type: GraphQLOutputType,
        field_details_list: Any,
        info: Any,
        path: Any,
        items: Iterable[Any],
        position_context: Any,
    ) -> Any:
        # One with directives may be a stream.
        if isinstance(items, list) and not any(one.node.directives for one in field_details_list):
            read = self._item(item_type, field_details_list)
            if read is not None:
                # What is wrong the library meets again, and tells.
                with suppress(Exception):
                    return [read(item) for item in items]
        return super().complete_iterable_value(
            item_type, field_details_list, info, path, items, position_context
        )

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Any,
        grouped_field_set: Any,
        position_context: Any,
    ) -> Any:
        """Have plain leaves read, and everything else worked out by the library."""
        known: dict[str, Any] = {}
        if position_context is None:
            for name, read in self._leaves(parent_type, grouped_field_set).items():
                with suppress(Exception):
                    known[name] = read(source_value)
        rest = {name: asked for name, asked in grouped_field_set.items() if name not in known}
        if not rest:
            return known
        worked_out = super().execute_fields(
            parent_type, source_value, path, rest if known else grouped_field_set, position_context
        )
        if not known:
            return worked_out
        if self.is_awaitable(worked_out):
            return _merged_later(grouped_field_set, known, worked_out)
        return _merged(grouped_field_set, known, cast("dict[str, Any]", worked_out))

    def _leaves(self, type_: GraphQLObjectType, grouped_field_set: Any) -> Mapping[str, Read]:
        key = (type_.name, id(grouped_field_set))
        if key not in self._leaves_of:
            leaves = self._plain.leaves(type_, grouped_field_set)
            self._leaves_of[key] = (grouped_field_set, leaves)
        return self._leaves_of[key][1]

    def _item(self, item_type: GraphQLOutputType, details: Any) -> Read | None:
        key = (str(item_type), id(details))
        if key not in self._items_of:
            self._items_of[key] = (details, self._plain.value(item_type, details))
        return self._items_of[key][1]


def _merged(order: Iterable[str], known: dict[str, Any], rest: dict[str, Any]) -> dict[str, Any]:
    """Put the answers in the order in which they were asked for."""
    together = {**known, **rest}
    return {name: together[name] for name in order if name in together}


async def _merged_later(order: Iterable[str], known: dict[str, Any], rest: Any) -> dict[str, Any]:
    return _merged(order, known, await rest)
