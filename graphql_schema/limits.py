"""What one document may ask for; beyond it, it is refused before anything runs."""

from collections.abc import Callable, Mapping

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
        walk = _Walk(self._fragments)
        walk.selections(node.selection_set, 0, frozenset())
        if walk.depth > DEPTH:
            self.report_error(GraphQLError(f"The operation is more than {DEPTH} deep.", node))
        if walk.aliases > ALIASES:
            message = f"The operation has more than {ALIASES} aliases."
            self.report_error(GraphQLError(message, node))


class _Walk:
    """Measures an operation, and stops as soon as a limit is passed."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self.depth = 0
        self.aliases = 0

    def selections(
        self, selection_set: SelectionSetNode | None, depth: int, within: frozenset[str]
    ) -> None:
        self.depth = max(self.depth, depth)
        if selection_set is None or self.depth > DEPTH or self.aliases > ALIASES:
            return
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                self.aliases += node.alias is not None
                self.selections(node.selection_set, depth + 1, within)
            elif isinstance(node, FragmentSpreadNode):
                self._spread(node.name.value, depth, within)
            else:
                self.selections(getattr(node, "selection_set", None), depth, within)

    def _spread(self, name: str, depth: int, within: frozenset[str]) -> None:
        fragment = self._fragments.get(name)
        # Unknown and circular fragments are refused by rules of the specification.
        if fragment is not None and name not in within:
            self.selections(fragment.selection_set, depth, within | {name})
