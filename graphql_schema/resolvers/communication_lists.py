"""Who may list communications: who may, then one call."""

from app.context import Context, Scope
from app.documents.communications import Communication
from app.services import communication_lists
from app.services.communication_lists import ListCommunications
from app.services.connections import Part


async def communications(
    context: Context,
    command: ListCommunications,
    *,
    without: frozenset[str] = frozenset(),
    wanted: bool = True,
) -> Part[Communication]:
    """Give a part of the caller's records. Raises what `communications_of` raises."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await communication_lists.communications_of(
        caller, command, without=without, wanted=wanted
    )
