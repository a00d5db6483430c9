from typing import Annotated

import strawberry

from app.documents import suppressions as documents
from app.services.suppressions import AddSuppression
from graphql_schema.connections import After, Before, First, Last, connection
from graphql_schema.context import Info
from graphql_schema.inputs import read_command
from graphql_schema.limits import ListSize
from graphql_schema.resolvers import suppressions as resolvers
from graphql_schema.types.connections import Connection
from graphql_schema.types.list_filters import SuppressionFilter
from graphql_schema.types.orders import SuppressionOrder
from graphql_schema.types.suppressions import AddSuppressionInput, Suppression


async def _suppressions(  # noqa: PLR0917 - GraphQL gives arguments by name
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: Annotated[
        SuppressionFilter | None,
        strawberry.argument(description="Which ones; all of them without it."),
    ] = None,
    order_by: Annotated[
        list[SuppressionOrder] | None,
        strawberry.argument(description="At most three fields; the latest first without any."),
    ] = None,
) -> Connection[Suppression]:
    shown: Connection[Suppression] = await connection(
        info, resolvers.suppressed, documents.Suppression,
        first=first, after=after, last=last, before=before, filter=filter, order_by=order_by,
    )  # fmt: skip
    return shown


async def _add(
    info: Info,
    input: Annotated[AddSuppressionInput, strawberry.argument(description="The address.")],
) -> Suppression:
    command = read_command(input, AddSuppression)
    return Suppression.of(await resolvers.add_suppression(info.context, command))


async def _remove(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="Id of the suppression.")],
) -> strawberry.ID:
    await resolvers.remove_suppression(info.context, id)
    return id


@strawberry.type
class SuppressionQuery:
    suppressions: Connection[Suppression] = strawberry.field(
        directives=[ListSize(assumed_size=50)],
        resolver=_suppressions,
        description="Addresses that get no mail any more, latest first.",
    )


@strawberry.type
class SuppressionMutation:
    add_suppression: Suppression = strawberry.mutation(
        resolver=_add,
        description="Send no mail to an address any more; one that is suppressed stays as it is.",
    )
    remove_suppression: strawberry.ID = strawberry.mutation(
        resolver=_remove, description="Let mail go to an address again."
    )
