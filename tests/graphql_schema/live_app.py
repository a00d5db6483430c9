"""The application with other limits for what stays open."""

from datetime import timedelta
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from app.auth import Authenticator
from app.context import Deps
from app.main import create_app
from graphql_schema.live import Live

FOLLOWED = "subscription ($id: ID!) { communicationChanged(of: { id: $id }) { id } }"


def live_app(deps: Deps, **changes: timedelta) -> ASGIApp:
    """Make it over `deps`; `changes` are attributes of Live."""
    application = create_app(deps.settings, deps)
    live = Live(deps.settings.live_connections)
    vars(live).update(changes)
    state: dict[str, Any] = {
        "deps": deps,
        "authenticator": Authenticator(deps.settings, deps.http, deps.now),
        "live": live,
    }

    async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
        await application({**scope, "state": dict(state)}, receive, send)

    return with_state
