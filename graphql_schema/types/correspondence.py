"""Conversations as GraphQL shows them: both directions as one list."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Self

import strawberry

from app.documents import communications, inbound_messages
from app.documents.base import TenantDocument
from app.documents.correspondence import Hidden, Moment, Overview
from app.documents.inbox import InboxEntry
from app.services.connections import Part, PartCommand
from app.services.correspondence import MessageSlice
from graphql_schema.connections import After, Before, Last, connection_of, needs_of
from graphql_schema.context import Info
from graphql_schema.limits import ListSize
from graphql_schema.links import NESTED_SIZE, First, part_command, record, unasked_of
from graphql_schema.resolvers import correspondence as resolvers
from graphql_schema.resolvers.conversation_changes import entries_with_ids
from graphql_schema.types.connections import Connection
from graphql_schema.types.nodes import KINDS

if TYPE_CHECKING:
    from graphql_schema.types.communications import Communication
    from graphql_schema.types.inbound import InboundMessage

_SentMail = Annotated["Communication", strawberry.lazy("graphql_schema.types.communications")]
_ReceivedMail = Annotated["InboundMessage", strawberry.lazy("graphql_schema.types.inbound")]
ConversationMessage = Annotated[
    _SentMail | _ReceivedMail,
    strawberry.union(
        "ConversationMessage", description="A message of a conversation, sent or received."
    ),
]


Paths = Sequence[Sequence[str]]
_NODES: Paths = (("edges", "node"), ("nodes",))
_SENT: Paths = (("outbound",),)
_RECEIVED: Paths = (("inbound",),)


async def _participants(root: "Conversation", info: Info) -> list[str]:
    return await info.context.loaders.load(resolvers.participants_of, root.id) or []


async def _entry(root: "Conversation", info: Info) -> InboxEntry | None:
    return await info.context.loaders.load(entries_with_ids, root.id)


async def _unread(root: "Conversation", info: Info) -> int:
    entry = await _entry(root, info)
    return 0 if entry is None else entry.unread


async def _assignee(root: "Conversation", info: Info) -> str | None:
    entry = await _entry(root, info)
    return None if entry is None else entry.assignee


async def _entity_type(root: "Conversation", info: Info) -> str | None:
    entry = await _entry(root, info)
    return None if entry is None else entry.related_entity_type


async def _entity_id(root: "Conversation", info: Info) -> str | None:
    entry = await _entry(root, info)
    return None if entry is None else entry.related_entity_id


async def _messages(  # noqa: PLR0917 - GraphQL gives arguments by name
    root: "Conversation",
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Any:
    command = part_command(first=first, after=after, last=last, before=before)
    part = await _part(root, info, command)
    return connection_of(part, lambda shown: shown)


async def _part(root: "Conversation", info: Info, command: PartCommand) -> Part[Any]:
    load = info.context.loaders.load
    found: MessageSlice | None = None
    if needs_of(info, {}).nodes:
        hidden = _hidden(info, sent=_NODES, received=_NODES)
        found = await load(resolvers.slices_of, root.id, command, hidden=hidden)
    edges, more = ([], False) if found is None else (found.edges, found.more)
    shown = await _shown(info, [edge.node for edge in edges], _NODES)

    async def beyond(*, ahead: bool) -> bool:
        if ahead and more:
            return True
        return bool(await load(resolvers.reached, root.id, command, ahead=ahead))

    async def count() -> int:
        return root.outbound_count + root.inbound_count

    forward, backward = partial(beyond, ahead=True), partial(beyond, ahead=False)
    if command.last is not None:
        forward, backward = backward, forward
    nodes = [
        # One that was deleted meanwhile is left out.
        edge.showing(node)
        for edge, node in zip(edges, shown, strict=True)
        if node is not None
    ]
    return Part(nodes, has_next=forward, has_previous=backward, count=count)


def _hidden(info: Info, *, sent: Paths, received: Paths) -> Hidden:
    """Tell what is not read of messages that are shown at these paths below a field."""
    return Hidden(
        unasked_of(info, communications.Communication, sent),
        unasked_of(info, inbound_messages.InboundMessage, received),
    )


async def _shown(info: Info, moments: Sequence[Moment], paths: Paths) -> Sequence[Any]:
    if all(one.record is not None for one in moments):
        return [KINDS[_document_of(one)].show(one.record) for one in moments]
    return await asyncio.gather(
        *(record(info, _document_of(one), str(one.id), paths) for one in moments)
    )


def _document_of(moment: Moment) -> type[TenantDocument]:
    return communications.Communication if moment.sent else inbound_messages.InboundMessage


@strawberry.type(description="Mail that was sent and received, each in answer to another.")
class Conversation:
    id: strawberry.ID = strawberry.field(
        description="Id of the conversation: the `conversationId` of its messages."
    )
    subject: str | None = strawberry.field(description="The subject line of its first message.")
    outbound_count: int = strawberry.field(description="How many messages were sent, or are to be.")
    inbound_count: int = strawberry.field(description="How many messages were received.")
    started: datetime = strawberry.field(description="The first message.")
    latest_activity: datetime = strawberry.field(description="When one was last sent or received.")
    unread_count: int = strawberry.field(
        resolver=_unread, description="How many received messages are NEW."
    )
    assignee: str | None = strawberry.field(
        resolver=_assignee, description="The user who sees to it."
    )
    related_entity_type: str | None = strawberry.field(
        resolver=_entity_type,
        description="Kind of the CRM entity that the latest received message belongs to.",
    )
    related_entity_id: str | None = strawberry.field(
        resolver=_entity_id, description="Id of that entity."
    )
    participants: list[str] = strawberry.field(
        resolver=_participants,
        description=(
            "Addresses of who wrote and who was written to, in lower case and order of "
            "appearance; at most 100, blind recipients and members of lists not among them."
        ),
        directives=[ListSize(assumed_size=5)],
    )
    messages: Connection[ConversationMessage] = strawberry.field(
        resolver=_messages,
        description=(
            "Its messages, oldest first: by when they were received or sent, else are to be sent."
        ),
        directives=[ListSize(assumed_size=NESTED_SIZE)],
    )

    @classmethod
    def of(cls, id_: str, overview: Overview) -> Self:
        return cls(
            id=strawberry.ID(id_),
            subject=overview.subject,
            outbound_count=overview.outbound,
            inbound_count=overview.inbound,
            started=overview.started,
            latest_activity=overview.latest,
        )


@dataclass(frozen=True)
class _Thread:
    inbound: Sequence[Any]
    outbound: Sequence[Any]


async def conversation_of(root: Any, info: Info) -> Conversation | None:
    """Show the conversation that a message is part of."""
    overview = await info.context.loaders.load(resolvers.overviews_of, root.conversation_id)
    return None if overview is None else Conversation.of(root.conversation_id, overview)


async def thread_of(
    root: Any,
    info: Info,
    last: Annotated[
        int, strawberry.argument(description="How many messages at most, the latest: 0 to 200.")
    ] = NESTED_SIZE,
) -> Any:
    """Show the latest messages of the conversation that a message is part of."""
    command = part_command(last=last)
    hidden = _hidden(info, sent=_SENT, received=_RECEIVED)
    load = info.context.loaders.load
    found = await load(resolvers.slices_of, root.conversation_id, command, hidden=hidden)
    moments = [] if found is None else [edge.node for edge in found.edges]
    # At the same time, so that those of other records are asked for with them.
    inbound, outbound = await asyncio.gather(
        _shown(info, [one for one in moments if not one.sent], _RECEIVED),
        _shown(info, [one for one in moments if one.sent], _SENT),
    )
    return _Thread([one for one in inbound if one], [one for one in outbound if one])
