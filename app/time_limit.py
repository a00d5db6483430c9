"""No request may keep us busy for longer than somebody would wait for it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class TimeLimit:
    """End a request that is not answered in time, with all that runs for it.

    The time begins with the last part of its body that came in, so that a slow line is no fault,
    and ends with the first part of the answer, which may be as long as it takes.
    """

    def __init__(
        self, app: ASGIApp, limit: timedelta, answer: Callable[[Request], Awaitable[Response]]
    ) -> None:
        self._app = app
        self._seconds = limit.total_seconds()
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        clock, loop = asyncio.timeout(self._seconds), asyncio.get_running_loop()
        answered = False

        async def receiving() -> Message:
            message = await receive()
            if not answered and not clock.expired():
                clock.reschedule(loop.time() + self._seconds)
            return message

        async def sending(message: Message) -> None:
            nonlocal answered
            if not answered and not clock.expired():
                clock.reschedule(None)
            answered = True
            await send(message)

        try:
            async with clock:
                await self._app(scope, receiving, sending)
        except TimeoutError:
            if answered or not clock.expired():
                raise
            response = await self._answer(Request(scope))
            await response(scope, receive, send)
