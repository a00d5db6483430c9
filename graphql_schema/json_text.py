"""JSON of callers, read strictly: what two readers could understand in two ways is refused."""

import json
from collections import Counter
from typing import Any

import orjson

from app.errors import FieldError, InvalidInputError, PayloadTooLargeError

# Reading runs on the event loop, and takes up to half a microsecond for each value; then they are
# compared with what is expected.
VALUES_LIMIT = 100_000
_SHOWN = 100


def read_json(text: bytes, path: str = "") -> Any:
    """Read UTF-8 JSON (RFC 8259); `path` names the part of the request that it is, if not all.

    Raises InvalidInputError for what is not JSON, is nested without end or has a key twice in an
    object, PayloadTooLargeError for more than VALUES_LIMIT values.
    """
    if _values(text) > VALUES_LIMIT:
        name = f"{path}:" if path else "The request"
        raise PayloadTooLargeError(f"{name} has more than {VALUES_LIMIT} values.")
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _invalid(path, f"is not valid JSON: {error}") from error
    try:
        # orjson keeps the last of equal keys and does not tell.
        _DECODER.decode(text.decode())
    except _RepeatedKeyError as error:
        shown = orjson.dumps(error.key[:_SHOWN]).decode()
        raise _invalid(path, f"has the key {shown} twice in one object") from error
    except RecursionError as error:
        raise _invalid(path, "is nested too deep") from error
    return value


class _RepeatedKeyError(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _unique(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        [(key, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise _RepeatedKeyError(key)


_DECODER = json.JSONDecoder(object_pairs_hook=_unique)


def _invalid(path: str, message: str) -> InvalidInputError:
    if path:
        return InvalidInputError.of(FieldError(path, message))
    return InvalidInputError(f"The request {message}.")


def _values(text: bytes) -> int:
    """Count the values, or a few more, in time that only grows with the length of the text."""
    rough = _marks(text)
    if rough <= VALUES_LIMIT:
        return rough
    # Those in strings do not count: without escapes, every second piece between quotes is a string.
    plain = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    strings = plain.count(b'"') // 2
    if strings > 2 * VALUES_LIMIT:
        return strings
    return _marks(b"".join(plain.split(b'"')[::2]))


def _marks(text: bytes) -> int:
    """What stands beside others counts, what is only nested half as much: it has an end of its own.

    Ends are counted, not beginnings: what has none is told apart as no JSON.
    """
    return max(text.count(b",") + 1, (text.count(b"]") + text.count(b"}")) // 2)
