"""Who may list communications: who may, then one call."""

from app.context import Context, Scope
from app.documents.communications import Communication
from app.services import communication_lists
from app.services.connections import ListCommand, Needs, Part


async def communications(
    context: Context, command: ListCommand, needs: Needs
) -> Part[Communication]:
    """Give a part of the caller's records; as `communications_of`."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await communication_lists.communications_of(caller, command, needs)


async def scheduled(context: Context, command: ListCommand, needs: Needs) -> Part[Communication]:
    """Give a part of the caller's mail that waits for its time; as `waiting_of`."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await communication_lists.waiting_of(caller, command, needs)
