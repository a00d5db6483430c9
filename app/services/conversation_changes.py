"""What people do to conversations: link, merge, split, assign them and mark them as read."""

from collections.abc import Collection, Mapping
from typing import Annotated
from uuid import uuid4

from pydantic import Field

from app.context import Caller, Deps
from app.documents import conversation_changes as documents
from app.documents import inbox_counts, standings
from app.documents.base import object_ids_of
from app.documents.catalogues import INBOX
from app.documents.communications import Event
from app.documents.inbound_messages import InboundMessage
from app.documents.inbox import InboxEntry
from app.documents.turns import turn
from app.documents.vocabulary import EventType, InboundStatus
from app.errors import FieldError, InvalidInputError, NotFoundError
from app.services.connections import EVERYTHING, ListCommand, Needs, Part, listed
from app.services.inputs import Command, Name, OptionalLine

IDS_LIMIT = 1000
# Messages that a sweep has counted.
_AT_ONCE = 10_000
# Characters of an id that the audit trail repeats.
_DESCRIBED = 500


class LinkConversation(Command):
    """The CRM entity; null for both, or neither, takes the link away."""

    entity_type: OptionalLine = None
    entity_id: OptionalLine = None


class SplitConversation(Command):
    message_ids: Annotated[list[str], Field(min_length=1, max_length=IDS_LIMIT)]


class AssignConversation(Command):
    assignee: Annotated[Name | None, Field()] = None


class MarkMessages(Command):
    ids: Annotated[list[str], Field(min_length=1, max_length=IDS_LIMIT)]
    status: InboundStatus


async def entries_of(
    caller: Caller, command: ListCommand, needs: Needs = EVERYTHING
) -> Part[InboxEntry]:
    """Give a part of the caller's inbox, the latest first unless an order is named."""
    return await listed(caller, INBOX, command, needs)


async def entries_with_ids(caller: Caller, ids: Collection[str]) -> Mapping[str, InboxEntry]:
    """Give the entries of the caller's conversations, by the ids of these."""
    return await InboxEntry.of_conversations(caller.tenant, list(ids))


async def link(deps: Deps, caller: Caller, id_: str, command: LinkConversation) -> None:
    """Let a conversation belong to a CRM entity, with all that is still to come in it.

    Raises NotFoundError, and InvalidInputError for half an entity.
    """
    entity_type, entity_id = command.entity_type, command.entity_id
    if (entity_type is None) is not (entity_id is None):
        name = "entityType" if entity_type is None else "entityId"
        raise InvalidInputError.of(FieldError(name, "is required where the other is given"))
    entity = None if entity_type is None or entity_id is None else (entity_type, entity_id)
    words = "linked to nothing" if entity is None else f"linked to {entity[0]} {entity[1]}"
    await _check(caller, id_)
    async with turn(caller.tenant, "inbound"):
        await standings.note_link(caller.tenant, id_, entity, now=deps.now())
        await documents.link(caller.tenant, id_, entity, _event(deps, caller, words))
        await _count(deps, caller, id_)


async def merge(deps: Deps, caller: Caller, id_: str, into: str) -> None:
    """Let all messages of a conversation be part of another; who sees to that one stays.

    Raises NotFoundError, and InvalidInputError for a conversation and itself.
    """
    if id_ == into:
        raise InvalidInputError.of(FieldError("into", "must be another conversation"))
    await _check(caller, id_)
    await _check(caller, into)
    async with turn(caller.tenant, "inbound"):
        event = _event(deps, caller, f"merged into conversation {into}"[:_DESCRIBED])
        await documents.move(caller.tenant, id_, into, event)
        await standings.note_move(caller.tenant, id_, into, now=deps.now())
        await _count(deps, caller, id_, into)


async def split(deps: Deps, caller: Caller, id_: str, command: SplitConversation) -> str:
    """Let messages, and what answers them, be a conversation of their own; its id.

    No later answer joins them again. Raises NotFoundError, and InvalidInputError that names each
    message that is none of the conversation.
    """
    await _check(caller, id_)
    ids = command.message_ids
    known = await documents.members(caller.tenant, id_, ids)
    if faults := [
        FieldError(f"messageIds[{number}]", "is no message of this conversation")
        for number, one in enumerate(ids)
        if one not in known
    ]:
        raise InvalidInputError.of(*faults)
    own = uuid4().hex
    event = _event(deps, caller, f"split from conversation {id_}"[:_DESCRIBED])
    async with turn(caller.tenant, "inbound"):
        taken = await documents.following(caller.tenant, id_, [*object_ids_of(ids).values()])
        await documents.split(caller.tenant, id_, taken, own, event)
        await _count(deps, caller, id_, own)
    return own


async def assign(deps: Deps, caller: Caller, id_: str, command: AssignConversation) -> None:
    """Say who sees to a conversation in which something was received. Raises NotFoundError."""
    found = await InboxEntry.assign(caller.tenant, id_, command.assignee, now=deps.now())
    if found is None:
        raise NotFoundError("No conversation with received mail has this id.")


async def mark(deps: Deps, caller: Caller, id_: str, status: InboundStatus) -> None:
    """Give all received messages of a conversation a status. Raises NotFoundError."""
    await _check(caller, id_)
    await documents.mark(
        caller.tenant, {"conversationId": id_}, status, _event(deps, caller, f"marked {status}")
    )
    await _count(deps, caller, id_)


async def mark_messages(deps: Deps, caller: Caller, command: MarkMessages) -> list[InboundMessage]:
    """Give received messages a status; those with the ids, in their order, others passed over."""
    ids = object_ids_of(command.ids)
    touched = await documents.mark(
        caller.tenant,
        {"_id": {"$in": list(ids.values())}},
        command.status,
        _event(deps, caller, f"marked {command.status}"),
    )
    await _count(deps, caller, *touched)
    found = await InboundMessage.with_ids(caller.tenant, command.ids)
    return [found[id_] for id_ in dict.fromkeys(command.ids) if id_ in found]


async def _check(caller: Caller, id_: str) -> None:
    if not await documents.exists(caller.tenant, id_):
        raise NotFoundError("No conversation has this id.")


async def _count(deps: Deps, caller: Caller, *ids: str) -> None:
    await deps.gathered.count_inbox(caller.tenant, ids, now=deps.now())


async def count_forgotten(deps: Deps) -> None:
    """Count in the inbox what was cut off before it was counted."""
    for tenant, ids in (await inbox_counts.forgotten(now=deps.now(), limit=_AT_ONCE)).items():
        await deps.gathered.count_inbox(tenant, ids, now=deps.now())


def _event(deps: Deps, caller: Caller, words: str) -> Event:
    return Event(type=EventType.UPDATE, date=deps.now(), author_id=caller.user, description=words)
