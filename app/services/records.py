"""Records as such: finding one, commenting on it, deleting it."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

from app.context import Caller, Deps
from app.documents import lifecycle, listing, ways_out
from app.documents.base import object_id_of
from app.documents.communications import Communication, Event
from app.documents.listing import Row
from app.documents.vocabulary import EventType
from app.errors import ConflictError, FieldError, InvalidInputError, NotFoundError
from app.services import attachments
from app.services.inputs import parse_comment

_UNKNOWN = "No communication has this id."
IDS_LIMIT = 10_000
# MongoDB writes several down for good in the time of one.
DELETED_AT_A_TIME = 50
PURGED_AT_A_TIME = 500


async def record_of(caller: Caller, id_: str) -> Communication:
    """Find the caller's record. Raises NotFoundError for unknown ids and other tenants' alike."""
    found = await Communication.of_tenant(caller.tenant, id_)
    if found is None:
        raise NotFoundError(_UNKNOWN)
    return found


async def row_of(caller: Caller, id_: str) -> Row:
    """Find the caller's record as it is stored, with bodies that stand elsewhere; as `record_of`.

    Raises NoFile for one whose body is lost.
    """
    found = [row async for row in listing.by_ids(caller.tenant, [id_])]
    if not found:
        raise NotFoundError(_UNKNOWN)
    return found[0]


async def shown_record(caller: Caller, id_: str, *, without: Collection[str] = ()) -> Communication:
    """Find the caller's record to show it, whole but for the stored fields `without`.

    Raises NotFoundError as `record_of`, NoFile for one whose body is lost.
    """
    found = (await records_with_ids(caller, [id_], without=without)).get(id_)
    if found is None:
        raise NotFoundError(_UNKNOWN)
    if isinstance(found, Exception):
        raise found
    return found


async def records_with_ids(
    caller: Caller, ids: Collection[str], *, without: Collection[str]
) -> Mapping[str, Communication | Exception]:
    """Give the caller's records by their ids, whole but for the stored fields `without`.

    One whose body is lost is an error in place of itself.
    """
    found = await Communication.with_ids(caller.tenant, ids, without=without)
    return await Communication.load_contents(found)


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
    now = deps.now()
    object_id = object_id_of(id_)
    deleted = object_id is not None and await lifecycle.delete(
        caller.tenant,
        object_id,
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
    wanted = list(dict.fromkeys(ids))
    for start in range(0, len(wanted), DELETED_AT_A_TIME):
        chunk = wanted[start : start + DELETED_AT_A_TIME]
        answers = await asyncio.gather(*(_is_deleted(deps, caller, id_) for id_ in chunk))
        deleted += [id_ for id_, is_deleted in zip(chunk, answers, strict=True) if is_deleted]
    return deleted


async def _is_deleted(deps: Deps, caller: Caller, id_: str) -> bool:
    try:
        await delete(deps, caller, id_)
    except NotFoundError:
        return False
    return True


async def purge(deps: Deps) -> int:
    """Remove for good what was deleted a retention time ago; how many records that were.

    So are contents of attachments that no record names, and what was kept of old mail so that its
    links to unsubscribe work.
    """
    purged = 0
    while count := await lifecycle.purge(deps.now(), PURGED_AT_A_TIME):
        purged += count
    await attachments.purge(deps)
    await ways_out.forget(deps.now() - deps.settings.unsubscribe_retention)
    return purged
