from collections.abc import AsyncIterator, Mapping
from typing import Annotated, TypeVar

import strawberry
from strawberry.scalars import JSON

from app.documents.volume import counted
from app.errors import InvalidInputError
from app.services.inputs import parse
from app.services.paging import PageCommand
from app.services.search import SearchCommunications
from graphql_schema.context import Info
from graphql_schema.limits import ListSize
from graphql_schema.resolvers import search as resolvers
from graphql_schema.types.communications import Communication
from graphql_schema.types.pages import CommunicationPage, SortInput, communication_of

# One answer is held in memory whole; the REST routes stream what is longer.
ANSWER_LIMIT = 10_000

Item = TypeVar("Item")
PageNumber = Annotated[
    int | None, strawberry.argument(description="Number of the page, from 0; 0 without it.")
]
PageSize = Annotated[
    int | None,
    strawberry.argument(description="Records on a page, at most 2000; 20 without it."),
]


async def _communications_by_ids(
    info: Info,
    ids: Annotated[list[strawberry.ID], strawberry.argument(description="At most 10,000 ids.")],
) -> list[Communication]:
    rows = await resolvers.communications_by_ids(info.context, ids)
    return [communication_of(row) async for row in rows]


async def _all_communications(info: Info) -> list[Communication]:
    rows = await collected(await resolvers.all_communications(info.context))
    return [communication_of(row) for row in rows]


async def _communications_page(  # noqa: PLR0917 - GraphQL gives arguments by name
    info: Info,
    page: PageNumber = None,
    size: PageSize = None,
    filters: Annotated[
        JSON | None,
        strawberry.argument(
            description=(
                "An object of documented field names, e.g. `clickedLinks.url` or "
                "`variables.NAME`. A value means equal, null missing, a list any of; an object "
                "may have gte, lte, gt, lt, ne, contains and in."
            )
        ),
    ] = None,
    search: Annotated[
        list[str] | None,
        strawberry.argument(
            description=(
                "Texts that must all be found in subject, body, sender or recipients, in any case."
            )
        ),
    ] = None,
    sort: Annotated[
        list[SortInput] | None,
        strawberry.argument(description="Fields to sort by; newest first without any."),
    ] = None,
) -> CommunicationPage:
    asked = {
        "page": page,
        "size": size,
        "filters": filters,
        "search": search,
        "sort": None if sort is None else [strawberry.asdict(field) for field in sort],
    }
    command = parse(SearchCommunications, asked)
    return CommunicationPage.of(await resolvers.communications_page(info.context, command))


async def _communications_csv(info: Info, page: PageNumber = None, size: PageSize = None) -> str:
    command = parse(PageCommand, {"page": page, "size": size})
    lines = await resolvers.communications_csv(info.context, command)
    return "".join(await collected(lines, header=1))


async def collected(items: AsyncIterator[Item], *, header: int = 0) -> list[Item]:
    """Wait for all of them. Raises InvalidInputError when they are too many for one answer."""
    found: list[Item] = []
    async for item in items:
        if len(found) == ANSWER_LIMIT + header:
            raise InvalidInputError(
                f"There are more than {ANSWER_LIMIT} records: ask for them page by page."
            )
        found.append(counted(item) if isinstance(item, Mapping) else item)
    return found


@strawberry.type
class SearchQuery:
    communications_by_ids: list[Communication] = strawberry.field(
        directives=[ListSize(assumed_size=100)],
        resolver=_communications_by_ids,
        description="The communications with these ids, in their order; unknown ids are left out.",
    )
    all_communications: list[Communication] = strawberry.field(
        directives=[ListSize(assumed_size=10_000)],
        resolver=_all_communications,
        description="All communications, newest first; refused when there are more than 10,000.",
    )
    communications_page: CommunicationPage = strawberry.field(
        directives=[ListSize(assumed_size=20)],
        resolver=_communications_page,
        description="One page of the communications that match, newest first unless sorted.",
    )
    communications_csv: str = strawberry.field(
        directives=[ListSize(assumed_size=10_000)],
        resolver=_communications_csv,
        description=(
            "Communications as CSV (RFC 4180), newest first; without page and size all of them, "
            "refused when there are more than 10,000."
        ),
    )
