"""Query parameters of the REST door."""

from datetime import datetime

from starlette.requests import Request

from app.errors import FieldError, InvalidInputError
from app.instants import parse_instant


def read_ids(request: Request, *, required: bool = False) -> list[str]:
    """Read `ids`, comma-separated or repeated, in their order; blank ones are passed over.

    Raises InvalidInputError when `required` and there is no parameter `ids`.
    """
    values = request.query_params.getlist("ids")
    if required and not values:
        raise InvalidInputError.of(FieldError("ids", "is required"))
    ids = [part.strip() for value in values for part in value.split(",")]
    return [id_ for id_ in ids if id_]


def read_instant(request: Request, name: str) -> datetime | None:
    """Read a date-time in any ISO 8601 form; None when there is none.

    Raises InvalidInputError.
    """
    text = request.query_params.get(name)
    try:
        return None if text is None else parse_instant(text.strip())
    except (ValueError, OverflowError) as error:
        reason = "must be an ISO 8601 date-time, e.g. 2019-08-24T14:15:22Z"
        raise InvalidInputError.of(FieldError(name, reason)) from error
