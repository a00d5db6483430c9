from typing import Annotated

import strawberry

from app.services.inputs import parse
from app.services.suppressions import AddSuppression, ListSuppressions
from graphql_schema.context import Info
from graphql_schema.inputs import read_command
from graphql_schema.limits import ListSize
from graphql_schema.resolvers import suppressions as resolvers
from graphql_schema.types.suppressions import AddSuppressionInput, Suppression, SuppressionPage


async def _suppressions(
    info: Info,
    search: Annotated[
        str | None, strawberry.argument(description="Only addresses that have this in them.")
    ] = None,
    limit: Annotated[int, strawberry.argument(description="How many at most: 1 to 200.")] = 50,
    offset: Annotated[
        int, strawberry.argument(description="How many to pass over: 0 to 1,000,000.")
    ] = 0,
) -> SuppressionPage:
    command = parse(ListSuppressions, {"search": search, "limit": limit, "offset": offset})
    found, total = await resolvers.suppressed(info.context, command)
    return SuppressionPage(
        content=[Suppression.of(suppression) for suppression in found], total_elements=total
    )


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
    suppressions: SuppressionPage = strawberry.field(
        directives=[ListSize(assumed_size=20)],
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
