"""Request bodies of the REST door."""

import orjson
from starlette.requests import Request

from app.errors import InvalidInputError, UnsupportedMediaTypeError
from app.services.inputs import AnyCommand, parse


async def read_command(request: Request, command: type[AnyCommand]) -> AnyCommand:
    """Read a JSON body as `command`.

    Raises UnsupportedMediaTypeError for another content type, InvalidInputError for broken JSON
    and for fields that are wrong.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedMediaTypeError("The Content-Type must be application/json.")
    try:
        data = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise InvalidInputError(f"The body is not valid JSON: {error}") from error
    return parse(command, data)
