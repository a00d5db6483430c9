"""From GraphQL inputs to the commands that both doors share."""

from typing import Any

import strawberry
from pydantic.alias_generators import to_camel

from app.services.inputs import AnyCommand, parse


def read_command(input_: Any, command: type[AnyCommand]) -> AnyCommand:
    """Read a Strawberry input as `command`. Raises InvalidInputError with documented names."""
    values = strawberry.asdict(input_)
    return parse(command, {to_camel(name): value for name, value in values.items()})
