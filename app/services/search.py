"""Finding communications: by id, by what they hold, page by page or all of them."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

from pydantic import Field, StrictBool

from app.context import Caller
from app.documents import listing
from app.documents.criteria import matching
from app.documents.fields import SORTABLE
from app.documents.fields import Field as DocumentedField
from app.documents.listing import Row
from app.errors import FieldError, InvalidInputError
from app.mail.search_text import folded
from app.services.filters import read_filters
from app.services.inputs import Command, storable
from app.services.paging import Page, PageCommand, counted_by

IDS_LIMIT = 10_000
TERMS_LIMIT = 20
SORTS_LIMIT = 100
TERM_LENGTH = 200

Term = Annotated[str, Field(max_length=TERM_LENGTH)]


class SortField(Command):
    """The contract's SortField; it ascends unless it says otherwise."""

    field: str
    ascending: StrictBool | None = None


class SearchCommunications(PageCommand):
    """The contract's DynamicSearch."""

    filters: dict[str, Any] | None = None
    search: Annotated[list[Term], Field(max_length=TERMS_LIMIT)] | None = None
    sort: Annotated[list[SortField], Field(max_length=SORTS_LIMIT)] | None = None


async def search(caller: Caller, command: SearchCommunications) -> Page[Row]:
    """Find the page of the caller's records that match, newest first unless an order is named.

    Raises InvalidInputError for filters, terms and sort fields that are not allowed.
    """
    order = _order(command.sort or ())
    criteria = matching(read_filters(command.filters or {}), _terms(command.search or ()))
    window = command.window
    rows = await listing.page(caller.tenant, criteria, order, skip=window.offset, limit=window.size)
    # One after the other: a page that is not full spares a search for few its second scan.
    counted = counted_by(rows, window)
    if counted is None:
        counted = await listing.count(caller.tenant, criteria)
    return Page.of(rows, window, counted, ordered=bool(order))


def everything(caller: Caller) -> AsyncIterator[Row]:
    """Give all of the caller's records, newest first."""
    return listing.stream(caller.tenant, {}, ())


def window_of(caller: Caller, command: PageCommand) -> AsyncIterator[Row]:
    """Give one page of the caller's records, newest first; all of them when none is named."""
    if not command.given:
        return everything(caller)
    window = command.window
    return listing.stream(caller.tenant, {}, (), skip=window.offset, limit=window.size)


def by_ids(caller: Caller, ids: Sequence[str]) -> AsyncIterator[Row]:
    """Give the caller's records with these ids, in that order; unknown ones are left out.

    Raises InvalidInputError for more than 10,000.
    """
    if len(ids) > IDS_LIMIT:
        raise InvalidInputError.of(FieldError("ids", f"must have at most {IDS_LIMIT} entries"))
    return listing.by_ids(caller.tenant, ids)


def _terms(terms: Sequence[str]) -> list[str]:
    try:
        found = [folded(storable(term)) for term in terms]
    except ValueError as error:
        raise InvalidInputError.of(FieldError("search", str(error))) from error
    return [term for term in found if term]


def _order(sorts: Sequence[SortField]) -> list[tuple[DocumentedField, bool]]:
    """Read each field once; the first that names it holds, as further ones change nothing."""
    order: dict[str, tuple[DocumentedField, bool]] = {}
    for sort in sorts:
        if sort.field not in SORTABLE:
            reason = f"is no field to sort by; allowed are {', '.join(SORTABLE)}"
            shown = sort.field[:100].encode(errors="replace").decode()
            raise InvalidInputError.of(FieldError(f"sort.{shown}", reason))
        order.setdefault(sort.field, (SORTABLE[sort.field], sort.ascending is not False))
    return list(order.values())
