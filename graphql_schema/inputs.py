"""From GraphQL inputs to the commands that both doors share."""

import base64
import binascii
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic.alias_generators import to_camel
from strawberry import UNSET

from app.errors import FieldError, InvalidInputError
from app.services.inputs import AnyCommand, parse


def read_command(input_: Any, command: type[AnyCommand]) -> AnyCommand:
    """Read a Strawberry input as `command`. Raises InvalidInputError with documented names."""
    return parse(command, _given(input_))


def _given(value: Any) -> Any:
    """Write inputs, and those inside them, as documented; JSON of the caller's stays as it is."""
    if isinstance(value, list):
        return [_given(item) for item in value]
    if not is_dataclass(value):
        return value
    values = {field.name: getattr(value, field.name) for field in fields(value)}
    return {to_camel(name): _given(one) for name, one in values.items() if one is not UNSET}


def read_base64(name: str, text: str) -> bytes:
    """Read base64 (RFC 4648, section 4), in lines or in one. Raises InvalidInputError."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInputError.of(FieldError(name, "must be base64")) from error
