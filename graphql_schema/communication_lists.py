from typing import Annotated

import strawberry

from app.documents.communication_lists import HEAVY
from app.services.communication_lists import ListCommunications
from app.services.inputs import parse
from graphql_schema.connections import (
    After,
    Before,
    First,
    Last,
    connection_of,
    wants_nodes,
    written,
)
from graphql_schema.context import Info
from graphql_schema.resolvers import communication_lists as resolvers
from graphql_schema.selections import selected_names
from graphql_schema.types.communication_lists import CommunicationFilter, CommunicationOrder
from graphql_schema.types.communications import Communication
from graphql_schema.types.connections import Connection


async def _communications(  # noqa: PLR0917 - GraphQL gives arguments by name
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: Annotated[
        CommunicationFilter | None,
        strawberry.argument(description="Which ones; all of them without it."),
    ] = None,
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
    asked = {"first": first, "after": after, "last": last, "before": before}
    command = parse(
        ListCommunications, {**asked, "filter": written(filter), "orderBy": written(order_by)}
    )
    part = await resolvers.communications(
        info.context, command, without=HEAVY - selected_names(info), wanted=wants_nodes(info)
    )
    return connection_of(part, Communication.of)


@strawberry.type
class CommunicationListQuery:
    communications: Connection[Communication] = strawberry.field(
        resolver=_communications, description="The communications that match, part by part."
    )
