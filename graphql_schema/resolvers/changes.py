"""What callers may follow: who may, then one call."""

from collections.abc import AsyncGenerator, Collection

from app.context import Context, Scope
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.services import changes
from app.services.changes import Entity, Target


async def changed_communications(
    context: Context, target: Target, *, without: Collection[str] = ()
) -> AsyncGenerator[Communication, None]:
    """Follow records. Raises what `changes.changed_communications` raises."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await changes.changed_communications(context.deps, caller, target, without=without)


async def deleted_communications(context: Context, target: Target) -> AsyncGenerator[str, None]:
    """Follow deletions. Raises what `changes.deleted_communications` raises."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await changes.deleted_communications(context.deps, caller, target)


async def received_messages(
    context: Context, entity: Entity | None, *, without: Collection[str] = ()
) -> AsyncGenerator[InboundMessage, None]:
    """Follow what comes in. Raises what `changes.received_messages` raises."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await changes.received_messages(context.deps, caller, entity, without=without)
