"""Mail to a recipient list: what it must be to be accepted, and halting it on its way."""

from app.context import Caller, Deps
from app.documents import list_mail
from app.documents.base import object_id_of
from app.documents.communications import Communication, Event
from app.documents.list_members import ListMember
from app.documents.recipient_lists import RecipientList
from app.documents.vocabulary import EventType
from app.errors import ConflictError, FieldError
from app.services import fanout
from app.services.records import record_of


async def check_list(caller: Caller, list_id: str | None) -> list[FieldError]:
    """Tell why the caller may not send to this list; nothing when it may, or there is none."""
    if list_id is None:
        return []
    object_id = object_id_of(list_id)
    if object_id is None or not await RecipientList.exists(caller.tenant, list_id):
        return [FieldError("recipientListId", "no recipient list has this id")]
    if not await ListMember.any_of(caller.tenant, object_id):
        return [FieldError("recipientListId", "the list has no members")]
    return []


async def check_again(caller: Caller, list_id: str) -> None:
    """Look whether list mail can be sent once more. Raises ConflictError."""
    for fault in await check_list(caller, list_id):
        raise ConflictError(f"It cannot be sent again: {fault.message}.")


async def pause(deps: Deps, caller: Caller, id_: str) -> Communication:
    """Hold list mail: what is in hand goes out, and no more until it is resumed.

    Raises NotFoundError, and ConflictError for mail that is not under way, paused already, or goes
    to no list.
    """
    found = await record_of(caller, id_)
    paused = await list_mail.pause(caller.tenant, found.id, _event(deps, caller, "paused"))
    if paused is None:
        raise ConflictError(
            "Only mail to a recipient list can be paused, while it is PENDING or SENDING."
        )
    return paused


async def resume(deps: Deps, caller: Caller, id_: str) -> Communication:
    """Let paused list mail go on. Raises NotFoundError, and ConflictError when it is not paused."""
    found = await record_of(caller, id_)
    resumed = await list_mail.resume(caller.tenant, found.id, _event(deps, caller, "resumed"))
    if resumed is None:
        raise ConflictError("It is not paused.")
    await fanout.wake(deps, resumed)
    return resumed


async def cancel(deps: Deps, caller: Caller, found: Communication) -> Communication | None:
    """Call off what is not out yet of list mail that is SENDING; None for any other."""
    event = Event(type=EventType.CANCEL, date=deps.now(), author_id=caller.user)
    cancelled = await list_mail.cancel(caller.tenant, found.id, event)
    if cancelled is not None:
        await fanout.wake(deps, cancelled)
    return cancelled


def _event(deps: Deps, caller: Caller, what: str) -> Event:
    return Event(type=EventType.UPDATE, date=deps.now(), author_id=caller.user, description=what)
