"""Documents: parsed once, before anything of them runs, and the operation that is to run."""

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    Source,
    Token,
    TokenKind,
    parse,
)
from strawberry.extensions import SchemaExtension
from strawberry.types.graphql import OperationType

from app.errors import FieldError, InvalidInputError
from graphql_schema.limits.checking import Check
from graphql_schema.limits.known import Document

_DOCUMENT = "letterbox.document"
_CHECK = "letterbox.check"
_NUMBERS = {TokenKind.INT, TokenKind.FLOAT}
_SHOWN_NAMES = 10
_SHOWN_LENGTH = 100
# Any double can be written shorter; Python reads no whole number of 4,301 digits.
_NUMBER_LENGTH = 1000


def parsed(query: str, *, max_tokens: int) -> DocumentNode:
    """Parse a document.

    Raises GraphQLSyntaxError, also for one that has more tokens, or a number without end.
    """
    document = parse(query, max_tokens=max_tokens)
    if len(query) > _NUMBER_LENGTH:
        _check_numbers(document, query)
    return document


def _check_numbers(document: DocumentNode, query: str) -> None:
    token: Token | None = None if document.loc is None else document.loc.start_token
    while token is not None:
        if token.kind in _NUMBERS and token.end - token.start > _NUMBER_LENGTH:
            reason = f"A number must have at most {_NUMBER_LENGTH} characters."
            raise GraphQLSyntaxError(Source(query), token.start, reason)
        token = token.next


def kind_of(document: DocumentNode, operation_name: str | None) -> OperationType:
    """Tell whether the operation to run is a query, a mutation or a subscription.

    It is the one named, or the only one there is (GraphQL specification, section 6.1). Raises
    InvalidInputError when that is none, or not clear.
    """
    operations = [
        node for node in document.definitions if isinstance(node, OperationDefinitionNode)
    ]
    if not operations:
        raise _refused("query", "must have an operation, not fragments only")
    if operation_name is None:
        if len(operations) > 1:
            names = ", ".join(_name(node) for node in operations[:_SHOWN_NAMES])
            raise _refused("operationName", f"must tell which operation is to run, of: {names}")
        return OperationType(operations[0].operation.value)
    for node in operations:
        if _name(node) == operation_name:
            return OperationType(node.operation.value)
    shown = repr(operation_name[:_SHOWN_LENGTH])
    raise _refused("operationName", f"must name an operation of the document, {shown} is none")


def handed_over(document: Document, check: Check) -> dict[str, object]:
    """Give what makes `HandedOver` take this document instead of parsing and checking it again."""
    return {_DOCUMENT: document, _CHECK: check}


class HandedOver(SchemaExtension):
    """Run documents that are parsed and checked already."""

    def on_parse(self) -> Iterator[None]:
        self.execution_context.graphql_document = self._handed[_DOCUMENT].node
        yield

    def on_validate(self) -> Iterator[None]:
        # The library validates nothing where errors, even none, are told already.
        self.execution_context.pre_execution_errors = []
        yield

    def get_results(self) -> dict[str, Any]:
        told: dict[str, Any] = self._handed[_CHECK].told
        return told

    @property
    def _handed(self) -> Mapping[str, Any]:
        return self.execution_context.operation_extensions or {}


def _name(node: OperationDefinitionNode) -> str:
    return "(one without a name)" if node.name is None else node.name.value


def _refused(path: str, message: str) -> InvalidInputError:
    return InvalidInputError.of(FieldError(path, message))
