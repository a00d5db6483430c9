"""Where an operation meets its limits: after it is parsed and before it runs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    get_operation_ast,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from app.context import Context
from app.settings import Settings
from graphql_schema.errors import limit_exceeded
from graphql_schema.limits.budget import budget
from graphql_schema.limits.cost import cost_of, with_defaults
from graphql_schema.limits.known import KNOWN, Document
from graphql_schema.limits.shape import excesses
from graphql_schema.limits.streams import wrong_streams
from graphql_schema.limits.values import large_values

# Without a token there is nothing to ask for but the schema, once.
ANONYMOUS_COST = 80_000
# More help nobody, and each costs time.
_ERRORS = 20


@dataclass(frozen=True)
class Check:
    """What was found; `requested` is the cost, None where it was refused before that."""

    errors: list[GraphQLError]
    requested: int | None
    maximum: int

    @property
    def told(self) -> dict[str, Any]:
        """Give `cost` as the extensions of an answer have it: `{requested, maximum}`."""
        return {"cost": {"requested": self.requested, "maximum": self.maximum}}


def check(
    schema: GraphQLSchema,
    document: Document,
    text: str,
    *,
    operation_name: str | None,
    variables: Mapping[str, Any] | None,
    context: Context,
) -> Check:
    """Refuse what is too large or too costly, validate the rest, and tell what it costs."""
    settings = context.deps.settings
    maximum = settings.graphql_cost
    if context.caller is None:
        maximum = min(maximum, ANONYMOUS_COST)
    if KNOWN.get(text, settings) is not document:
        errors = list(excesses(document.node, settings)) or _faults(schema, document.node, settings)
        if errors:
            return Check(errors, None, maximum)
        KNOWN.add(text, settings, document)
    operation = get_operation_ast(document.node, operation_name)
    if operation is None:
        return Check([], None, maximum)
    given = with_defaults(operation, variables)
    wrong = [
        *large_values(schema, operation, variables),
        *wrong_streams(document.node, given),
    ]
    if wrong:
        return Check(wrong, None, maximum)
    requested = _cost(schema, document, operation, given, operation_name)
    return Check(_too_costly(requested, maximum, operation), requested, maximum)


def _faults(
    schema: GraphQLSchema, document: DocumentNode, settings: Settings
) -> list[GraphQLError]:
    rules = [*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule]
    if not settings.graphql_introspection:
        rules.append(NoSchemaIntrospectionCustomRule)
    return validate(
        schema,
        document,
        rules,
        max_errors=_ERRORS,
        hide_suggestions=not settings.suggests_names,
    )


def _cost(
    schema: GraphQLSchema,
    document: Document,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    operation_name: str | None,
) -> int:
    """Reckon it; once only where no variable plays a part in it."""
    if operation_name in document.costs:
        return document.costs[operation_name]
    watched = _Watched(variables)
    cost = cost_of(schema, document.node, operation, watched)
    if not watched.was_read:
        document.costs[operation_name] = cost
    return cost


class _Watched(Mapping[str, Any]):
    """Variables that notice whether they are read."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self._variables = variables
        self.was_read = False

    def __getitem__(self, name: str) -> Any:
        self.was_read = True
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        # Whether there are any at all is asked first.
        self.was_read = True
        return len(self._variables)


def _too_costly(
    requested: int, maximum: int, operation: OperationDefinitionNode
) -> list[GraphQLError]:
    shared = budget()
    shared.spent += requested
    if shared.spent <= maximum:
        return []
    before = shared.spent - requested
    together = f", {shared.spent} with those before it in the request" if before else ""
    message = (
        f"The operation costs {requested}{together}; at most {maximum} is allowed. Ask for "
        "smaller pages or fewer fields of lists."
    )
    return [limit_exceeded(message, "cost", maximum, shared.spent, operation)]
