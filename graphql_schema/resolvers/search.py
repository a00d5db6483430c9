"""Who may find communications. What can be long is given row by row, for each door to shape."""

from collections.abc import AsyncIterator, Sequence

from app.context import Context, Scope
from app.documents.listing import Row
from app.services import export, search
from app.services.paging import Page, PageCommand
from app.services.search import SearchCommunications


async def communications_by_ids(context: Context, ids: Sequence[str]) -> AsyncIterator[Row]:
    """Give the caller's records in the order of `ids`, unknown ones left out.

    Raises InvalidInputError for more than 10,000.
    """
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return search.by_ids(caller, ids)


async def all_communications(context: Context) -> AsyncIterator[Row]:
    """Give all of the caller's records, newest first."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return search.everything(caller)


async def communications_page(context: Context, command: SearchCommunications) -> Page[Row]:
    """Find a page of the caller's records. Raises InvalidInputError for what is not allowed."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await search.search(caller, command)


async def communications_csv(context: Context, command: PageCommand) -> AsyncIterator[str]:
    """Give the caller's records as lines of CSV, all of them unless a page is named."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return export.csv_lines(search.window_of(caller, command))
