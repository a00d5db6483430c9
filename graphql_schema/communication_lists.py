from typing import Annotated

import strawberry

from app.documents import communications as documents
from graphql_schema.connections import After, Before, First, Last, connection
from graphql_schema.context import Info
from graphql_schema.limits import ListSize
from graphql_schema.resolvers import communication_lists as resolvers
from graphql_schema.types.communication_lists import CommunicationFilter
from graphql_schema.types.communications import Communication
from graphql_schema.types.connections import Connection
from graphql_schema.types.orders import CommunicationOrder

Filter = Annotated[
    CommunicationFilter | None,
    strawberry.argument(description="Which ones; all of them without it."),
]


async def _communications(  # noqa: PLR0917 - GraphQL gives arguments by name
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: Filter = None,
    order_by: Annotated[
        list[CommunicationOrder] | None,
        strawberry.argument(
            description=(
                "At most three fields; newest first without any. What is equal in them is ordered "
                "by its creation."
            )
        ),
    ] = None,
) -> Connection[Communication]:
    shown: Connection[Communication] = await connection(
        info, resolvers.communications, documents.Communication,
        first=first, after=after, last=last, before=before, filter=filter, order_by=order_by,
    )  # fmt: skip
    return shown


async def _scheduled(  # noqa: PLR0917 - GraphQL gives arguments by name
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: Filter = None,
) -> Connection[Communication]:
    shown: Connection[Communication] = await connection(
        info, resolvers.scheduled, documents.Communication,
        first=first, after=after, last=last, before=before, filter=filter,
    )  # fmt: skip
    return shown


@strawberry.type
class CommunicationListQuery:
    communications: Connection[Communication] = strawberry.field(
        directives=[ListSize(assumed_size=50)],
        resolver=_communications,
        description="The communications that match, part by part.",
    )
    scheduled: Connection[Communication] = strawberry.field(
        directives=[ListSize(assumed_size=50)],
        resolver=_scheduled,
        description="The communications that wait for their time, next first, part by part.",
    )
