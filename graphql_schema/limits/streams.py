"""What the library takes for granted of `@stream`, and fails on."""

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    GraphQLError,
    Visitor,
    value_from_ast_untyped,
    visit,
)

from app.errors import ErrorCode

_STREAM = "stream"
_COUNT = "initialCount"


def wrong_streams(document: DocumentNode, variables: Mapping[str, Any]) -> Iterator[GraphQLError]:
    """Tell of each @stream whose initialCount is no count.

    `variables` have the defaults of the operation in them.
    """
    source = document.loc.source.body if document.loc is not None else ""
    if _STREAM not in source:
        return
    streams = _Streams()
    visit(document, streams)
    for node in streams.found:
        counts = [
            value_from_ast_untyped(argument.value, dict(variables))
            for argument in node.arguments or ()
            if argument.name.value == _COUNT
        ]
        if any(count is None or (_is_number(count) and count < 0) for count in counts):
            reason = "must be 0 or more"
            yield GraphQLError(
                f"@{_STREAM}: {_COUNT} {reason}",
                node,
                extensions={
                    "code": ErrorCode.BAD_USER_INPUT.value,
                    "fields": [{"path": _COUNT, "message": reason}],
                },
            )


class _Streams(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[DirectiveNode] = []

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        if node.name.value == _STREAM:
            self.found.append(node)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)
