"""From GraphQL inputs to the commands that both doors share."""

import base64
import binascii
from typing import Any

import strawberry
from pydantic.alias_generators import to_camel
from strawberry import UNSET

from app.errors import FieldError, InvalidInputError
from app.services.inputs import AnyCommand, parse


def read_command(input_: Any, command: type[AnyCommand]) -> AnyCommand:
    """Read a Strawberry input as `command`. Raises InvalidInputError with documented names."""
    values = strawberry.asdict(input_)
    given = {to_camel(name): value for name, value in values.items() if value is not UNSET}
    return parse(command, given)


def read_base64(name: str, text: str) -> bytes:
    """Read base64 (RFC 4648, section 4), in lines or in one. Raises InvalidInputError."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInputError.of(FieldError(name, "must be base64")) from error
