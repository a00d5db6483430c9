"""What callers may do with communications: who may, then one call. Both doors come through here."""

from app.context import Context, Scope
from app.documents.communications import Communication
from app.errors import NotFoundError
from app.services import sending
from app.services.sending import SendCommunication


async def send_communication(
    context: Context, command: SendCommunication, *, idempotency_key: str | None = None
) -> Communication:
    """Accept a mail for sending; `idempotency_key` stands in for the request's own.

    Raises what `sending.accept` raises.
    """
    caller = context.require(Scope.COMMUNICATIONS_SEND)
    key = context.idempotency_key if idempotency_key is None else idempotency_key
    return await sending.accept(context.deps, caller, command, idempotency_key=key)


async def communication(context: Context, id_: str) -> Communication:
    """Give the caller's record. Raises NotFoundError for unknown ids and other tenants' alike."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    found = await Communication.shown(caller.tenant, id_)
    if found is None:
        raise NotFoundError("No communication has this id.")
    return found
