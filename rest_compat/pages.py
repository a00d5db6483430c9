"""Pages as Spring Data writes and reads them."""

import re
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.documents.listing import Row
from app.errors import FieldError, InvalidInputError
from app.services.paging import LARGEST_NUMBER, Page
from rest_compat.records import communication_record

_NAMES = {"page": ("page", "pageNumber"), "size": ("size", "pageSize")}
_NUMBER = re.compile(r"[0-9]{1,10}")


def page_parameters(request: Request) -> dict[str, Any]:
    """Read `page` and `size`, as far as they are given. Raises InvalidInputError for no number."""
    found: dict[str, Any] = {}
    for name, aliases in _NAMES.items():
        given = [alias for alias in aliases if alias in request.query_params]
        if given:
            found[name] = _number(given[0], request.query_params[given[0]])
    return found


def _number(name: str, text: str) -> int:
    if not _NUMBER.fullmatch(text):
        reason = f"must be a whole number from 0 to {LARGEST_NUMBER}"
        raise InvalidInputError.of(FieldError(name, reason))
    return int(text)


def sort_parameters(request: Request) -> list[dict[str, Any]]:
    """Read every `sort=field[,field][,asc|desc]`, as Spring does."""
    found: list[dict[str, Any]] = []
    for text in request.query_params.getlist("sort"):
        *fields, last = (part.strip() for part in text.split(","))
        direction = last.lower()
        if direction not in {"asc", "desc"}:
            fields, direction = [*fields, last], "asc"
        found += [{"field": field, "ascending": direction == "asc"} for field in fields if field]
    return found


def direction_parameters(request: Request) -> list[dict[str, Any]]:
    """Read `sortBy` and `direction`; a direction alone is that of `created`.

    Raises InvalidInputError for a direction that is neither ASC nor DESC.
    """
    field = request.query_params.get("sortBy", "").strip()
    direction = request.query_params.get("direction", "").strip().upper()
    if direction not in {"", "ASC", "DESC"}:
        raise InvalidInputError.of(FieldError("direction", "must be ASC or DESC"))
    if not field and not direction:
        return []
    return [{"field": field or "created", "ascending": direction != "DESC"}]


def page_response(page: Page[Row]) -> Response:
    """Answer with the contract's PageOfCommunicationRecord."""
    content = [communication_record(row) for row in page.content]
    body = {"content": content, **spring_page(page)}
    return Response(orjson.dumps(body), media_type="application/json")


def spring_page(page: Page[Any]) -> Mapping[str, Any]:
    """Everything of a Spring page but its content."""
    sort = {"empty": not page.ordered, "sorted": page.ordered, "unsorted": not page.ordered}
    return {
        "pageable": {
            "pageNumber": page.window.number,
            "pageSize": page.window.size,
            "sort": sort,
            "offset": page.window.offset,
            "paged": True,
            "unpaged": False,
        },
        "last": page.last,
        "totalElements": page.total_elements,
        "totalPages": page.total_pages,
        "size": page.window.size,
        "number": page.window.number,
        "sort": sort,
        "first": page.first,
        "numberOfElements": page.number_of_elements,
        "empty": page.empty,
    }
