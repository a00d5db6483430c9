"""Every field of Subscription, and what it gives an event for."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app.context import Caller, Deps, Scope
from app.errors import ErrorCode
from app.services import inbound, records, sending
from app.services.inputs import parse
from tests.fakes.messages import message
from tests.world import DEAL, MAIL, World


@dataclass(frozen=True)
class SubscriptionRow:
    """In `arguments`, `$NAME` is that id of the World.

    `happens` makes it give an event of the caller's, and tells of which record. `theirs` is what
    another tenant's id is answered with; None where there is none to give.
    """

    field: str
    scope: Scope
    arguments: str
    happens: Callable[[Deps, Caller, World], Awaitable[str]]
    selection: str = "{ id }"
    theirs: ErrorCode | None = None

    def query(self, world: World) -> str:
        arguments = self.arguments
        for name, id_ in vars(world).items():
            arguments = arguments.replace(f"${name}", orjson.dumps(id_).decode())
        return f"subscription {{ answer: {self.field}{arguments} {self.selection} }}"


def id_of(answer: Mapping[str, Any] | str) -> str:
    """The id in an event's answer."""
    return answer if isinstance(answer, str) else str(answer["id"])


async def _commented(deps: Deps, caller: Caller, world: World) -> str:
    await records.comment(deps, caller, world.sent, "Hello")
    return world.sent


async def _deleted(deps: Deps, caller: Caller, world: World) -> str:
    await records.delete(deps, caller, world.sent)
    return world.sent


async def _accepted(deps: Deps, caller: Caller, world: World) -> str:
    command = parse(sending.SendCommunication, {**MAIL, **DEAL})
    return str((await sending.accept(deps, caller, command)).id)


async def _accepted_and_deleted(deps: Deps, caller: Caller, world: World) -> str:
    accepted = await _accepted(deps, caller, world)
    await records.delete(deps, caller, accepted)
    return accepted


async def _received(deps: Deps, caller: Caller, world: World) -> str:
    return str((await inbound.ingest(deps, caller, message("<second@customer.test>"))).id)


READ, NOT_FOUND = Scope.COMMUNICATIONS_READ, ErrorCode.NOT_FOUND
_OF_DEAL = '(of: { entity: { type: "deal", id: "42" } })'
_OF_ONE = "(of: { id: $sent })"
ROWS = [
    SubscriptionRow("communicationChanged", READ, _OF_ONE, _commented, theirs=NOT_FOUND),
    SubscriptionRow("communicationChanged", READ, _OF_DEAL, _accepted),
    SubscriptionRow("communicationDeleted", READ, _OF_ONE, _deleted, "", theirs=NOT_FOUND),
    SubscriptionRow("communicationDeleted", READ, _OF_DEAL, _accepted_and_deleted, ""),
    SubscriptionRow("inboundReceived", READ, "", _received),
]
