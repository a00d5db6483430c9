"""From GraphQL inputs to the commands that both doors share."""

import base64
import binascii
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from pydantic.alias_generators import to_camel
from starlette.datastructures import UploadFile
from strawberry import UNSET

from app.errors import FieldError, InvalidInputError
from app.mail.filenames import OCTETS
from app.services.inputs import AnyCommand, parse
from graphql_schema.types.attachments import AttachmentInput, AttachmentSource
from graphql_schema.types.provider_account_inputs import (
    ProviderChangesInput,
    ProviderSettingsInput,
)

# Their one field stands in the command where they stand in the input.
_ALTERNATIVES = (AttachmentSource, ProviderSettingsInput, ProviderChangesInput)
# From places in commands to those in inputs.
_PLACES = (
    (re.compile(r"(attachments\[\d+\])\.content$"), r"\1.source"),
    (re.compile(r"(smtp|resend|graph)(?=\.|$)"), r"settings.\1"),
)


def read_command(input_: Any, command: type[AnyCommand]) -> AnyCommand:
    """Read a Strawberry input as `command`. Raises InvalidInputError that names its fields."""
    with places_of_input():
        return parse(command, _given(input_, ""))


@contextmanager
def places_of_input() -> Iterator[None]:
    """Have errors of this block name fields where inputs have them, not where commands do."""
    try:
        yield
    except InvalidInputError as error:
        raise InvalidInputError.of(
            *(FieldError(_place(field.path), field.message) for field in error.fields)
        ) from error


@cache
def _camel(field: str) -> str:
    return to_camel(field)


def _place(path: str) -> str:
    for known, place in _PLACES:
        path = known.sub(place, path) if known.match(path) else path
    return path


def _given(value: Any, path: str) -> Any:
    """Write inputs, and those inside them, as commands have them; JSON stays as it is."""
    if isinstance(value, list):
        return [_given(item, f"{path}[{number}]") for number, item in enumerate(value)]
    if not is_dataclass(value):
        return value
    given: dict[str, Any] = {}
    for field in fields(value):
        name, one = _camel(field.name), getattr(value, field.name)
        if isinstance(one, _ALTERNATIVES):
            given |= _given(one, path)
        elif one is not UNSET:
            given[name] = _given(one, name)
    return _attachment(given, path) if isinstance(value, AttachmentInput) else given


def _attachment(given: dict[str, Any], path: str) -> dict[str, Any]:
    """Tell of a file that came along what its part of the form says, unless the input does."""
    file: UploadFile | None = given.pop("file", None)
    if file is not None:
        given["content"] = file.file
        given["filename"] = given["filename"] or file.filename
        if file.content_type != OCTETS:
            given["contentType"] = given["contentType"] or file.content_type
    if given["filename"] is None:
        raise InvalidInputError.of(FieldError(f"{path}.filename", "is required"))
    return given


def read_base64(name: str, text: str) -> bytes:
    """Read base64 (RFC 4648, section 4), in lines or in one. Raises InvalidInputError."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInputError.of(FieldError(name, "must be base64")) from error
