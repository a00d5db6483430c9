"""Following records: each is given as it is, whenever something about it changed."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from typing import Annotated, TypeVar, cast

from pydantic import Field

from app.context import Caller, Deps
from app.documents.base import StoreUnavailableError, object_id_of
from app.documents.changes import Change, Happening, Noun
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.errors import FieldError, InvalidInputError, NotFoundError, UnavailableError
from app.feed import Wants
from app.services.inputs import Command, Line

_RETRY_SECONDS = 1.0
# What need not be read to know whether there is a record.
_LARGE = ("body", "originalBody", "contentId", "events")
Word = Annotated[Line, Field(min_length=1, max_length=320)]
Found = TypeVar("Found")
Record = TypeVar("Record", Communication, InboundMessage)


class Entity(Command):
    """A CRM entity, as it stands in `relatedEntityType` and `relatedEntityId`."""

    type: Word
    id: Word


class Target(Command):
    """One record by its id, or all those of a CRM entity."""

    id: str | None = None
    entity: Entity | None = None


async def changed_communications(
    deps: Deps, caller: Caller, target: Target, *, without: Collection[str] = ()
) -> AsyncGenerator[Communication, None]:
    """Give each record of the caller's as it is after a change; followed when this returns.

    The stored fields `without` are not read.

    One record by its id is given at once, too, and ends the stream when it is deleted. Changes
    that follow each other fast are given as one. Raises NotFoundError for unknown ids and other
    tenants' alike, UnavailableError when changes cannot be followed, and, in the stream of an
    entity, when some were missed.
    """
    find = _finder(Communication, caller, without)
    if (entity := _entity(target)) is None:
        return await _begun(_changed(deps, caller, _id(target), find))

    def wants(change: Change) -> bool:
        return _is_of(change, entity) and change.happening is not Happening.DELETED

    return await _begun(_found(deps, caller, wants, find))


async def deleted_communications(
    deps: Deps, caller: Caller, target: Target
) -> AsyncGenerator[str, None]:
    """Give the id of each record that is deleted; otherwise as `changed_communications`."""
    if (entity := _entity(target)) is None:
        return await _begun(_deleted(deps, caller, _id(target)))

    def wants(change: Change) -> bool:
        return _is_of(change, entity) and change.happening is Happening.DELETED

    async def find(id_: str) -> str:
        return id_

    return await _begun(_found(deps, caller, wants, find))


async def received_messages(
    deps: Deps, caller: Caller, entity: Entity | None, *, without: Collection[str] = ()
) -> AsyncGenerator[InboundMessage, None]:
    """Give each message that comes in for the caller's tenant, or for one entity of it.

    The stored fields `without` are not read. Raises UnavailableError as `changed_communications`
    does.
    """
    key = None if entity is None else (entity.type, entity.id)

    def wants(change: Change) -> bool:
        is_new = change.noun is Noun.INBOUND_MESSAGE and change.happening is Happening.CREATED
        return is_new and key in {None, change.entity}

    return await _begun(_found(deps, caller, wants, _finder(InboundMessage, caller, without)))


def _finder(
    document: type[Record], caller: Caller, without: Collection[str]
) -> Callable[[str], Awaitable[Record | None]]:
    """Make what finds the caller's record; of what nobody asks for it takes no room."""

    async def find(id_: str) -> Record | None:
        found = await document.with_ids(caller.tenant, [id_], without=without)
        whole = (await document.load_contents(found)).get(id_)
        if isinstance(whole, Exception):
            raise whole
        return whole

    return find


# While nothing happens, no record is held: there may be thousands who wait, and records of 10 MB.


async def _found(
    deps: Deps, caller: Caller, wants: Wants, find: Callable[[str], Awaitable[Found | None]]
) -> AsyncGenerator[Found | None, None]:
    async with deps.feed.follow(caller.tenant, wants) as follower:
        yield None
        while (change := await follower.next()) is not None:
            found = await _patiently(find, change.id)
            if found is not None:
                yield found
            found = None
    raise UnavailableError("Changes were missed: read anew what you show, and subscribe again.")


async def _changed(
    deps: Deps,
    caller: Caller,
    id_: str,
    find: Callable[[str], Awaitable[Communication | None]],
) -> AsyncGenerator[Communication | None, None]:
    async with deps.feed.follow(caller.tenant, _wants_one(id_)) as follower:
        found = await find(id_)
        if found is None:
            raise _unknown()
        yield None
        while found is not None:
            yield found
            found = None
            change = await follower.next()
            if change is not None and change.happening is Happening.DELETED:
                return
            found = await _patiently(find, id_)


async def _deleted(deps: Deps, caller: Caller, id_: str) -> AsyncGenerator[str | None, None]:
    find = _finder(Communication, caller, _LARGE)
    async with deps.feed.follow(caller.tenant, _wants_one(id_)) as follower:
        if await find(id_) is None:
            raise _unknown()
        yield None
        while True:
            change = await follower.next()
            is_gap = change is None
            if change is not None and change.happening is Happening.DELETED:
                break
            if is_gap and await _patiently(find, id_) is None:
                break
        yield id_


async def _begun(events: AsyncGenerator[Found | None, None]) -> AsyncGenerator[Found, None]:
    """Take the None that tells that everything is being followed from here on."""
    await anext(events)
    return cast("AsyncGenerator[Found, None]", events)


async def _patiently(find: Callable[[str], Awaitable[Found]], id_: str) -> Found:
    """Find it, even if MongoDB has to come back for that."""
    while True:
        try:
            return await find(id_)
        except StoreUnavailableError:
            await asyncio.sleep(_RETRY_SECONDS)


def _entity(target: Target) -> tuple[str, str] | None:
    if (target.id is None) == (target.entity is None):
        raise InvalidInputError.of(FieldError("of", "needs either id or entity"))
    return None if target.entity is None else (target.entity.type, target.entity.id)


def _id(target: Target) -> str:
    """The id as changes tell it. Raises NotFoundError for what is none."""
    object_id = object_id_of(target.id or "")
    if object_id is None:
        raise _unknown()
    return str(object_id)


def _wants_one(id_: str) -> Wants:
    return lambda change: change.noun is Noun.COMMUNICATION and change.id == id_


def _is_of(change: Change, entity: tuple[str, str]) -> bool:
    return change.noun is Noun.COMMUNICATION and change.entity == entity


def _unknown() -> NotFoundError:
    return NotFoundError("No communication has this id.")
