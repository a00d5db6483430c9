"""The inbox: conversations as a list, and what people do to them."""

from typing import Annotated

import strawberry

from app.services.connections import ListCommand, Part
from app.services.conversation_changes import (
    AssignConversation,
    LinkConversation,
    MarkMessages,
    SplitConversation,
)
from app.services.inputs import parse
from graphql_schema.connections import (
    After,
    Before,
    First,
    Last,
    connection_of,
    needs_of,
    written,
)
from graphql_schema.context import Info
from graphql_schema.ids import as_written
from graphql_schema.inputs import read_command
from graphql_schema.limits import ListSize
from graphql_schema.resolvers import conversation_changes as resolvers
from graphql_schema.resolvers import correspondence
from graphql_schema.types.connections import Connection
from graphql_schema.types.conversation_filters import ConversationFilter, LinkConversationInput
from graphql_schema.types.correspondence import Conversation
from graphql_schema.types.enums import InboundStatus
from graphql_schema.types.inbound import InboundMessage
from graphql_schema.types.orders import ConversationOrder

ConversationId = Annotated[
    strawberry.ID, strawberry.argument(description="The `conversationId` of its messages.")
]


async def _conversations(  # noqa: PLR0917 - GraphQL gives arguments by name
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: Annotated[
        ConversationFilter | None,
        strawberry.argument(description="Which ones; all of them without it."),
    ] = None,
    order_by: Annotated[
        list[ConversationOrder] | None,
        strawberry.argument(description="The latest first without any."),
    ] = None,
) -> Connection[Conversation]:
    asked = {"first": first, "after": after, "last": last, "before": before}
    command = parse(ListCommand, {**asked, "filter": written(filter), "orderBy": written(order_by)})
    part = await resolvers.entries(info.context, command, needs_of(info, {}))
    ids = [entry.conversation_id for entry in part.nodes]
    overviews = await correspondence.overviews_of(info.context, ids) if ids else {}
    # One whose last message was deleted meanwhile is left out.
    edges = [
        edge.showing(Conversation.of(id_, overviews[id_]))
        for edge in part.edges
        if (id_ := edge.node.conversation_id) in overviews
    ]
    shown = Part(edges, part.has_next, part.has_previous, part.count)
    return connection_of(shown, lambda node: node)


async def _link(
    info: Info,
    id: ConversationId,
    input: Annotated[LinkConversationInput, strawberry.argument(description="The entity.")],
) -> Conversation:
    written_id, command = as_written(id), read_command(input, LinkConversation)
    return Conversation.of(written_id, await resolvers.link(info.context, written_id, command))


async def _merge(
    info: Info,
    id: ConversationId,
    into: Annotated[
        strawberry.ID, strawberry.argument(description="The conversation that is to have all.")
    ],
) -> Conversation:
    merged = await resolvers.merge(info.context, as_written(id), as_written(into))
    return Conversation.of(as_written(into), merged)


async def _split(
    info: Info,
    id: ConversationId,
    message_ids: Annotated[
        list[strawberry.ID],
        strawberry.argument(
            description="Ids of its messages, sent or received, 1 to 1,000; what answers them "
            "goes with them."
        ),
    ],
) -> Conversation:
    command = parse(SplitConversation, {"messageIds": message_ids})
    return Conversation.of(*await resolvers.split(info.context, as_written(id), command))


async def _assign(
    info: Info,
    id: ConversationId,
    assignee: Annotated[
        str | None,
        strawberry.argument(
            description="The user who sees to it, at most 200 characters; null for nobody."
        ),
    ],
) -> Conversation:
    command = parse(AssignConversation, {"assignee": assignee})
    written_id = as_written(id)
    return Conversation.of(written_id, await resolvers.assign(info.context, written_id, command))


async def _mark(
    info: Info,
    id: ConversationId,
    status: Annotated[
        InboundStatus, strawberry.argument(description="Of all its received messages.")
    ],
) -> Conversation:
    written_id = as_written(id)
    return Conversation.of(written_id, await resolvers.mark(info.context, written_id, status))


async def _mark_messages(
    info: Info,
    ids: Annotated[
        list[strawberry.ID],
        strawberry.argument(description="Ids of received messages, 1 to 1,000."),
    ],
    status: Annotated[InboundStatus, strawberry.argument(description="What was done with them.")],
) -> list[InboundMessage]:
    command = parse(MarkMessages, {"ids": ids, "status": status})
    marked = await resolvers.mark_messages(info.context, command)
    return [InboundMessage.of(message) for message in marked]


@strawberry.type
class InboxQuery:
    conversations: Connection[Conversation] = strawberry.field(
        directives=[ListSize(assumed_size=50)],
        resolver=_conversations,
        description=(
            "Conversations in which something was received, as an inbox shows them: that with the "
            "latest first."
        ),
    )


@strawberry.type
class ConversationMutation:
    link_conversation: Conversation = strawberry.mutation(
        resolver=_link,
        description="Let a conversation belong to a CRM entity, with all that is still to come.",
    )
    merge_conversations: Conversation = strawberry.mutation(
        resolver=_merge, description="Let all messages of a conversation be part of another."
    )
    split_conversation: Conversation = strawberry.mutation(
        resolver=_split,
        description=(
            "Let messages of a conversation begin one of their own; no later answer joins them "
            "again."
        ),
    )
    assign_conversation: Conversation = strawberry.mutation(
        resolver=_assign, description="Say who sees to a conversation in which something came in."
    )
    mark_conversation: Conversation = strawberry.mutation(
        resolver=_mark, description="Mark all that was received in a conversation, e.g. as read."
    )
    mark_inbound_messages: list[InboundMessage] = strawberry.mutation(
        resolver=_mark_messages,
        description="Mark received messages, e.g. as read; ids that are unknown are passed over.",
    )
