"""Lengths of time as settings give them."""

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field


def _number_of_seconds(value: object) -> object:
    """Read `30` as seconds; pydantic reads only ISO 8601 durations from an environment."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


Seconds = Annotated[timedelta, BeforeValidator(_number_of_seconds)]
Duration = Annotated[Seconds, Field(gt=timedelta(0), le=timedelta(days=30))]
