"""What providers tell. No token is asked for: each service call checks who it is by itself."""

from app.context import Context
from app.services import webhooks
from app.services.signatures import Signed


async def resend_webhook(context: Context, account_id: str, signed: Signed, body: bytes) -> None:
    """Keep an event of Resend. Raises what `webhooks.take_resend` raises."""
    await webhooks.take_resend(context.deps, account_id, signed, body)


async def graph_webhook(context: Context, account_id: str, body: bytes) -> None:
    """Keep notifications of Graph. Raises what `webhooks.take_graph` raises."""
    await webhooks.take_graph(context.deps, account_id, body)


async def graph_greeting(context: Context, account_id: str, token: str) -> str:  # noqa: ARG001 - as all resolvers
    """Answer Graph's handshake. Raises what `webhooks.greet_graph` raises."""
    return await webhooks.greet_graph(account_id, token)
