"""Records as such: finding one, commenting on it, deleting it."""

from collections.abc import Sequence

from app.context import Caller, Deps
from app.documents import lifecycle
from app.documents.communications import Communication, Event
from app.documents.vocabulary import EventType
from app.errors import ConflictError, FieldError, InvalidInputError, NotFoundError
from app.services import attachments
from app.services.inputs import parse_comment

IDS_LIMIT = 10_000
PURGED_AT_A_TIME = 500


async def record_of(caller: Caller, id_: str) -> Communication:
    """Find the caller's record. Raises NotFoundError for unknown ids and other tenants' alike."""
    found = await Communication.of_tenant(caller.tenant, id_)
    if found is None:
        raise NotFoundError("No communication has this id.")
    return found


async def comment(deps: Deps, caller: Caller, id_: str, text: str) -> Communication:
    """Write a comment of the caller into the audit trail.

    Raises InvalidInputError for a blank or overlong text, NotFoundError, and ConflictError for a
    record that is full.
    """
    description = parse_comment(text)
    found = await record_of(caller, id_)
    event = Event(
        type=EventType.COMMENT, date=deps.now(), author_id=caller.user, description=description
    )
    commented = await lifecycle.comment(caller.tenant, found.id, event)
    if commented is None:
        # Gone by now, or full.
        await record_of(caller, id_)
        raise ConflictError("The communication has no room for further comments.")
    return commented


async def delete(deps: Deps, caller: Caller, id_: str) -> None:
    """Hide the record at once and call it off if it waits; it is purged after the retention time.

    Links and pictures of mail that is out keep working until then. Raises NotFoundError.
    """
    found = await record_of(caller, id_)
    now = deps.now()
    deleted = await lifecycle.delete(
        caller.tenant,
        found.id,
        author=caller.user,
        now=now,
        purge_at=now + deps.settings.retention,
    )
    if not deleted:
        raise NotFoundError("No communication has this id.")


async def delete_many(deps: Deps, caller: Caller, ids: Sequence[str]) -> list[str]:
    """Delete each as `delete` does; ids that are unknown are passed over.

    Returns the ids that were deleted. Raises InvalidInputError for more than 10,000.
    """
    if len(ids) > IDS_LIMIT:
        raise InvalidInputError.of(FieldError("ids", f"must have at most {IDS_LIMIT} entries"))
    deleted: list[str] = []
    for id_ in dict.fromkeys(ids):
        try:
            await delete(deps, caller, id_)
        except NotFoundError:
            continue
        deleted.append(id_)
    return deleted


async def purge(deps: Deps) -> int:
    """Remove for good what was deleted a retention time ago; how many records that were.

    So are contents of attachments that no record names.
    """
    purged = 0
    while count := await lifecycle.purge(deps.now(), PURGED_AT_A_TIME):
        purged += count
    await attachments.purge(deps)
    return purged
