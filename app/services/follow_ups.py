"""Follow-ups that a reply makes needless: `cancelOnReply` calls them off."""

from app.context import Deps
from app.documents import follow_ups
from app.documents.communications import Communication, Event
from app.documents.inbound_messages import InboundMessage
from app.documents.vocabulary import EventType


async def call_off(deps: Deps, reply: InboundMessage) -> None:
    """Call off what waits in its conversation; it races with dispatch, and one wins.

    Whoever is stopped before this is no loss: `is_answered` looks again when the mail is due.
    """
    if reply.is_reply and await deps.gathered.received.has_follow_up(reply):
        await follow_ups.cancel_answered(reply, _event(deps, str(reply.id)))


async def is_answered(deps: Deps, communication: Communication) -> bool:
    """Whether what a worker has begun to send is called off, as its conversation was answered."""
    if not communication.cancel_on_reply:
        return False
    reply = await follow_ups.reply_to(communication)
    if reply is None:
        return False
    event = _event(deps, str(reply))
    return await follow_ups.cancel_dispatch(communication, event) is not None


def _event(deps: Deps, reply_id: str) -> Event:
    return Event(type=EventType.CANCEL, date=deps.now(), description=f"answered by {reply_id}")
