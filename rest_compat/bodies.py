"""Request bodies of the REST door."""

from codecs import BOM_UTF8
from collections.abc import AsyncGenerator, Mapping, Sequence

import orjson
from python_multipart.exceptions import FormParserError
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import Request

from app.errors import InvalidInputError, PayloadTooLargeError, UnsupportedMediaTypeError
from app.services.inputs import AnyCommand, parse

_FIELDS_LIMIT = 5000
_MULTIPART, _URLENCODED = "multipart/form-data", "application/x-www-form-urlencoded"
Form = Mapping[str, Sequence[str]]


async def read_command(request: Request, command: type[AnyCommand]) -> AnyCommand:
    """Read a JSON body as `command`: UTF-8, with or without a byte order mark.

    Of a name that comes twice the last value counts, as JavaScript and Java read it. Raises
    UnsupportedMediaTypeError for another content type, InvalidInputError for broken JSON and for
    fields that are wrong.
    """
    _require_json(_media_type(request))
    return parse(command, _json(await request.body()))


async def read_text(request: Request) -> str:
    """Read a body that is a JSON string, or raw text in UTF-8.

    Raises InvalidInputError for JSON that is no string, and for what is no UTF-8.
    """
    media_type = _media_type(request)
    content = (await request.body()).removeprefix(BOM_UTF8)
    if media_type == "text/plain":
        return _text(content)
    _require_json(media_type)
    try:
        data = orjson.loads(content)
    except orjson.JSONDecodeError:
        # The documented example sends bare words under application/json.
        return _text(content)
    if not isinstance(data, str):
        raise InvalidInputError("The body must be a JSON string or plain text.")
    return data


async def read_octets(request: Request, *, media_types: Sequence[str], limit: int) -> bytes:
    """Read a body of one of these media types as it is, and no more of it than `limit` octets.

    Raises UnsupportedMediaTypeError, and PayloadTooLargeError before the body is whole.
    """
    if _media_type(request) not in media_types:
        raise UnsupportedMediaTypeError(f"The Content-Type must be {' or '.join(media_types)}.")
    return await read_raw(request, limit=limit)


async def read_raw(request: Request, *, limit: int) -> bytes:
    """Read a body as it is, whatever it is said to be, and no more of it than `limit` octets.

    Raises PayloadTooLargeError before the body is whole.
    """
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > limit:
            raise PayloadTooLargeError(f"The body is larger than {limit} octets.")
    return bytes(content)


async def read_form(request: Request, *, limit: int) -> Form:
    """Read a form in either encoding, each field with its values in order; it holds no files.

    Raises UnsupportedMediaTypeError, PayloadTooLargeError before more than `limit` octets are
    read, and InvalidInputError for what is no such form.
    """
    media_types = (_MULTIPART, _URLENCODED)
    content = await read_octets(request, media_types=media_types, limit=limit)

    async def stream() -> AsyncGenerator[bytes, None]:
        yield content

    parser: FormParser | MultiPartParser
    if _media_type(request) == _MULTIPART:
        parser = MultiPartParser(
            request.headers, stream(), max_files=0, max_fields=_FIELDS_LIMIT, max_part_size=limit
        )
    else:
        parser = FormParser(
            request.headers, stream(), max_fields=_FIELDS_LIMIT, max_part_size=limit
        )
    try:
        fields = (await parser.parse()).multi_items()
    except (MultiPartException, FormParserError) as error:
        raise InvalidInputError("The body is not a valid form without files.") from error
    form: dict[str, list[str]] = {}
    for name, value in fields:
        form.setdefault(name, []).append(str(value))
    return form


def _json(content: bytes) -> object:
    try:
        data: object = orjson.loads(content.removeprefix(BOM_UTF8))
    except orjson.JSONDecodeError as error:
        raise InvalidInputError(f"The body is not valid JSON: {error}") from error
    return data


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InvalidInputError("The body is not valid UTF-8.") from error


def _media_type(request: Request) -> str:
    """Read what the body is. Raises UnsupportedMediaTypeError for one that is compressed."""
    if request.headers.get("content-encoding", "").strip().lower() not in {"", "identity"}:
        raise UnsupportedMediaTypeError("The body must not be compressed (Content-Encoding).")
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _require_json(media_type: str) -> None:
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedMediaTypeError("The Content-Type must be application/json.")
