from collections.abc import Sequence

from app.context import Context, Scope
from app.services import conversations
from app.services.connections import Needs, Part, PartCommand
from app.services.conversations import Thread, TimelineEntry


async def thread(context: Context, id_: str) -> Thread:
    """Give the conversation of the caller's record. Raises NotFoundError."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await conversations.thread(caller, id_)


async def timeline_part(
    context: Context, entity_type: str, entity_id: str, command: PartCommand, needs: Needs
) -> Part[TimelineEntry]:
    """Give a part of the mail of an entity of the caller; as `conversations.timeline_part`."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await conversations.timeline_part(caller, entity_type, entity_id, command, needs)


async def timeline(context: Context, entity_type: str, entity_id: str) -> Sequence[TimelineEntry]:
    """Give all mail of an entity of the caller. Raises InvalidInputError for what is blank."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await conversations.timeline(caller, entity_type, entity_id)
