"""What callers may do with received mail: who may, then one call."""

from collections.abc import Collection, Mapping, Sequence

from app.context import Context, Scope
from app.documents.inbound_messages import InboundMessage
from app.errors import NotFoundError
from app.services import inbound
from app.services.connections import ListCommand, Needs, Part
from app.services.receiving import attachments
from app.services.receiving.handed_in import origin_of


async def ingest_mime(
    context: Context, raw: bytes, recipients: Sequence[str] = (), *, path: str = "recipients"
) -> InboundMessage:
    """Keep a received message; `recipients` are the envelope's, known to the caller as `path`.

    Raises what `handed_in.origin_of` and `inbound.ingest` raise.
    """
    caller = context.require(Scope.INBOUND_WRITE)
    origin = origin_of(recipients, path)
    return await inbound.ingest(context.deps, caller, raw, origin=origin)


async def inbound_message(context: Context, id_: str) -> InboundMessage:
    """Give the caller's message. Raises NotFoundError for unknown ids and others' alike."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    found = await InboundMessage.shown(caller.tenant, id_)
    if found is None:
        raise NotFoundError("No received message has this id.")
    return found


async def inbound_messages_with_ids(
    context: Context, ids: Collection[str], *, without: Collection[str] = ()
) -> Mapping[str, InboundMessage | Exception]:
    """Give the caller's messages by their ids; the fields `without` are left empty."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await inbound.messages_with_ids(caller, ids, without=without)


async def files_of(context: Context, ids: Collection[str]) -> Mapping[str, InboundMessage]:
    """Give the caller's messages by their ids, with all their files and without their bodies."""
    caller = context.require_caller()
    return await attachments.files_of(context.deps, caller, ids)


async def inbound_messages(
    context: Context, command: ListCommand, needs: Needs
) -> Part[InboundMessage]:
    """Give a part of the caller's messages; as `messages_of`."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await inbound.messages_of(caller, command, needs)
