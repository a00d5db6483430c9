from typing import Self

import strawberry

from app.documents import communications as documents
from app.documents.listing import Row
from app.documents.views import as_document
from app.services.paging import Page
from graphql_schema.types.communications import Communication


@strawberry.input(description="A field to sort by.")
class SortInput:
    field: str = strawberry.field(description="Its documented name, e.g. `sentAt`.")
    ascending: bool | None = strawberry.field(
        default=None, description="Whether the least comes first; true without it."
    )


@strawberry.type(description="One page of a table of communications.")
class CommunicationPage:
    content: list[Communication] = strawberry.field(description="The records of this page.")
    number: int = strawberry.field(description="The page's number, from 0.")
    size: int = strawberry.field(description="How many records make a page.")
    total_elements: int = strawberry.field(description="How many records there are in all.")
    total_pages: int = strawberry.field(description="How many pages they make.")
    first: bool = strawberry.field(description="Whether no page is before this one.")
    last: bool = strawberry.field(description="Whether no page is behind this one.")
    number_of_elements: int = strawberry.field(description="How many records are on this page.")
    empty: bool = strawberry.field(description="Whether this page has none.")

    @classmethod
    def of(cls, page: Page[Row]) -> Self:
        return cls(
            content=[communication_of(row) for row in page.content],
            number=page.window.number,
            size=page.window.size,
            total_elements=page.total_elements,
            total_pages=page.total_pages,
            first=page.first,
            last=page.last,
            number_of_elements=page.number_of_elements,
            empty=page.empty,
        )


def communication_of(row: Row) -> Communication:
    """Show a stored row as a Communication."""
    return Communication.of(as_document(documents.Communication, row))
