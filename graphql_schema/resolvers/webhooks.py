"""What providers tell. No token is asked for: each service call checks who it is by itself."""

from app.context import Context
from app.services import webhooks
from app.services.signatures import Signed


async def resend_webhook(context: Context, account_id: str, signed: Signed, body: bytes) -> None:
    """Keep an event of Resend. Raises what `webhooks.take_resend` raises."""
    await webhooks.take_resend(context.deps, account_id, signed, body)
