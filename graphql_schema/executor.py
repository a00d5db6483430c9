"""The library's executor, which reads plain fields without ceremony.

A plain field has no resolver: its value is an attribute of what the field around it gave. The
library works each out by some twenty calls, for this record, this field and this request. Here
what a selection asks of plain fields is worked out once, and then read off every record. The
answer is the library's, to the letter: whatever does not go by the book (an exception, a null that
must not be, a value of another type) is left to the library, which then says what it always says.
"""

from collections.abc import Hashable, Iterable, Mapping
from contextlib import suppress
from typing import Any, cast

from graphql import GraphQLObjectType, GraphQLOutputType
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graphql_schema.plain_fields import PlainFields, Read, ReadAll


class PlainFieldsExecutor(StrawberryGraphQLCoreExecutionContext):
    """Reads lists of records whose selected fields are all plain, and plain fields of others."""

    def __init__(self, *args: Any, plans: dict[Hashable, Any] | None = None, **kwargs: Any) -> None:
        """Take `plans` made for the same document, where no variable tells what it selects."""
        super().__init__(*args, **kwargs)
        self._plain = PlainFields(self.collect_subfields)
        # By what is selected: the nodes of the document, which live as long as it does.
        self._plans = {} if plans is None else plans

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
            read = self._items(item_type, field_details_list)
            if read is not None:
                # What is wrong the library meets again, and tells.
                with suppress(Exception):
                    return read(items)
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
        key = (
            type_.name,
            *grouped_field_set,
            *(id(details[0].node) for details in grouped_field_set.values()),
        )
        found: Mapping[str, Read] | None = self._plans.get(key)
        if found is None:
            found = self._plans[key] = self._plain.leaves(type_, grouped_field_set)
        return found

    def _items(self, item_type: GraphQLOutputType, details: Any) -> ReadAll | None:
        key = (str(item_type), *(id(one.node) for one in details))
        if key not in self._plans:
            self._plans[key] = self._plain.items(item_type, details)
        found: ReadAll | None = self._plans[key]
        return found


def _merged(order: Iterable[str], known: dict[str, Any], rest: dict[str, Any]) -> dict[str, Any]:
    """Put the answers in the order in which they were asked for."""
    together = {**known, **rest}
    return {name: together[name] for name in order if name in together}


async def _merged_later(order: Iterable[str], known: dict[str, Any], rest: Any) -> dict[str, Any]:
    return _merged(order, known, await rest)
