"""What one document may ask for; beyond it, it is refused before anything is validated or run."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
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
from strawberry.extensions import SchemaExtension

DEPTH = 12
ALIASES = 30
REPEATS = 20
TOKENS = 4000
# Introspection asks for it up to nine times; it peels off a `!` or `[]`, and adds no work.
_UNWRAPPING = "ofType"


def limits() -> list[Callable[[], SchemaExtension]]:
    """Make the extensions that hold the limits, fresh for each operation."""
    return [ShapeLimit]


class ShapeLimit(SchemaExtension):
    """Refuse operations too deep, or with too many aliases or repeated fields.

    Fragments count where they are used. It stands before validation, which compares every two
    fields of one name: four hundred of them take a second. The library's own limiters are
    validation rules, and fail on fragments that do not exist and on circular ones.
    """

    def on_validate(self) -> Iterator[None]:
        document = self.execution_context.graphql_document
        errors = [] if document is None else list(_excesses(document))
        if errors:
            self.execution_context.pre_execution_errors = errors
        yield


def _excesses(document: DocumentNode) -> Iterator[GraphQLError]:
    fragments = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    measure = _Measure(fragments)
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            shape = measure.of(node.selection_set)
            if shape.depth > DEPTH:
                yield GraphQLError(f"The operation is more than {DEPTH} deep.", node)
            if shape.aliases > ALIASES:
                yield GraphQLError(f"The operation has more than {ALIASES} aliases.", node)
        elif isinstance(node, FragmentDefinitionNode):
            measure.of_fragment(node.name.value)
    if measure.repeats > REPEATS:
        yield GraphQLError(f"The document asks more than {REPEATS} times for a field again.")


class _Shape(NamedTuple):
    depth: int = 0
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

    def of(self, selection_set: SelectionSetNode | None) -> _Shape:
        depth = aliases = 0
        names: Counter[str] = Counter()
        for node in _selections(selection_set):
            if isinstance(node, FieldNode):
                inner = self.of(node.selection_set)
                depth = max(depth, inner.depth + (node.name.value != _UNWRAPPING))
                aliases += inner.aliases + (node.alias is not None)
                names[(node.alias or node.name).value] += 1
            elif isinstance(node, FragmentSpreadNode):
                inner = self.of_fragment(node.name.value)
                depth = max(depth, inner.depth)
                aliases += inner.aliases
        self.repeats += names.total() - len(names)
        return _Shape(depth, aliases)

    def of_fragment(self, name: str) -> _Shape:
        if name not in self._measured:
            # Unknown and circular fragments are refused by rules of the specification.
            self._measured[name] = _Shape()
            if (fragment := self._fragments.get(name)) is not None:
                self._measured[name] = self.of(fragment.selection_set)
        return self._measured[name]


def _selections(selection_set: SelectionSetNode | None) -> Iterator[SelectionNode]:
    """Give fields and spreads, those in inline fragments too."""
    for node in () if selection_set is None else selection_set.selections:
        if isinstance(node, InlineFragmentNode):
            yield from _selections(node.selection_set)
        else:
            yield node
