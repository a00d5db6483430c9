from typing import Annotated

import strawberry

from graphql_schema.context import Info
from graphql_schema.limits import ListSize
from graphql_schema.resolvers import conversations as resolvers
from graphql_schema.types.conversations import Thread, TimelineEntry


async def _thread(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="Id of one of its records.")],
) -> Thread:
    return Thread.of(await resolvers.thread(info.context, id))


async def _timeline(
    info: Info,
    entity_type: Annotated[str, strawberry.argument(description="Kind of the CRM entity.")],
    entity_id: Annotated[str, strawberry.argument(description="Id of that entity.")],
) -> list[TimelineEntry]:
    entries = await resolvers.timeline(info.context, entity_type, entity_id)
    return [TimelineEntry.of(entry) for entry in entries]


@strawberry.type
class ConversationQuery:
    thread: Thread = strawberry.field(
        resolver=_thread, description="The conversation that a communication is part of."
    )
    timeline: list[TimelineEntry] = strawberry.field(
        directives=[ListSize(assumed_size=1_000)],
        resolver=_timeline,
        description=(
            "All mail of a CRM entity, newest first; of each direction at most the latest 2000."
        ),
    )
