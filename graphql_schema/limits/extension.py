"""Where an operation meets its limits: after it is parsed and before it runs."""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    get_operation_ast,
    validate,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from app.context import Context
from app.settings import Settings
from graphql_schema.errors import limit_exceeded
from graphql_schema.limits.budget import budget
from graphql_schema.limits.cost import cost_of, with_defaults
from graphql_schema.limits.known import KnownDocuments
from graphql_schema.limits.shape import excesses
from graphql_schema.limits.streams import wrong_streams
from graphql_schema.limits.turns import TURNS
from graphql_schema.limits.values import large_values

# Without a token there is nothing to ask for but the schema, once.
ANONYMOUS_COST = 80_000
# More help nobody, and each costs time.
_ERRORS = 20
_SUGGESTION = re.compile(r"\s*Did you mean .*\?$", re.DOTALL)

_KNOWN = KnownDocuments()


class OperationLimits(SchemaExtension):
    """Refuse what is too large or too costly, validate the rest, and tell what it costs."""

    requested: int | None = None

    @property
    def _context(self) -> Context:
        context: Context = self.execution_context.context
        return context

    @property
    def _settings(self) -> Settings:
        return self._context.deps.settings

    @property
    def _maximum(self) -> int:
        most = self._settings.graphql_cost
        return most if self._context.caller is not None else min(most, ANONYMOUS_COST)

    @property
    def _schema(self) -> GraphQLSchema:
        return self.execution_context.schema._schema  # noqa: SLF001 - it shows no other way to it

    def on_operation(self) -> Iterator[None]:
        yield
        result = self.execution_context.result
        if result is not None and not self._settings.suggests_names:
            # Those of wrong values, which are found when it runs.
            for error in result.errors or ():
                error.message = _SUGGESTION.sub("", error.message)

    async def on_validate(self) -> AsyncIterator[None]:
        document = self.execution_context.graphql_document
        if document is not None:
            async with TURNS.taken(self._context.caller):
                # The library validates nothing where errors, even none, are told already.
                self.execution_context.pre_execution_errors = self._errors(document)
        yield

    def get_results(self) -> dict[str, Any]:
        """Give `cost`: `{requested, maximum}`; null for what was refused before it was reckoned."""
        return {"cost": {"requested": self.requested, "maximum": self._maximum}}

    def _errors(self, document: DocumentNode) -> list[GraphQLError]:
        query = self.execution_context.query or ""
        if not _KNOWN.has(query, self._settings):
            if errors := list(excesses(document, self._settings)) or self._faults(document):
                return errors
            _KNOWN.add(query, self._settings)
        return self._too_costly(document)

    def _faults(self, document: DocumentNode) -> list[GraphQLError]:
        rules = [
            *self.execution_context.validation_rules,
            MaybeNullValidationRule,
            OneOfInputValidationRule,
        ]
        if not self._settings.graphql_introspection:
            rules.append(NoSchemaIntrospectionCustomRule)
        return validate(
            self._schema,
            document,
            rules,
            max_errors=_ERRORS,
            hide_suggestions=not self._settings.suggests_names,
        )

    def _too_costly(self, document: DocumentNode) -> list[GraphQLError]:
        operation = get_operation_ast(document, self.execution_context.operation_name)
        if operation is None:
            return []
        variables = self.execution_context.variables
        if wrong := [
            *large_values(self._schema, operation, variables),
            *wrong_streams(document, with_defaults(operation, variables)),
        ]:
            return wrong
        self.requested = cost_of(self._schema, document, operation, variables)
        shared, most = budget(), self._maximum
        shared.spent += self.requested
        if shared.spent <= most:
            return []
        before = shared.spent - self.requested
        together = f", {shared.spent} with those before it in the request" if before else ""
        message = (
            f"The operation costs {self.requested}{together}; at most {most} is allowed. Ask for "
            "smaller pages or fewer fields of lists."
        )
        return [limit_exceeded(message, "cost", most, shared.spent, operation)]
