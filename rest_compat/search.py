from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.errors import FieldError, InvalidInputError
from app.services.inputs import parse
from app.services.paging import PageCommand
from app.services.search import SearchCommunications
from graphql_schema.resolvers import search as resolvers
from rest_compat.bodies import read_command
from rest_compat.pages import (
    direction_parameters,
    page_parameters,
    page_response,
    sort_parameters,
)
from rest_compat.queries import read_ids
from rest_compat.requests import context_of
from rest_compat.streams import json_string, records_json, streamed, utf8

_CSV_HEADERS = {"Content-Disposition": 'attachment; filename="communications.csv"',
                "Vary": "Accept"}  # fmt: skip


async def find_by_ids(request: Request) -> Response:
    context = await context_of(request)
    rows = await resolvers.communications_by_ids(context, read_ids(request))
    return await streamed(request, records_json(rows), media_type="application/json")


async def find_all(request: Request) -> Response:
    rows = await resolvers.all_communications(await context_of(request))
    return await streamed(request, records_json(rows), media_type="application/json")


async def page(request: Request) -> Response:
    context = await context_of(request)
    asked = {**page_parameters(request), "sort": direction_parameters(request)}
    command = parse(SearchCommunications, asked)
    return page_response(await resolvers.communications_page(context, command))


async def dynamic_search(request: Request) -> Response:
    context = await context_of(request)
    if request.method == "POST":
        command = await read_command(request, SearchCommunications)
    else:
        command = parse(SearchCommunications, _asked(request))
    return page_response(await resolvers.communications_page(context, command))


async def csv_export(request: Request) -> Response:
    """Answer CSV, or one JSON string of it to whoever accepts only that."""
    context = await context_of(request)
    command = parse(PageCommand, page_parameters(request))
    lines = await resolvers.communications_csv(context, command)
    if _wants_json(request):
        parts, media_type = json_string(lines), "application/json"
    else:
        parts, media_type = utf8(lines), "text/csv; charset=utf-8"
    return await streamed(request, parts, media_type=media_type, headers=_CSV_HEADERS)


def _asked(request: Request) -> dict[str, Any]:
    filters = request.query_params.get("filters", "").strip()
    try:
        read = orjson.loads(filters) if filters else None
    except orjson.JSONDecodeError as error:
        raise InvalidInputError.of(FieldError("filters", f"is not valid JSON: {error}")) from error
    return {
        **page_parameters(request),
        "filters": read,
        "search": request.query_params.getlist("search"),
        "sort": sort_parameters(request),
    }


def _wants_json(request: Request) -> bool:
    accepted = {
        media_range.partition(";")[0].strip().lower()
        for media_range in request.headers.get("accept", "").split(",")
    }
    return "application/json" in accepted and accepted.isdisjoint({"text/csv", "text/*", "*/*"})
