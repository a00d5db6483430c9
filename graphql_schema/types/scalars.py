from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import strawberry
from graphql import GraphQLError, GraphQLID, GraphQLNamedType, GraphQLScalarType
from starlette.datastructures import UploadFile
from strawberry.types.scalar import ScalarDefinition

from app.instants import format_instant, parse_instant
from graphql_schema.ids import read_id


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


class _OwnScalar(GraphQLScalarType):
    """A scalar that may stand in for a built-in one of its name."""

    reserved_types: Mapping[str, GraphQLNamedType] = MappingProxyType({})


_ID = _OwnScalar(
    name=GraphQLID.name,
    description=GraphQLID.description,
    serialize=GraphQLID.serialize,
    parse_value=read_id,
)
# Everywhere at once: arguments, lists of them, and inputs.
ID = ScalarDefinition(
    name=_ID.name,
    description=_ID.description,
    specified_by_url=None,
    serialize=_ID.serialize,
    parse_value=_ID.parse_value,
    parse_literal=_ID.parse_literal,
    implementation=_ID,
    origin=strawberry.ID,
)
