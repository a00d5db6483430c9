"""GraphQL over WebSocket, by the subprotocol graphql-transport-ws alone.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md

Any page may open a socket to any host: browsers ask for no permission. It gains nothing by that.
No cookie counts here; whoever opens a socket must send a token over it, which a page of another
site does not have. So the Origin is not looked at.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from app.auth import Authenticator
from app.context import Caller, Context, Deps
from app.documents.base import StoreUnavailableError
from app.errors import RateLimitedError, UnauthenticatedError, UnavailableError
from graphql_schema.limits.turns import TURNS
from graphql_schema.live import SEND_TIMEOUT, Live, first_of, until_refused
from graphql_schema.socket_messages import (
    PROTOCOL,
    CloseSocket,
    Message,
    authorization_in,
    read_message,
)
from graphql_schema.socket_operations import Operations

# Of nobody in particular little is read.
NAMELESS_LENGTH = 32 * 1024
_GONE = (WebSocketDisconnect, WebSocketDisconnected)


async def serve(websocket: WebSocket) -> None:
    """Serve a socket until either side ends it."""
    live: Live = websocket.state.live
    try:
        await _accept(websocket)
        with live.counted(None):
            caller, authorization = await _introduced(websocket)
        with live.counted(caller.tenant):
            await _converse(websocket, caller, authorization)
    except CloseSocket as closing:
        await _close(websocket, closing.code, closing.reason)
    except (RateLimitedError, UnavailableError) as error:
        # Clients of this protocol try again by themselves after this code.
        await _close(websocket, 1013, error.detail)
    except _GONE:
        pass


async def _accept(websocket: WebSocket) -> None:
    """Begin the socket. Raises CloseSocket (4406) when the client speaks another protocol."""
    if PROTOCOL not in websocket.scope["subprotocols"]:
        await websocket.accept()
        raise CloseSocket(4406, f"Subprotocol not acceptable: it must be {PROTOCOL}")
    await websocket.accept(PROTOCOL)


async def _introduced(websocket: WebSocket) -> tuple[Caller, str]:
    """Wait until the client has said who it is; the caller, and the header that tells.

    Raises CloseSocket when it does not, UnavailableError when that cannot be checked now.
    """
    live: Live = websocket.state.live
    try:
        async with asyncio.timeout(live.init_timeout.total_seconds()):
            message = await _init(websocket)
    except TimeoutError:
        raise CloseSocket(4408, "Connection initialisation timeout") from None
    authorization = authorization_in(message.payload) or websocket.headers.get("authorization")
    authenticator: Authenticator = websocket.state.authenticator
    try:
        caller = await authenticator.caller(authorization)
    except UnauthenticatedError as error:
        raise CloseSocket(4403, f"Forbidden: {error.detail}") from error
    except StoreUnavailableError as error:
        raise UnavailableError("The store does not answer; try again.") from error
    if caller is None or authorization is None:
        raise CloseSocket(4403, "Forbidden: connection_init must bring a token as Authorization")
    return caller, authorization


async def _init(websocket: WebSocket) -> Message:
    while True:
        message = read_message(await _received(websocket), NAMELESS_LENGTH)
        if message.type == "connection_init":
            return message
        if message.type in {"subscribe", "complete"}:
            raise CloseSocket(4401, "Unauthorized")
        await _answer_ping(websocket, message)


async def _converse(websocket: WebSocket, caller: Caller, authorization: str) -> None:
    """Run what the client asks for until it leaves. Raises CloseSocket when it may not stay."""
    deps: Deps = websocket.state.deps
    gone = asyncio.Event()
    # While a client is slow, one message is written out, and not those of all its operations.
    turn = asyncio.Lock()

    async def send(message: Mapping[str, Any]) -> None:
        try:
            async with turn:
                if not gone.is_set():
                    await _send(websocket, message)
        except _GONE:
            gone.set()

    context = Context(deps=deps, caller=caller)
    operations = Operations(context, send, deps.settings.socket_operations)
    await send({"type": "connection_ack"})
    try:
        await first_of(
            _listen(websocket, caller, operations, deps.settings.socket_message_limit),
            _until_refused(websocket, caller, authorization),
            gone.wait(),
        )
    finally:
        await operations.end()


async def _listen(websocket: WebSocket, caller: Caller, operations: Operations, limit: int) -> None:
    while True:
        received = await _received(websocket)
        async with TURNS.taken(caller):
            message = read_message(received, limit)
        if message.type == "connection_init":
            raise CloseSocket(4429, "Too many initialisation requests")
        if message.type == "subscribe":
            await operations.start(message.id, message.payload)
        elif message.type == "complete":
            operations.complete(message.id)
        else:
            await _answer_ping(websocket, message)
        # Thousands of messages may be here already, and others wait.
        await asyncio.sleep(0)


async def _until_refused(websocket: WebSocket, caller: Caller, authorization: str) -> None:
    live: Live = websocket.state.live
    authenticator: Authenticator = websocket.state.authenticator
    reason = await until_refused(authenticator, authorization, caller, live.recheck)
    raise CloseSocket(4403, f"Forbidden: {reason}")


async def _answer_ping(websocket: WebSocket, message: Message) -> None:
    if message.type == "ping":
        payload = {"payload": message.payload} if message.payload else {}
        await _send(websocket, {"type": "pong", **payload})


async def _received(websocket: WebSocket) -> Mapping[str, Any]:
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message["code"], message.get("reason"))
    return message


async def _send(websocket: WebSocket, message: Mapping[str, Any]) -> None:
    try:
        async with asyncio.timeout(SEND_TIMEOUT.total_seconds()):
            await websocket.send_text(orjson.dumps(message).decode())
    except TimeoutError:
        raise WebSocketDisconnect(1006) from None


async def _close(websocket: WebSocket, code: int, reason: str) -> None:
    try:
        async with asyncio.timeout(SEND_TIMEOUT.total_seconds()):
            await websocket.close(code, reason)
    except (*_GONE, TimeoutError):
        pass
