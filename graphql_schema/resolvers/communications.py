"""What callers may do with communications: who may, then one call. Both doors come through here."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence

from app.context import Context, Scope
from app.documents.communications import Communication
from app.documents.listing import Row
from app.services import list_mail, records, scheduling, sending
from app.services.scheduling import RescheduleCommunication, ScheduleCommunication
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


async def communication(
    context: Context, id_: str, *, without: Collection[str] = ()
) -> Communication:
    """Give the caller's record; the stored fields `without` are left empty.

    Raises NotFoundError for unknown ids and other tenants' alike.
    """
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await records.shown_record(caller, id_, without=without)


async def communication_row(context: Context, id_: str) -> Row:
    """Give the caller's record as it is stored; otherwise as `communication`."""
    return await records.row_of(context.require(Scope.COMMUNICATIONS_READ), id_)


async def communications_with_ids(
    context: Context, ids: Collection[str], *, without: Collection[str] = ()
) -> Mapping[str, Communication | Exception]:
    """Give the caller's records by their ids; the stored fields `without` are left empty."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await records.records_with_ids(caller, ids, without=without)


async def schedule_communication(
    context: Context, command: ScheduleCommunication, *, idempotency_key: str | None = None
) -> Communication:
    """Accept a mail for later; otherwise as `send_communication`."""
    caller = context.require(Scope.COMMUNICATIONS_SEND)
    key = context.idempotency_key if idempotency_key is None else idempotency_key
    return await scheduling.schedule(context.deps, caller, command, idempotency_key=key)


async def reschedule_communication(
    context: Context, id_: str, command: RescheduleCommunication
) -> Communication:
    """Give a mail that waits another time. Raises what `scheduling.reschedule` raises."""
    caller = context.require(Scope.COMMUNICATIONS_SEND)
    return await scheduling.reschedule(context.deps, caller, id_, command)


async def cancel_communication(context: Context, id_: str) -> Communication:
    """Call off a mail that waits. Raises NotFoundError, ConflictError."""
    caller = context.require(Scope.COMMUNICATIONS_SEND)
    return await scheduling.cancel(context.deps, caller, id_)


async def pause_communication(context: Context, id_: str) -> Communication:
    """Hold list mail. Raises what `list_mail.pause` raises."""
    caller = context.require(Scope.COMMUNICATIONS_SEND)
    return await list_mail.pause(context.deps, caller, id_)


async def resume_communication(context: Context, id_: str) -> Communication:
    """Let paused list mail go on. Raises what `list_mail.resume` raises."""
    caller = context.require(Scope.COMMUNICATIONS_SEND)
    return await list_mail.resume(context.deps, caller, id_)


async def resend_communication(
    context: Context, id_: str, *, idempotency_key: str | None = None
) -> Communication:
    """Send a settled mail once more. Raises NotFoundError, ConflictError."""
    caller = context.require(Scope.COMMUNICATIONS_SEND)
    key = context.idempotency_key if idempotency_key is None else idempotency_key
    return await sending.resend(context.deps, caller, id_, idempotency_key=key)


async def comment_communication(context: Context, id_: str, text: str) -> Communication:
    """Write a comment into the audit trail. Raises NotFoundError, InvalidInputError."""
    caller = context.require(Scope.COMMUNICATIONS_WRITE)
    return await records.comment(context.deps, caller, id_, text)


async def delete_communication(context: Context, id_: str) -> None:
    """Delete a record. Raises NotFoundError."""
    caller = context.require(Scope.COMMUNICATIONS_DELETE)
    await records.delete(context.deps, caller, id_)


async def delete_communications(context: Context, ids: Sequence[str]) -> list[str]:
    """Delete records; the ids that were deleted. Unknown ones are passed over."""
    caller = context.require(Scope.COMMUNICATIONS_DELETE)
    return await records.delete_many(context.deps, caller, ids)


async def scheduled_communications(context: Context) -> AsyncIterator[Row]:
    """Give every mail that is SCHEDULED, next first, row by row."""
    return scheduling.waiting(context.require(Scope.COMMUNICATIONS_READ))
