"""Messages of the subprotocol graphql-transport-ws.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.errors import InvalidInputError, PayloadTooLargeError
from graphql_schema.json_text import read_json

PROTOCOL = "graphql-transport-ws"
TYPES = frozenset({"connection_init", "ping", "pong", "subscribe", "complete"})
ID_LENGTH = 200
# RFC 6455, section 5.5: a control frame has 125 octets, the code two of them.
_REASON_OCTETS = 123


class CloseSocket(Exception):  # noqa: N818 - no error of ours
    """Ends the socket with this code; `reason` is shown to the client."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:_REASON_OCTETS].decode(errors="ignore")


@dataclass(frozen=True)
class Message:
    """What a client says; `id` is empty where the type needs none."""

    type: str
    id: str
    payload: Mapping[str, Any]


def read_message(received: Mapping[str, Any], limit: int) -> Message:
    """Read what the server received. Raises CloseSocket (4400) for what is no such message."""
    text = received.get("text")
    if not isinstance(text, str):
        raise _bad("Messages must be text frames.")
    if len(text) > limit:
        raise _bad(f"The message is longer than {limit} characters.")
    try:
        value = read_json(text.encode())
    except (InvalidInputError, PayloadTooLargeError) as error:
        raise _bad(error.detail.replace("The request", "The message")) from None
    except UnicodeEncodeError:
        raise _bad("The message is not valid JSON: it has lone surrogates.") from None
    if not isinstance(value, dict):
        raise _bad("The message must be a JSON object.")
    return _checked(value)


def _checked(value: Mapping[str, Any]) -> Message:
    type_, id_, payload = value.get("type"), value.get("id"), value.get("payload")
    if not isinstance(type_, str) or type_ not in TYPES:
        raise _bad(f"type: must be one of {', '.join(sorted(TYPES))}")
    needs_id = type_ in {"subscribe", "complete"}
    if needs_id and not (isinstance(id_, str) and 0 < len(id_) <= ID_LENGTH):
        raise _bad(f"id: must be a string of 1 to {ID_LENGTH} characters")
    if type_ == "subscribe":
        _check_operation(payload)
    elif type_ != "complete" and not isinstance(payload, dict | None):
        raise _bad("payload: must be an object")
    return Message(
        type=type_,
        id=id_ if needs_id and isinstance(id_, str) else "",
        payload=payload if isinstance(payload, dict) else {},
    )


def _check_operation(payload: Any) -> None:
    if not isinstance(payload, dict):
        raise _bad("payload: must be an object with a query")
    kinds = {
        "query": str | None,
        "operationName": str | None,
        "variables": dict | None,
        "extensions": dict | None,
    }
    for name, kind in kinds.items():
        if not isinstance(payload.get(name), kind):
            raise _bad(f"payload.{name}: is of the wrong kind")
    # A document may be named instead of sent.
    if payload.get("query") is None and not payload.keys() & {"documentId", "extensions"}:
        raise _bad("payload: must be an object with a query")


def authorization_in(payload: Mapping[str, Any]) -> str | None:
    """The Authorization header that a `connection_init` brings, None without one.

    It stands under `Authorization` or `authorization`, or bare under `token`. Raises CloseSocket.
    """
    for name in ("Authorization", "authorization", "token"):
        value = payload.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            raise _bad(f"payload.{name}: must be a string")
        bare = name == "token" and not value.lower().startswith("bearer ")
        return f"Bearer {value}" if bare else value
    return None


def _bad(reason: str) -> CloseSocket:
    return CloseSocket(4400, reason)
