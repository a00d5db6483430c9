"""Conversations as such: what each is about, who takes part, and its messages part by part."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from app.context import Caller
from app.documents import correspondence as documents
from app.documents.base import Filter
from app.documents.communications import Communication
from app.documents.correspondence import Hidden, Moment, Overview
from app.documents.fields import Kind
from app.documents.keyset import ID, Key, Listing, Position
from app.errors import NotFoundError
from app.mail.addresses import parse_mailbox
from app.services.connections import Edge, PartCommand, cursor_of, way_through

# What cursors are read and written by: both directions are one list.
_MESSAGES = Listing(Communication, [Key("date", Kind.INSTANT), ID], {})


@dataclass(frozen=True)
class MessageSlice:
    """A part of a conversation; `more` when messages stand behind its end, as it was asked for."""

    edges: Sequence[Edge[Moment]]
    more: bool


async def conversation_of(caller: Caller, id_: str) -> Overview:
    """Find the caller's conversation. Raises NotFoundError for one without a message."""
    found = await documents.overviews(caller.tenant, [id_])
    if id_ not in found:
        raise NotFoundError("No conversation has this id.")
    return found[id_]


async def overviews_of(caller: Caller, ids: Collection[str]) -> Mapping[str, Overview]:
    """Give the caller's conversations by their ids."""
    return await documents.overviews(caller.tenant, ids)


async def participants_of(caller: Caller, ids: Collection[str]) -> Mapping[str, list[str]]:
    """Give the addresses, in lower case, of who takes part in each, in order of appearance."""
    found = await documents.people(caller.tenant, ids)
    return {
        id_: list(dict.fromkeys(_address(text) for text in texts if text))
        for id_, texts in found.items()
    }


async def slices_of(
    caller: Caller, ids: Collection[str], command: PartCommand, *, hidden: Hidden | None = None
) -> dict[str, MessageSlice]:
    """Give a part of each conversation, oldest first.

    With `hidden`, what is not hidden of the messages is read along where that is one call: of one
    conversation, and without bodies. Raises InvalidInputError as `connections.part_of` does.
    """
    way = way_through(caller, _MESSAGES, command)
    ascending = command.last is None
    bounds = [
        *_bound(way.start, ascending=ascending, itself=False),
        *_bound(way.end, ascending=not ascending, itself=False),
    ]
    # MongoDB gives no less than one.
    limit = way.size + 1
    find: Callable[..., Awaitable[Mapping[str, list[Moment]]]] = documents.moments
    asked: Collection[str] | str = ids
    if hidden is not None and hidden.bodies and len(ids) == 1:
        find = partial(documents.moments_with_records, hidden=hidden)
        [asked] = ids
    found = await find(caller.tenant, asked, bounds, ascending=ascending, limit=limit)
    return {
        id_: MessageSlice(_edges(caller, some[: way.size], ascending), len(some) == limit)
        for id_, some in found.items()
    }


async def reached(
    caller: Caller, ids: Collection[str], command: PartCommand, *, ahead: bool
) -> dict[str, bool]:
    """Tell whether messages stand at the bound of a part or beyond it, `ahead` of it or behind."""
    way = way_through(caller, _MESSAGES, command)
    ascending = (command.last is None) is ahead
    bounds = _bound(way.end if ahead else way.start, ascending=ascending, itself=True)
    if not bounds:
        return {}
    found = await documents.moments(caller.tenant, ids, bounds, ascending=ascending, limit=1)
    return {id_: bool(some) for id_, some in found.items()}


def _bound(position: Position | None, *, ascending: bool, itself: bool) -> list[Filter]:
    if position is None:
        return []
    return [documents.behind(*position, ascending=ascending, itself=itself)]


def _edges(caller: Caller, moments: Sequence[Moment], ascending: bool) -> list[Edge[Moment]]:
    ordered = moments if ascending else moments[::-1]
    return [
        Edge(partial(cursor_of, caller, _MESSAGES, {"date": one.date, "_id": one.id}), one)
        for one in ordered
    ]


def _address(text: str) -> str:
    """The bare address; what cannot be read, as received mail may have it, as it stands."""
    try:
        return parse_mailbox(text).address.lower()
    except ValueError:
        return text
