"""The application with other limits for what stays open."""

from datetime import timedelta
from typing import Any

from starlette.types import Receive, Scope, Send

from app.auth import Authenticator
from app.context import Deps
from app.main import create_app
from graphql_schema.live import Live

FOLLOWED = "subscription ($id: ID!) { communicationChanged(of: { id: $id }) { id } }"


class LiveApp:
    """The application over `deps`; `live` is its only one."""

    def __init__(self, deps: Deps, live: Live) -> None:
        self.live = live
        self._application = create_app(deps.settings, deps)
        self._state: dict[str, Any] = {
            "deps": deps,
            "authenticator": Authenticator(deps.settings, deps.http, deps.now),
            "live": live,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._application({**scope, "state": dict(self._state)}, receive, send)


def live_app(deps: Deps, **changes: timedelta) -> LiveApp:
    """Make it; `changes` are attributes of Live."""
    live = Live(deps.settings.live_connections)
    vars(live).update(changes)
    return LiveApp(deps, live)
