"""What one document may ask for; beyond it, it is refused before anything runs."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
)
from strawberry.extensions import AddValidationRules, MaxTokensLimiter, SchemaExtension

DEPTH = 12
ALIASES = 30
TOKENS = 4000


def limits() -> list[Callable[[], SchemaExtension]]:
    """Make the extensions that hold the limits, fresh for each operation."""
    return [
        lambda: MaxTokensLimiter(max_token_count=TOKENS),
        lambda: AddValidationRules([ShapeLimit]),
    ]


class ShapeLimit(ValidationRule):
    """Refuse operations too deep or with too many aliases, fragments counted where they are used.

    The library's own limiters fail on fragments that do not exist and on circular ones.
    """

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._fragments: Mapping[str, FragmentDefinitionNode] = {
            node.name.value: node
            for node in context.document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: object) -> None:
        shape = _Measure(self._fragments).of(node.selection_set)
        if shape.depth > DEPTH:
            self.report_error(GraphQLError(f"The operation is more than {DEPTH} deep.", node))
        if shape.aliases > ALIASES:
            message = f"The operation has more than {ALIASES} aliases."
            self.report_error(GraphQLError(message, node))


class _Shape(NamedTuple):
    depth: int = 0
    aliases: int = 0


class _Measure:
    """Measures selections; each fragment once, however often it is used.

    Thirty fragments that use the next one twice each are a billion uses.
    """

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._measured: dict[str, _Shape] = {}

    def of(self, selection_set: SelectionSetNode | None) -> _Shape:
        depth = aliases = 0
        for node in () if selection_set is None else selection_set.selections:
            if isinstance(node, FragmentSpreadNode):
                inner = self._of_fragment(node.name.value)
            else:
                inner = self.of(getattr(node, "selection_set", None))
            field = node if isinstance(node, FieldNode) else None
            depth = max(depth, inner.depth + (field is not None))
            aliases += inner.aliases + (field is not None and field.alias is not None)
        return _Shape(depth, aliases)

    def _of_fragment(self, name: str) -> _Shape:
        if name not in self._measured:
            # Unknown and circular fragments are refused by rules of the specification.
            self._measured[name] = _Shape()
            if (fragment := self._fragments.get(name)) is not None:
                self._measured[name] = self.of(fragment.selection_set)
        return self._measured[name]
