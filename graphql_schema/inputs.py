"""From GraphQL inputs to the commands that both doors share."""

import base64
import binascii
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic.alias_generators import to_camel
from starlette.datastructures import UploadFile
from strawberry import UNSET

from app.errors import FieldError, InvalidInputError
from app.mail.filenames import OCTETS
from app.services.inputs import AnyCommand, parse
from graphql_schema.types.attachments import AttachmentInput


def read_command(input_: Any, command: type[AnyCommand]) -> AnyCommand:
    """Read a Strawberry input as `command`. Raises InvalidInputError with documented names."""
    return parse(command, _given(input_, ""))


def _given(value: Any, path: str) -> Any:
    """Write inputs, and those inside them, as documented; JSON of the caller's stays as it is."""
    if isinstance(value, list):
        return [_given(item, f"{path}[{number}]") for number, item in enumerate(value)]
    if not is_dataclass(value):
        return value
    values = {to_camel(field.name): getattr(value, field.name) for field in fields(value)}
    given = {name: _given(one, name) for name, one in values.items() if one is not UNSET}
    return _attachment(given, path) if isinstance(value, AttachmentInput) else given


def _attachment(given: dict[str, Any], path: str) -> dict[str, Any]:
    """Tell of a file that came along what its part of the form says, unless the input does."""
    file: UploadFile | None = given.pop("file")
    if (file is None) == (given["content"] is None):
        raise InvalidInputError.of(FieldError(path, "needs either file or content"))
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
