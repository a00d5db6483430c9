"""What an operation would cost, reckoned from its document and variables before it runs.

Each object that it may give costs 1, a list as many as its page has or `@listSize` says, a mutation
10 more, a field with `@cost` its weight, and what is asked of the schema twenty times that. Fields
that are asked for twice are given once, and count once, as GraphQL merges them (specification,
section 6.3.2).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, TypeGuard, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_composite_type,
    is_leaf_type,
    is_list_type,
    is_object_type,
    value_from_ast_untyped,
)

from graphql_schema.limits.introspection import introspection_sizes
from graphql_schema.limits.sizes import LISTS, NUMBERS, Cost, ListSize, directive_of

MUTATION = 10
# All of a schema is told in one go, while nobody else is served.
INTROSPECTION = 20
# A list of which nobody has said how long it is.
UNTOLD = 10
# The cost of what takes too long to reckon: the largest whole number of JavaScript.
ENDLESS = 2**53 - 1
_SIZES = frozenset((*NUMBERS, *LISTS))
# Selection sets that are looked at; honest documents have a hundred.
_STEPS = 5_000


def cost_of(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
) -> int:
    """Reckon the cost of a valid operation; ENDLESS for one that is made to be slow to reckon.

    `variables` are `with_defaults`; of them only those are read that say how long a list is.
    """
    fragments = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    root = schema.get_root_type(operation.operation)
    if root is None:
        return 0
    reckoning = _Reckoning(schema, fragments, variables)
    base = MUTATION if operation.operation is OperationType.MUTATION else 0
    try:
        return min(round(reckoning.of(root, (operation.selection_set,), None, base)), ENDLESS)
    except OverflowError:
        return ENDLESS


def with_defaults(
    operation: OperationDefinitionNode, variables: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The variables of an operation, those too that it gives a value itself."""
    return {**dict(_defaults(operation)), **(variables or {})}


def _defaults(operation: OperationDefinitionNode) -> Iterator[tuple[str, Any]]:
    for definition in operation.variable_definitions or ():
        if definition.default_value is not None:
            yield definition.variable.name.value, value_from_ast_untyped(definition.default_value)


class _Reckoning:
    """Reckons selection sets, each combination of them once: fragments may double without end."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Mapping[str, Any],
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables
        self._reckoned: dict[tuple[Any, ...], float] = {}

    def of(
        self,
        type_: GraphQLObjectType,
        selection_sets: Sequence[SelectionSetNode],
        size: float | None,
        base: int = 0,
    ) -> float:
        """The cost of what is selected of one object; `size` is that of the lists in it.

        `base` comes to each field. Raises OverflowError when there is no end to it.
        """
        key = (type_.name, size, *map(id, selection_sets))
        if key not in self._reckoned:
            if len(self._reckoned) >= _STEPS:
                raise OverflowError
            self._reckoned[key] = 0
            fields: dict[str, list[FieldNode]] = {}
            self._collect(type_, selection_sets, fields, set())
            self._reckoned[key] = sum(
                base + self._field(type_, nodes, size) for nodes in fields.values()
            )
        return self._reckoned[key]

    def _field(
        self, parent: GraphQLObjectType, nodes: Sequence[FieldNode], size: float | None
    ) -> float:
        node = nodes[0]
        field = self._schema.get_field(parent, node.name.value)
        if field is None:
            return 0
        told = self._told_size(field, node)
        each = _weight(field)
        named = get_named_type(field.type)
        inner = tuple(one.selection_set for one in nodes if one.selection_set is not None)
        times: float
        if node.name.value == "__schema":
            times = INTROSPECTION
        elif parent.name.startswith("__"):
            times = introspection_sizes(self._schema).get(node.name.value, 1)
        elif is_list_type(get_nullable_type(field.type)):
            times = next((one for one in (told, size) if one is not None), UNTOLD)
            told = None
        else:
            times = told if is_leaf_type(named) and told is not None else 1
        return times * (each + self._below(named, inner, told))

    def _below(
        self, type_: GraphQLNamedType, inner: Sequence[SelectionSetNode], size: float | None
    ) -> float:
        if is_object_type(type_):
            return self.of(type_, inner, size)
        if is_abstract_type(type_):
            possible = self._schema.get_possible_types(type_)
            return max((self.of(one, inner, size) for one in possible), default=0)
        return 0

    def _told_size(self, field: GraphQLField, node: FieldNode) -> float | None:
        """How many items the arguments of a field ask for, or else its declaration tells."""
        given = {
            one.name.value: self._value(one.value)
            for one in node.arguments or ()
            if one.name.value in _SIZES
        }
        sizes: list[float] = [
            value
            for name in NUMBERS
            if (argument := field.args.get(name)) is not None
            and _is_number(value := given.get(name, argument.default_value))
        ]
        sizes += [len(value) for name in LISTS if isinstance(value := given.get(name), list)]
        if sizes:
            return max(0, *sizes)
        declared = directive_of(field, ListSize)
        return None if declared is None else declared.assumed_size

    def _value(self, node: ValueNode) -> Any:
        # It only ever looks one up.
        return value_from_ast_untyped(node, cast("dict[str, Any]", self._variables))

    def _collect(
        self,
        type_: GraphQLObjectType,
        selection_sets: Iterable[SelectionSetNode],
        fields: dict[str, list[FieldNode]],
        visited: set[str],
    ) -> None:
        """Gather the fields by their name in the answer, each fragment's once."""
        for node in chain.from_iterable(one.selections for one in selection_sets):
            if isinstance(node, FieldNode):
                fields.setdefault((node.alias or node.name).value, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                self._collect_fragment(type_, node, fields, visited)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in visited:
                visited.add(node.name.value)
                if (fragment := self._fragments.get(node.name.value)) is not None:
                    self._collect_fragment(type_, fragment, fields, visited)

    def _collect_fragment(
        self,
        type_: GraphQLObjectType,
        fragment: InlineFragmentNode | FragmentDefinitionNode,
        fields: dict[str, list[FieldNode]],
        visited: set[str],
    ) -> None:
        condition = fragment.type_condition
        named = None if condition is None else self._schema.get_type(condition.name.value)
        if condition is None or named is type_ or self._is_one(named, type_):
            self._collect(type_, (fragment.selection_set,), fields, visited)

    def _is_one(self, abstract: GraphQLNamedType | None, type_: GraphQLObjectType) -> bool:
        return is_abstract_type(abstract) and self._schema.is_sub_type(abstract, type_)


def _weight(field: GraphQLField) -> int:
    declared = directive_of(field, Cost)
    if declared is not None:
        return declared.weight
    is_costly = is_composite_type(get_named_type(field.type)) or directive_of(field, ListSize)
    return 1 if is_costly else 0


def _is_number(value: object) -> TypeGuard[float]:
    """Whether it can be an Int: a variable of 7.0 is one, too (specification, section 3.5.1)."""
    return isinstance(value, int | float) and not isinstance(value, bool)
