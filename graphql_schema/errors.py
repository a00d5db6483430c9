"""Errors as GraphQL shows them: a stable code, the fields at fault, nothing of our insides."""

import re
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import structlog
from graphql import GraphQLError, GraphQLSyntaxError, Node

from app.documents.base import SearchTimeoutError, StoreUnavailableError
from app.errors import AppError, ErrorCode, InternalError, TimedOutError, UnavailableError

log = structlog.get_logger()

PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
INTROSPECTION_DISABLED = "INTROSPECTION_DISABLED"
# The library repeats the whole value, which may be a mail of 10 MB.
MESSAGE_LENGTH = 2000
# A name that is used a thousand times has a thousand places.
_PLACES = 10
_OF_VARIABLES = ("Variable ", "Too many errors processing variables")
# graphql-core tells the place of a wrong variable only in words.
_INPUT_PATH = re.compile(r"has invalid value at \.?(?P<path>[^:\s]+):")
_REQUIRED_FIELD = re.compile(r"to include required field '(?P<field>\w+)'")
_TOKENS = re.compile(r"Document contains more than (?P<most>\d+) tokens")
_NO_INTROSPECTION = "GraphQL introspection has been disabled"
# Neither does it tell the place of a @oneOf input of which not one field is given.
_ONE_OF = re.compile(
    r"OneOf Input Object '|Value for member field '|Field '\w+\.\w+' must be non-null"
)
_UNKNOWN_FIELD = re.compile(r"not to include unknown field '(?P<field>\w+)'")


def coded(error: GraphQLError) -> GraphQLError:
    """The error as the caller may see it; an unexpected one is logged under the id it shows."""
    original = error.original_error
    if original is not None and not isinstance(original, GraphQLError):
        shown = told(original, path=error.path)
        return _with(error, shown.detail, app_extensions(shown))
    if isinstance(error, GraphQLSyntaxError):
        return _syntax_error(error)
    return _with(error, error.message, _request_extensions(error))


def told(error: Exception, *, path: Sequence[str | int] | None = None) -> AppError:
    """What a caller is told of an error; an unexpected one is logged under the id it shows."""
    if isinstance(error, AppError):
        return error
    if isinstance(error, StoreUnavailableError):
        log.warning("store.unavailable", path=path, error=type(error).__name__)
        return UnavailableError("The store does not answer; try again.")
    if isinstance(error, SearchTimeoutError):
        log.warning("store.timeout", path=path, error=type(error).__name__)
        return TimedOutError.of_search()
    reference = uuid4().hex
    log.error("graphql.fault", reference=reference, path=path, exc_info=error)
    return InternalError("Something went wrong on our side.", reference=reference)


def limit_exceeded(
    message: str, what: str, most: int, asked: int | None, node: Node | None = None
) -> GraphQLError:
    """An error of a document that is beyond a limit; `asked` is None where nobody counted."""
    limit = {"name": what, "maximum": most, "requested": asked}
    return GraphQLError(message, node, extensions={"code": LIMIT_EXCEEDED, "limit": limit})


def _syntax_error(error: GraphQLSyntaxError) -> GraphQLError:
    if (tokens := _TOKENS.search(error.message)) is None:
        return _with(error, error.message, {"code": PARSE_FAILED})
    most = int(tokens["most"])
    message = f"The document has more tokens than the {most} that are allowed."
    extensions = limit_exceeded(message, "tokens", most, None).extensions
    return _with(error, message, extensions or {})


def app_extensions(error: AppError) -> dict[str, Any]:
    """`{code}`, `fields: [{path, message}]` where the input is at fault, a fault's `reference`."""
    extensions: dict[str, Any] = {"code": error.code.value}
    if error.fields:
        extensions["fields"] = [
            {"path": field.path, "message": field.message} for field in error.fields
        ]
    if isinstance(error, InternalError) and error.reference is not None:
        extensions["reference"] = error.reference
    return extensions


def _request_extensions(error: GraphQLError) -> dict[str, Any]:
    """Tell variables of the wrong shape (the caller's input) from a wrong document."""
    if _ONE_OF.match(error.message):
        return {"code": ErrorCode.BAD_USER_INPUT.value, "fields": []}
    if not error.message.startswith(_OF_VARIABLES) and error.path is None:
        hidden = error.message.startswith(_NO_INTROSPECTION)
        code = INTROSPECTION_DISABLED if hidden else VALIDATION_FAILED
        return {"code": code, **(error.extensions or {})}
    path = _INPUT_PATH.search(error.message)
    field = _REQUIRED_FIELD.search(error.message) or _UNKNOWN_FIELD.search(error.message)
    place = ".".join([*([path["path"]] if path else []), *([field["field"]] if field else [])])
    fields = [{"path": place, "message": error.message[:MESSAGE_LENGTH]}] if place else []
    return {"code": ErrorCode.BAD_USER_INPUT.value, "fields": fields}


def _with(error: GraphQLError, message: str, extensions: dict[str, Any]) -> GraphQLError:
    return GraphQLError(
        message[:MESSAGE_LENGTH],
        nodes=list(error.nodes or ())[:_PLACES] or None,
        source=error.source,
        positions=list(error.positions or ())[:_PLACES] or None,
        path=error.path,
        extensions=extensions,
    )
