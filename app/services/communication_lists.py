"""Communications as lists without end: filtered, ordered, and read part by part."""

from app.context import Caller
from app.documents.catalogues import COMMUNICATIONS
from app.documents.communications import Communication
from app.documents.vocabulary import CommunicationStatus, OrderDirection
from app.services.connections import EVERYTHING, ListCommand, Needs, OrderBy, Part, listed


async def communications_of(
    caller: Caller, command: ListCommand, needs: Needs = EVERYTHING
) -> Part[Communication]:
    """Give a part of the caller's records, newest first unless an order is named; as `listed`."""
    return await listed(caller, COMMUNICATIONS, command, needs)


async def waiting_of(
    caller: Caller, command: ListCommand, needs: Needs = EVERYTHING
) -> Part[Communication]:
    """Give a part of the caller's mail that waits for its time, next first whatever is asked."""
    next_first = [OrderBy(field="SCHEDULED_AT", direction=OrderDirection.ASC)]
    command = command.model_copy(update={"order_by": next_first})
    waiting = {"status": CommunicationStatus.SCHEDULED}
    return await listed(caller, COMMUNICATIONS, command, needs, within=waiting)
