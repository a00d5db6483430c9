"""Queries that were worked out whole: what is called, and what is read off what it gives.

For each field of each request the library finds the field, its arguments and its resolver anew,
and what to do with what that gives. Here it is found once for a document. Only what goes well is
answered here: where anything does not, the whole query is run by the library, which says what it
always says.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    VariableNode,
    Visitor,
    visit,
)
from graphql.execution.collect_fields import collect_fields
from graphql.execution.values import get_argument_values
from graphql.pyutils import Path
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField
from strawberry.types.info import Info

from graphql_schema.executor import PlainFieldsExecutor
from graphql_schema.plain_fields import PlainFields, Read, UnusualError

# Gives the answer for a value, in the run of one request.
Complete = Callable[[PlainFieldsExecutor, Any], Awaitable[Any]]
_SIMPLE = {type(None), bool, int, float, str}


class NotStraightError(Exception):
    """Something in the query is for the library only."""


@dataclass(frozen=True)
class Asked:
    """A field that is worked out, as it stands in a document.

    `arguments` are what its resolver is given each time, None where they are to be worked out.
    """

    definition: GraphQLField
    own: StrawberryField
    parent: GraphQLObjectType
    name: str
    details: Any
    converter: GraphQLCoreConverter
    arguments: Mapping[str, Any] | None
    complete: Complete

    async def answer(self, executor: PlainFieldsExecutor, source: Any) -> Any:
        """Call the resolver and write what it gives."""
        nodes = [one.node for one in self.details]
        path = Path(None, self.name, self.parent.name)
        raw = executor.build_resolve_info(self.definition, nodes, self.parent, path)
        info: Info[Any, Any] = self.converter.config.info_class(_raw_info=raw, _field=self.own)
        args, kwargs = self._arguments(executor, source, info)
        value = self.own.get_result(source, info=info, args=args, kwargs=kwargs)
        if inspect.isawaitable(value):
            value = await value
        return await self.complete(executor, value)

    def _arguments(
        self, executor: PlainFieldsExecutor, source: Any, info: Info[Any, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        resolver = self.own.base_resolver
        if resolver is None:
            return [], {}
        if self.arguments is None:
            node = self.details[0].node
            given = get_argument_values(self.definition, node, executor.variable_values)
            kwargs = _converted(self.own, self.converter, given)
        else:
            kwargs = dict(self.arguments)
        for taken in (resolver.parent_parameter, resolver.root_parameter):
            if taken is not None:
                kwargs[taken.name] = source
        if resolver.info_parameter is not None:
            kwargs[resolver.info_parameter.name] = info
        return ([source] if resolver.self_parameter else []), kwargs


def _converted(
    own: StrawberryField, converter: GraphQLCoreConverter, given: dict[str, Any]
) -> dict[str, Any]:
    """Give arguments as their resolver takes them, inputs as objects."""
    return convert_arguments(
        given,
        own.arguments,
        scalar_registry=converter.scalar_registry,
        config=converter.config,
    )


@dataclass(frozen=True)
class Shape:
    """An object as it is selected: `plain` fields are read off it, those `asked` are worked out."""

    of_type: GraphQLObjectType
    names: Sequence[str]
    plain: Mapping[str, Read]
    asked: Mapping[str, Complete]
    seen: set[type] = field(default_factory=set)

    async def answer(self, executor: PlainFieldsExecutor, source: Any) -> dict[str, Any]:
        if type(source) not in self.seen:
            is_of_type = self.of_type.is_type_of
            # As the library asks; what it is told of the request it does not use.
            if is_of_type is not None and is_of_type(source, None) is not True:  # type: ignore[arg-type]
                raise UnusualError
            self.seen.add(type(source))
        shown: dict[str, Any] = dict.fromkeys(self.names)
        for name, read in self.plain.items():
            shown[name] = read(source)
        asked = [(name, one(executor, source)) for name, one in self.asked.items()]
        for (name, _), value in zip(asked, await _all([one for _, one in asked]), strict=True):
            shown[name] = value
        return shown


class Straightener:
    """Works out, for one document, how its queries are answered. Raises NotStraightError."""

    def __init__(self, executor: PlainFieldsExecutor, converter: GraphQLCoreConverter) -> None:
        self._executor = executor
        self._converter = converter
        self._plain = PlainFields(executor.collect_subfields)

    def root(self, type_: GraphQLObjectType) -> Shape:
        executor = self._executor
        grouped = collect_fields(
            executor.schema,
            executor.fragments,
            executor.variable_values,
            type_,
            executor.operation,
            executor.hide_suggestions,
        )
        shape = self._shape(type_, grouped.grouped_field_set)
        # What a query begins with is nothing.
        shape.seen.add(type(None))
        return shape

    def _shape(self, type_: GraphQLObjectType, grouped: Any) -> Shape:
        plain = self._plain.fields(type_, grouped)
        asked = {
            name: self._asked(type_, name, details)
            for name, details in grouped.items()
            if name not in plain
        }
        return Shape(type_, list(grouped), plain, asked)

    def _asked(self, type_: GraphQLObjectType, name: str, details: Any) -> Complete:
        node = details[0].node
        definition = type_.fields.get(node.name.value)
        own = None
        if definition is not None:
            own = definition.extensions.get("strawberry-definition")
        if definition is None or not isinstance(own, StrawberryField) or own.extensions:
            raise NotStraightError
        arguments = None
        if not _has_variables(node):
            given = _converted(own, self._converter, get_argument_values(definition, node))
            # Others might be changed by whom they are given to.
            arguments = given if all(type(one) in _SIMPLE for one in given.values()) else None
        complete = self._complete(definition.type, details)
        asked = Asked(definition, own, type_, name, details, self._converter, arguments, complete)
        return asked.answer

    def _complete(self, type_: GraphQLOutputType, details: Any) -> Complete:
        plain = self._plain.value(type_, details)
        if plain is not None:
            return partial(_read, plain)
        if isinstance(type_, GraphQLNonNull):
            return partial(_non_null, self._complete(type_.of_type, details))
        if isinstance(type_, GraphQLList):
            return partial(_or_null, partial(_each, self._complete(type_.of_type, details)))
        if isinstance(type_, GraphQLObjectType):
            grouped = self._executor.collect_subfields(type_, details)
            return partial(_or_null, self._shape(type_, grouped.grouped_field_set).answer)
        raise NotStraightError


async def _read(plain: Read, executor: PlainFieldsExecutor, value: Any) -> Any:  # noqa: ARG001
    return plain(value)


async def _non_null(complete: Complete, executor: PlainFieldsExecutor, value: Any) -> Any:
    if value is None:
        raise UnusualError
    return await complete(executor, value)


async def _or_null(complete: Complete, executor: PlainFieldsExecutor, value: Any) -> Any:
    if isinstance(value, Exception):
        raise UnusualError
    return None if value is None else await complete(executor, value)


async def _each(complete: Complete, executor: PlainFieldsExecutor, values: Any) -> Any:
    if type(values) is not list:
        raise UnusualError
    return await _all([complete(executor, value) for value in values])


async def _all(several: Sequence[Awaitable[Any]]) -> list[Any]:
    """Wait for all at the same time; when one fails the others are ended before it is told."""
    if len(several) <= 1:
        return [await one for one in several]
    tasks = [asyncio.ensure_future(one) for one in several]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        raise


class _Variables(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found = False

    def enter_variable(self, _: VariableNode, *__: object) -> None:
        self.found = True


def _has_variables(node: Any) -> bool:
    finder = _Variables()
    for argument in node.arguments or ():
        visit(argument, finder)
    return finder.found
