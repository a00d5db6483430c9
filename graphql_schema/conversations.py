from typing import Annotated

import strawberry

from app.services.connections import PartCommand
from app.services.inputs import parse
from graphql_schema.connections import After, Before, First, Last, connection_of, needs_of
from graphql_schema.context import Info
from graphql_schema.ids import as_written
from graphql_schema.limits import ListSize
from graphql_schema.resolvers import conversations as resolvers
from graphql_schema.resolvers import correspondence
from graphql_schema.types.connections import Connection
from graphql_schema.types.conversations import Thread, TimelineEntry
from graphql_schema.types.correspondence import Conversation
from graphql_schema.types.safe_html import SAFE_FIELDS

_HEAVY = {
    "bodyHtml": ["bodyHtml", *SAFE_FIELDS],
    "bodyText": ["bodyText"],
    "clickedLinks": SAFE_FIELDS,
    "attachments": SAFE_FIELDS,
}


async def _thread(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="Id of one of its records.")],
) -> Thread:
    return Thread.of(await resolvers.thread(info.context, id))


async def _conversation(
    info: Info,
    id: Annotated[
        strawberry.ID,
        strawberry.argument(description="The `conversationId` of one of its messages."),
    ],
) -> Conversation | None:
    written = as_written(id)
    return Conversation.of(written, await correspondence.conversation(info.context, written))


async def _timeline(  # noqa: PLR0917 - GraphQL gives arguments by name
    info: Info,
    entity_type: Annotated[str, strawberry.argument(description="Kind of the CRM entity.")],
    entity_id: Annotated[str, strawberry.argument(description="Id of that entity.")],
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Connection[TimelineEntry]:
    asked = {"first": first, "after": after, "last": last, "before": before}
    command = parse(PartCommand, asked)
    needs = needs_of(info, _HEAVY)
    part = await resolvers.timeline_part(info.context, entity_type, entity_id, command, needs)
    return connection_of(part, TimelineEntry.of)


@strawberry.type
class ConversationQuery:
    conversation: Conversation | None = strawberry.field(
        resolver=_conversation, description="The conversation with this id."
    )
    thread: Thread = strawberry.field(
        resolver=_thread, description="The conversation that a communication is part of."
    )
    timeline: Connection[TimelineEntry] = strawberry.field(
        directives=[ListSize(assumed_size=50)],
        resolver=_timeline,
        description="All mail of a CRM entity, in both directions, newest first, part by part.",
    )
