"""Mail for later: a due time on the record, and calling it off before it is reached."""

from collections.abc import AsyncIterator

from app.context import Caller, Deps
from app.documents import lifecycle, listing
from app.documents.communications import Communication, Event
from app.documents.fields import FIELDS
from app.documents.listing import Row
from app.documents.vocabulary import CommunicationStatus, EventType
from app.errors import ConflictError, InvalidInputError
from app.instants import format_instant
from app.services import list_mail, sending
from app.services.drafts import draft
from app.services.inputs import Command, Instant
from app.services.mail_commands import past
from app.services.records import record_of
from app.services.sending import SendCommunication


class ScheduleCommunication(SendCommunication):
    """The contract's ScheduleRequest."""

    scheduled_at: Instant


class RescheduleCommunication(Command):
    scheduled_at: Instant


async def schedule(
    deps: Deps,
    caller: Caller,
    command: ScheduleCommunication,
    *,
    idempotency_key: str | None = None,
) -> Communication:
    """Store a mail to be sent at its time; otherwise as `sending.accept`.

    Raises InvalidInputError for a time that is past.
    """

    async def prepare() -> Communication:
        content = await sending.content_of(caller, command)
        return await draft(deps, caller, command, content, scheduled_at=command.scheduled_at)

    return await sending.accept_draft(
        deps, caller, command, prepare, idempotency_key=idempotency_key
    )


def waiting(caller: Caller) -> AsyncIterator[Row]:
    """Give the caller's mail that waits for its time, next first; of one time in their order."""
    criteria = {"status": CommunicationStatus.SCHEDULED}
    order = [(FIELDS[name], True) for name in ("scheduledAt", "created", "id")]
    return listing.stream(caller.tenant, criteria, order)


async def reschedule(
    deps: Deps, caller: Caller, id_: str, command: RescheduleCommunication
) -> Communication:
    """Give a mail that waits for its time another one; it races with dispatch, and one wins.

    Raises NotFoundError, InvalidInputError for a time that is past, and ConflictError in any other
    state.
    """
    found = await record_of(caller, id_)
    at, now = command.scheduled_at, deps.now()
    if faults := [*past(deps, at)]:
        raise InvalidInputError.of(*faults)
    event = Event(
        type=EventType.RESCHEDULE,
        date=now,
        author_id=caller.user,
        description=f"for {format_instant(at)}",
    )
    moved = await lifecycle.reschedule(caller.tenant, found.id, event, at=at)
    if moved is None:
        current = await record_of(caller, id_)
        raise ConflictError(
            f"Only a communication that is {CommunicationStatus.SCHEDULED} can be rescheduled; "
            f"it is {current.status}."
        )
    # The job for the old time finds nothing that is due.
    await sending.wake(deps, moved)
    return moved


async def cancel(deps: Deps, caller: Caller, id_: str) -> Communication:
    """Call off a mail that is SCHEDULED or PENDING; it races with dispatch, and one wins.

    Mail to a list may be SENDING, too: what is out of it is out.

    Raises NotFoundError, and ConflictError in any other state.
    """
    found = await record_of(caller, id_)
    event = Event(type=EventType.CANCEL, date=deps.now(), author_id=caller.user)
    cancelled = await lifecycle.cancel(caller.tenant, found.id, event) or await list_mail.cancel(
        deps, caller, found
    )
    if cancelled is None:
        raise ConflictError(
            f"Only a communication that is {CommunicationStatus.SCHEDULED} or "
            f"{CommunicationStatus.PENDING} can be cancelled."
        )
    return cancelled
