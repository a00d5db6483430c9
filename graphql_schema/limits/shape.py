"""How much one document may hold. It is measured before it is validated, which costs far more.

Validation compares every two fields of one name: four hundred of them take a second. The library's
own limiters are validation rules, and fail on fragments that do not exist and on circular ones.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from app.settings import Settings
from graphql_schema.errors import limit_exceeded

# The introspection of graphql-js and its kin unwraps nine list and non-null types.
INTROSPECTION_DEPTH = 15
_INTROSPECTION = {"__schema", "__type"}


def excesses(document: DocumentNode, settings: Settings) -> Iterator[GraphQLError]:
    """Tell each limit of `settings` that the document is beyond, and what it asks.

    Fragments count where they are used.
    """
    yield from _too_many_definitions(document, settings)
    fragments = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    measure = _Measure(fragments)
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            measure.directives += len(node.directives or ())
            names = measure.names(node.selection_set, set())
            yield from _too_large(measure.of(node.selection_set), len(names), settings, node)
        elif isinstance(node, FragmentDefinitionNode):
            measure.of_fragment(node.name.value)
    for what, most, asked in (
        ("repeated fields", settings.graphql_repeats, measure.repeats),
        ("directives", settings.graphql_directives, measure.directives),
    ):
        if asked > most:
            yield _excess("The document", what, most, asked)


def _too_many_definitions(document: DocumentNode, settings: Settings) -> Iterator[GraphQLError]:
    most, definitions = settings.graphql_definitions, document.definitions
    if len(definitions) > most:
        yield _excess("The document", "operations and fragments", most, len(definitions))
    for node in definitions:
        given = node.variable_definitions if isinstance(node, OperationDefinitionNode) else None
        if (variables := len(given or ())) > most:
            yield _excess("The operation", "variables", most, variables)


def _too_large(
    shape: "_Shape", fields: int, settings: Settings, node: OperationDefinitionNode
) -> Iterator[GraphQLError]:
    if shape.depth > settings.graphql_depth:
        yield _too_deep(settings.graphql_depth, shape.depth, node)
    if shape.introspection > INTROSPECTION_DEPTH:
        yield _too_deep(INTROSPECTION_DEPTH, shape.introspection, node)
    if shape.aliases > settings.graphql_aliases:
        yield _excess("The operation", "aliases", settings.graphql_aliases, shape.aliases, node)
    if fields > settings.graphql_root_fields:
        most = settings.graphql_root_fields
        yield _excess("The operation", "fields at its top", most, fields, node)


def _too_deep(most: int, asked: int, node: OperationDefinitionNode) -> GraphQLError:
    message = f"The operation is {asked} fields deep; at most {most} are allowed."
    return limit_exceeded(message, "depth", most, asked, node)


def _excess(
    who: str, what: str, most: int, asked: int, node: OperationDefinitionNode | None = None
) -> GraphQLError:
    return limit_exceeded(
        f"{who} has {asked} {what}; at most {most} are allowed.", what, most, asked, node
    )


class _Shape(NamedTuple):
    """`introspection` is the depth below `__schema` and `__type`, `depth` that of all else."""

    depth: int = 0
    introspection: int = 0
    aliases: int = 0


class _Measure:
    """Measures selections; each fragment once, however often it is used.

    Thirty fragments that use the next one twice each are a billion uses. `repeats` counts the
    fields whose name their selection set, inline fragments in it included, has already.
    """

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._measured: dict[str, _Shape] = {}
        self.repeats = 0
        self.directives = 0

    def of(self, selection_set: SelectionSetNode | None) -> _Shape:
        depth = introspection = aliases = 0
        names: Counter[str] = Counter()
        for node in _selections(selection_set):
            self.directives += len(node.directives or ())
            if isinstance(node, FieldNode):
                inner = self.of(node.selection_set)
                names[(node.alias or node.name).value] += 1
                aliases += inner.aliases + (node.alias is not None)
                if node.name.value in _INTROSPECTION:
                    introspection = max(introspection, inner.depth + 1)
                else:
                    depth = max(depth, inner.depth + 1)
            elif isinstance(node, FragmentSpreadNode):
                inner = self.of_fragment(node.name.value)
                depth = max(depth, inner.depth)
                introspection = max(introspection, inner.introspection)
                aliases += inner.aliases
        self.repeats += names.total() - len(names)
        return _Shape(depth, introspection, aliases)

    def names(self, selection_set: SelectionSetNode, seen: set[str]) -> set[str]:
        """Give the names that the fields of a selection set have in the answer."""
        found: set[str] = set()
        for node in _selections(selection_set):
            if isinstance(node, FieldNode):
                found.add((node.alias or node.name).value)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                if (fragment := self._fragments.get(node.name.value)) is not None:
                    found |= self.names(fragment.selection_set, seen)
        return found

    def of_fragment(self, name: str) -> _Shape:
        if name not in self._measured:
            # Unknown and circular fragments are refused by rules of the specification.
            self._measured[name] = _Shape()
            if (fragment := self._fragments.get(name)) is not None:
                self.directives += len(fragment.directives or ())
                self._measured[name] = self.of(fragment.selection_set)
        return self._measured[name]


def _selections(selection_set: SelectionSetNode | None) -> Iterator[SelectionNode]:
    """Give inline fragments, and the fields and spreads in them as if they stood beside them."""
    for node in () if selection_set is None else selection_set.selections:
        yield node
        if isinstance(node, InlineFragmentNode):
            yield from _selections(node.selection_set)
