from datetime import datetime

import strawberry
from graphql import GraphQLError
from starlette.datastructures import UploadFile

from app.instants import format_instant, parse_instant


def _parse(value: object) -> datetime:
    try:
        return parse_instant(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise GraphQLError("must be an ISO 8601 date-time, e.g. 2019-08-24T14:15:22Z") from error


def _parse_upload(value: object) -> UploadFile:
    if not isinstance(value, UploadFile):
        raise GraphQLError("must be a file of a multipart request, and null in its operations")
    return value


UPLOAD = strawberry.scalar(
    name="Upload",
    description=(
        "A file of a multipart request "
        "(https://github.com/jaydenseric/graphql-multipart-request-spec)."
    ),
    parse_value=_parse_upload,
)
INSTANT = strawberry.scalar(
    name="DateTime",
    description=(
        "A moment in UTC, ISO 8601, e.g. `2019-08-24T14:15:22Z`. Read in any ISO 8601 form; "
        "one without a zone is UTC."
    ),
    specified_by_url="https://scalars.graphql.org/andimarek/date-time",
    serialize=format_instant,
    parse_value=_parse,
)
