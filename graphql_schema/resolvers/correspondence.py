"""What callers may know of conversations: who may, then one call."""

from collections.abc import Collection, Mapping

from app.context import Context, Scope
from app.documents.correspondence import Hidden, Overview
from app.services import correspondence
from app.services.connections import PartCommand
from app.services.correspondence import MessageSlice


async def conversation(context: Context, id_: str) -> Overview:
    """Give the caller's conversation. Raises NotFoundError."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await correspondence.conversation_of(caller, id_)


async def overviews_of(context: Context, ids: Collection[str]) -> Mapping[str, Overview]:
    """Give the caller's conversations by their ids."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await correspondence.overviews_of(caller, ids)


async def participants_of(context: Context, ids: Collection[str]) -> Mapping[str, list[str]]:
    """Give the addresses of who takes part in the caller's conversations."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await correspondence.participants_of(caller, ids)


async def slices_of(
    context: Context, ids: Collection[str], command: PartCommand, *, hidden: Hidden
) -> Mapping[str, MessageSlice]:
    """Give a part of each conversation. Raises InvalidInputError for what is no part."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await correspondence.slices_of(caller, ids, command, hidden=hidden)


async def reached(
    context: Context, ids: Collection[str], command: PartCommand, *, ahead: bool
) -> Mapping[str, bool]:
    """Tell whether messages stand ahead of a part of each conversation, or behind it."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await correspondence.reached(caller, ids, command, ahead=ahead)
