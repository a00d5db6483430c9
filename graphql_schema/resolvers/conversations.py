from collections.abc import Sequence

from app.context import Context, Scope
from app.services import conversations
from app.services.conversations import Thread, TimelineEntry


async def thread(context: Context, id_: str) -> Thread:
    """Give the conversation of the caller's record. Raises NotFoundError."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await conversations.thread(caller, id_)


async def timeline(context: Context, entity_type: str, entity_id: str) -> Sequence[TimelineEntry]:
    """Give all mail of an entity of the caller. Raises InvalidInputError for what is blank."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await conversations.timeline(caller, entity_type, entity_id)
