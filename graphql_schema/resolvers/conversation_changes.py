"""What callers may do to conversations: who may, then one call."""

from collections.abc import Collection, Mapping

from app.context import Context, Scope
from app.documents.correspondence import Overview
from app.documents.inbound_messages import InboundMessage
from app.documents.inbox import InboxEntry
from app.documents.vocabulary import InboundStatus
from app.services import conversation_changes, correspondence
from app.services.connections import ListCommand, Needs, Part
from app.services.conversation_changes import (
    AssignConversation,
    LinkConversation,
    MarkMessages,
    SplitConversation,
)


async def entries(context: Context, command: ListCommand, needs: Needs) -> Part[InboxEntry]:
    """Give a part of the caller's inbox; as `entries_of`."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await conversation_changes.entries_of(caller, command, needs)


async def entries_with_ids(context: Context, ids: Collection[str]) -> Mapping[str, InboxEntry]:
    """Give the entries of the caller's conversations, by the ids of these."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await conversation_changes.entries_with_ids(caller, ids)


async def link(context: Context, id_: str, command: LinkConversation) -> Overview:
    """Link the caller's conversation; as `conversation_changes.link`."""
    caller = context.require(Scope.COMMUNICATIONS_WRITE)
    await conversation_changes.link(context.deps, caller, id_, command)
    return await correspondence.conversation_of(caller, id_)


async def merge(context: Context, id_: str, into: str) -> Overview:
    """Merge the caller's conversations; as `conversation_changes.merge`."""
    caller = context.require(Scope.COMMUNICATIONS_WRITE)
    await conversation_changes.merge(context.deps, caller, id_, into)
    return await correspondence.conversation_of(caller, into)


async def split(context: Context, id_: str, command: SplitConversation) -> tuple[str, Overview]:
    """Split the caller's conversation; as `conversation_changes.split`; its id, too."""
    caller = context.require(Scope.COMMUNICATIONS_WRITE)
    own = await conversation_changes.split(context.deps, caller, id_, command)
    return own, await correspondence.conversation_of(caller, own)


async def assign(context: Context, id_: str, command: AssignConversation) -> Overview:
    """Assign the caller's conversation; as `conversation_changes.assign`."""
    caller = context.require(Scope.COMMUNICATIONS_WRITE)
    await conversation_changes.assign(context.deps, caller, id_, command)
    return await correspondence.conversation_of(caller, id_)


async def mark(context: Context, id_: str, status: InboundStatus) -> Overview:
    """Mark what came in the caller's conversation; as `conversation_changes.mark`."""
    caller = context.require(Scope.COMMUNICATIONS_WRITE)
    await conversation_changes.mark(context.deps, caller, id_, status)
    return await correspondence.conversation_of(caller, id_)


async def mark_messages(context: Context, command: MarkMessages) -> list[InboundMessage]:
    """Mark messages that the caller received; as `conversation_changes.mark_messages`."""
    caller = context.require(Scope.COMMUNICATIONS_WRITE)
    return await conversation_changes.mark_messages(context.deps, caller, command)
