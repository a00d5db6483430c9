"""Requests by the GraphQL over HTTP specification: one operation or several, checked, not run."""

from collections.abc import Collection
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from typing import Any

from starlette.requests import Request

from app.context import Context
from app.errors import (
    FieldError,
    InvalidInputError,
    PayloadTooLargeError,
    UnauthenticatedError,
    UnsupportedMediaTypeError,
)
from graphql_schema import multipart
from graphql_schema.execution import DOCUMENT_LENGTH, Operation, read_operation
from graphql_schema.json_text import read_json
from graphql_schema.limits.turns import TURNS

JSON = "application/json"
ANONYMOUS_OCTETS = 64 * 1024
# Read in no time; what programs send is mostly smaller.
SMALL_OCTETS = 4 * 1024
_PARAMETERS = ("query", "documentId", "operationName", "variables", "extensions")
_IN_JSON = ("variables", "extensions")


async def read(
    request: Request, context: Context, stack: AsyncExitStack
) -> Operation | list[Operation]:
    """Read what is to run; several operations as they came in a list.

    Files that come along are on disk until the stack ends. Raises InvalidInputError,
    PayloadTooLargeError, UnauthenticatedError, UnsupportedMediaTypeError.
    """
    if request.method != "POST":
        return read_operation(_parameters(request))
    media_type, *parameters = request.headers.get("content-type", "").lower().split(";")
    media_type = media_type.strip()
    if media_type == multipart.MEDIA_TYPE:
        return read_operation(await stack.enter_async_context(_form(request, context)))
    if media_type != JSON:
        reason = f"The Content-Type must be {JSON} or {multipart.MEDIA_TYPE}."
        raise UnsupportedMediaTypeError(reason)
    _check_coding(request, parameters)
    limit = ANONYMOUS_OCTETS if context.caller is None else None
    body = await _body(request, limit)
    if len(body) <= SMALL_OCTETS:
        value = read_json(body)
    else:
        async with TURNS.taken(context.caller):
            value = read_json(body)
    if isinstance(value, list):
        return _batch(value, context)
    return replace(read_operation(value), is_small=len(body) <= SMALL_OCTETS)


def has_operation(request: Request) -> bool:
    """Whether the address of a GET request has an operation in it."""
    return any(name in request.query_params for name in _PARAMETERS)


def _parameters(request: Request) -> dict[str, Any]:
    """Read the address: empty ones are as good as absent, `operationName=null` is a name."""
    value: dict[str, Any] = {}
    for name in _PARAMETERS:
        texts = request.query_params.getlist(name)
        if len(texts) > 1:
            raise InvalidInputError.of(FieldError(name, "must be given once"))
        if texts and texts[0]:
            value[name] = read_json(texts[0].encode(), name) if name in _IN_JSON else texts[0]
    return value


def _check_coding(request: Request, parameters: Collection[str]) -> None:
    """JSON comes in UTF-8, and not compressed."""
    charsets = [text.strip()[8:] for text in parameters if text.strip().startswith("charset=")]
    if any(charset.strip(' "') not in {"utf-8", "utf8"} for charset in charsets):
        raise UnsupportedMediaTypeError("The charset of the Content-Type must be utf-8.")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaTypeError("The body must come without a Content-Encoding.")


def _batch(values: list[Any], context: Context) -> list[Operation]:
    """Read a batch; one entry that is no operation keeps all of them from running."""
    limit = context.deps.settings.graphql_batch
    if not 1 <= len(values) <= limit:
        raise InvalidInputError(
            f"A batch must have 1 to {limit} operations, and has {len(values)}."
            if limit
            else "Batches are switched off here; send one operation."
        )
    if context.idempotency_key is not None and len(values) > 1:
        reason = "fits one operation; give each mutation of a batch its argument idempotencyKey"
        raise InvalidInputError.of(FieldError("Idempotency-Key", reason))
    operations = [_entry(number, value) for number, value in enumerate(values)]
    if sum(len(operation.query or "") for operation in operations) > DOCUMENT_LENGTH:
        raise PayloadTooLargeError(
            f"The documents of a batch must have at most {DOCUMENT_LENGTH} characters together."
        )
    return operations


def _entry(number: int, value: Any) -> Operation:
    try:
        return read_operation(value)
    except InvalidInputError as error:
        fields: Collection[FieldError] = error.fields or [FieldError("", "must be a JSON object")]
        paths = [f"[{number}].{field.path}".rstrip(".") for field in fields]
        raise InvalidInputError.of(
            *(FieldError(path, field.message) for path, field in zip(paths, fields, strict=True))
        ) from error


def _form(request: Request, context: Context) -> AbstractAsyncContextManager[Any]:
    """Read a form, but of nobody: without a token nothing of it is looked at."""
    if context.caller is None:
        raise UnauthenticatedError("Files need a bearer token in the Authorization header.")
    return multipart.operation(request, limit=context.deps.settings.request_limit)


async def _body(request: Request, limit: int | None) -> bytes:
    """Read the body; what nobody vouches for must be small."""
    octets = bytearray()
    async for chunk in request.stream():
        octets += chunk
        if limit is not None and len(octets) > limit:
            raise PayloadTooLargeError(f"Without a token a request may have {limit} octets.")
    return bytes(octets)
