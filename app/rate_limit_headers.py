"""Every answer to a caller tells how much it may still ask, whatever became of its request."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class RateLimitHeaders:
    """Add what was noted in the request's state when the caller was counted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def telling(message: Message) -> None:
            noted = scope.get("state", {}).get("rate_limit_headers", {})
            if message["type"] == "http.response.start" and noted:
                MutableHeaders(scope=message).update(noted)
            await send(message)

        await self._app(scope, receive, telling)
