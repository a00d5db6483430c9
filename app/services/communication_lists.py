"""Communications as lists without end: filtered, ordered, and read part by part."""

from collections.abc import Collection

from app.context import Caller
from app.documents.catalogues import COMMUNICATIONS
from app.documents.communications import Communication
from app.documents.vocabulary import CommunicationStatus, OrderDirection
from app.services.connections import ListCommand, OrderBy, Part, listed


async def communications_of(
    caller: Caller, command: ListCommand, *, without: Collection[str] = (), wanted: bool = True
) -> Part[Communication]:
    """Give a part of the caller's records, newest first unless an order is named.

    Options and errors are those of `connections.listed`.
    """
    return await listed(caller, COMMUNICATIONS, command, without=without, wanted=wanted)


async def waiting_of(
    caller: Caller, command: ListCommand, *, without: Collection[str] = (), wanted: bool = True
) -> Part[Communication]:
    """Give a part of the caller's mail that waits for its time, next first whatever is asked.

    Otherwise as `communications_of`.
    """
    next_first = [OrderBy(field="SCHEDULED_AT", direction=OrderDirection.ASC)]
    return await listed(
        caller,
        COMMUNICATIONS,
        command.model_copy(update={"order_by": next_first}),
        within={"status": CommunicationStatus.SCHEDULED},
        without=without,
        wanted=wanted,
    )
