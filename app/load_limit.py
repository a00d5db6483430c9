"""No more may be asked of a process at once than it answers while somebody waits for it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import UnavailableError

log = structlog.get_logger()

# Who watches over processes is to learn that this one is alive, above all when it is busy.
_ALWAYS = {"/healthz", "/readyz"}
_EVENTS = b"text/event-stream"
# Refusals are told of no more often.
_TOLD_SECONDS = 5.0


class LoadLimit:
    """Refuse what comes while `limit` requests are in hand, or half of that of one caller.

    A request is in hand from the last of its body to the last of its answer: not while its client
    is waited for, nor as a stream of events once that began. A caller is known by what stands in
    Authorization; all who send none are one.
    """

    def __init__(
        self,
        app: ASGIApp,
        limit: int,
        answer: Callable[[Request, UnavailableError], Awaitable[Response]],
    ) -> None:
        self._app = app
        self._hands = _Hands(limit)
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _ALWAYS:
            await self._app(scope, receive, send)
            return
        caller = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        try:
            self._hands.take(caller)
        except UnavailableError as error:
            response = await self._answer(Request(scope), error)
            await response(scope, receive, send)
            return
        request = _InHand(self._hands, caller)
        try:
            await self._app(scope, request.receiving(receive), request.sending(send))
        finally:
            request.end()


class _Hands:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._share = max(limit // 2, 1)
        self._all = 0
        self._of: Counter[bytes] = Counter()
        self._refused = 0
        self._told_at = -_TOLD_SECONDS

    def take(self, caller: bytes) -> None:
        """Raises UnavailableError when there is no room for one more of this caller."""
        if self._all >= self._limit or self._of[caller] >= self._share:
            raise self._refusal()
        self.take_again(caller)

    def check(self, caller: bytes) -> None:
        """Raises UnavailableError when there was no room for what is in hand of this caller."""
        if self._all > self._limit or self._of[caller] > self._share:
            raise self._refusal()

    def take_again(self, caller: bytes) -> None:
        self._all += 1
        self._of[caller] += 1

    def put_down(self, caller: bytes) -> None:
        self._all -= 1
        self._of[caller] -= 1
        if not self._of[caller]:
            del self._of[caller]

    def _refusal(self) -> UnavailableError:
        self._refused += 1
        now = asyncio.get_running_loop().time()
        if now - self._told_at >= _TOLD_SECONDS:
            log.warning("load.refused", requests=self._refused, in_hand=self._all)
            self._refused, self._told_at = 0, now
        return UnavailableError("More is asked at once than can be answered; try again.")


class _InHand:
    """A request that was taken in hand, and is put down while its client is waited for."""

    def __init__(self, hands: _Hands, caller: bytes) -> None:
        self._hands, self._caller = hands, caller
        self._is_whole = self._is_stream = False

    def receiving(self, receive: Receive) -> Receive:
        async def receiving() -> Message:
            if self._is_whole or self._is_stream:
                return await receive()
            with self._waiting_for_client():
                message = await receive()
            self._is_whole = not message.get("more_body", False)
            if self._is_whole:
                self._hands.check(self._caller)
            return message

        return receiving

    def sending(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if not self._is_stream and _begins_stream(message):
                self._is_stream = True
                self._hands.put_down(self._caller)
            if self._is_stream:
                await send(message)
                return
            with self._waiting_for_client():
                await send(message)

        return sending

    def end(self) -> None:
        if not self._is_stream:
            self._hands.put_down(self._caller)

    @contextmanager
    def _waiting_for_client(self) -> Iterator[None]:
        self._hands.put_down(self._caller)
        try:
            yield
        finally:
            self._hands.take_again(self._caller)


def _begins_stream(message: Message) -> bool:
    return message["type"] == "http.response.start" and any(
        name.lower() == b"content-type" and value.startswith(_EVENTS)
        for name, value in message.get("headers", ())
    )
