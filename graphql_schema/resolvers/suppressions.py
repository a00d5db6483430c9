"""What callers may do with suppressions: who may, then one call."""

from collections.abc import Collection, Mapping

from app.context import Context, Scope
from app.documents.suppressions import Suppression
from app.services import suppressions
from app.services.connections import ListCommand, Needs, Part
from app.services.suppressions import AddSuppression


async def suppressed(context: Context, command: ListCommand, needs: Needs) -> Part[Suppression]:
    """Give a part of the caller's suppressions; as `suppressions_of`."""
    caller = context.require(Scope.SUPPRESSIONS_READ)
    return await suppressions.suppressions_of(caller, command, needs)


async def suppressions_with_ids(
    context: Context, ids: Collection[str], *, without: Collection[str] = ()
) -> Mapping[str, Suppression]:
    """Give the caller's suppressions by their ids."""
    caller = context.require(Scope.SUPPRESSIONS_READ)
    return await Suppression.with_ids(caller.tenant, ids, without=without)


async def add_suppression(context: Context, command: AddSuppression) -> Suppression:
    """Suppress an address; one that is suppressed stays as it is."""
    caller = context.require(Scope.SUPPRESSIONS_WRITE)
    return await suppressions.add(context.deps, caller, command)


async def remove_suppression(context: Context, id_: str) -> None:
    """Let mail go to the address again. Raises NotFoundError."""
    await suppressions.remove(context.require(Scope.SUPPRESSIONS_WRITE), id_)
