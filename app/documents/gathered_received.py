"""What is asked of MongoDB for single received messages, gathered where many come at once."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from weakref import WeakValueDictionary

from app.documents import follow_ups
from app.documents.inbound_messages import InboundMessage
from app.gathering import Gathering


class Landing(Enum):
    """What came of a message that was to be stored: it stands where it was put, or was moved.

    One that is KNOWN the tenant has already: nothing was done.
    """

    KNOWN = "KNOWN"
    SETTLED = "SETTLED"
    MOVED = "MOVED"


# Stores messages of one tenant where they belong.
Land = Callable[[Sequence[InboundMessage]], Awaitable[Sequence[Landing | Exception]]]
# Settles messages of one tenant; tells of each whether it stands where it stood.
Settle = Callable[[Sequence[InboundMessage]], Awaitable[Sequence[bool]]]


class GatheredReceived:
    """The gatherings of one process."""

    def __init__(self) -> None:
        # Each tenant's for itself: others may have its turn.
        self._landings = WeakValueDictionary[str, Gathering[tuple[InboundMessage, Land], Landing]]()
        self._settlings = WeakValueDictionary[str, Gathering[tuple[InboundMessage, Settle], bool]]()
        self._follow_ups = Gathering[InboundMessage, bool](_followed_up)

    async def has_follow_up(self, message: InboundMessage) -> bool:
        """Whether mail waits in its conversation that an answer calls off."""
        return await self._follow_ups.ask(message)

    async def land(self, message: InboundMessage, land: Land) -> Landing:
        """Have a message stored with others of its tenant, by the same rules."""
        gathering = self._landings.setdefault(message.tenant_id, Gathering(_landed))
        return await gathering.ask((message, land))

    async def settle(self, message: InboundMessage, settle: Settle) -> bool:
        """Have a message settled with others of its tenant, by the same rules."""
        gathering = self._settlings.setdefault(message.tenant_id, Gathering(_at_their_places))
        return await gathering.ask((message, settle))


async def _landed(
    asked: Sequence[tuple[InboundMessage, Land]],
) -> Sequence[Landing | Exception]:
    _, land = asked[0]
    return await land([message for message, _ in asked])


async def _followed_up(messages: Sequence[InboundMessage]) -> Sequence[bool | Exception]:
    found = {
        tenant: await follow_ups.conversations_waiting(
            tenant, {message.conversation_id for message in some}
        )
        for tenant, some in _by_tenants(messages).items()
    }
    return [message.conversation_id in found[message.tenant_id] for message in messages]


def _by_tenants(messages: Sequence[InboundMessage]) -> dict[str, list[InboundMessage]]:
    found: dict[str, list[InboundMessage]] = defaultdict(list)
    for message in messages:
        found[message.tenant_id].append(message)
    return found


async def _at_their_places(
    asked: Sequence[tuple[InboundMessage, Settle]],
) -> Sequence[bool | Exception]:
    _, settle = asked[0]
    try:
        return await settle([message for message, _ in asked])
    except Exception as error:  # noqa: BLE001 - it is raised where it was asked
        if len(asked) == 1:
            return [error]
        # One of them is at fault: the others are settled without it.
        return [fault for one in asked for fault in await _at_their_places([one])]
