"""What callers may do with batches: who may, then one call."""

from collections.abc import Sequence

from app.context import Context, Scope
from app.documents.communications import Communication
from app.errors import AppError
from app.services import batches
from app.services.batches import BatchErrorPolicy
from app.services.sending import SendCommunication


async def send_batch(
    context: Context,
    items: Sequence[SendCommunication | AppError],
    *,
    policy: BatchErrorPolicy,
    idempotency_key: str | None = None,
) -> list[Communication | AppError]:
    """Accept mails for sending, as the policy says. Raises what `batches.send_batch` raises."""
    caller = context.require(Scope.COMMUNICATIONS_SEND)
    return await batches.send_batch(
        context.deps, caller, items, policy=policy, idempotency_key=idempotency_key
    )
