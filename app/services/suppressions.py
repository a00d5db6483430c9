"""Suppressions: addresses that a tenant's mail no longer goes to, and why."""

from collections.abc import Collection

import structlog
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.base import object_id_of
from app.documents.catalogues import SUPPRESSIONS
from app.documents.suppressions import Suppression
from app.documents.vocabulary import SuppressionReason
from app.errors import NotFoundError
from app.mail.addresses import parse_mailbox
from app.services.connections import EVERYTHING, ListCommand, Needs, Part, listed
from app.services.inputs import Address, Command, OptionalLine

log = structlog.get_logger()

_WORDS = {
    SuppressionReason.BOUNCE: "suppressed after a permanent bounce",
    SuppressionReason.COMPLAINT: "suppressed after a complaint",
    SuppressionReason.MANUAL: "suppressed by a user",
}


class AddSuppression(Command):
    address: Address
    detail: OptionalLine = None


async def add(deps: Deps, caller: Caller, command: AddSuppression) -> Suppression:
    """Suppress an address for the caller's tenant; one that is suppressed stays as it is."""
    suppression = Suppression(
        tenant_id=caller.tenant,
        address=parse_mailbox(command.address).address.lower(),
        reason=SuppressionReason.MANUAL,
        detail=command.detail,
        created=deps.now(),
        created_by=caller.user,
    )
    return await suppression.store_once()


async def learn(
    deps: Deps,
    tenant: str,
    address: str,
    reason: SuppressionReason,
    *,
    detail: str | None,
    communication_id: PydanticObjectId,
) -> Suppression:
    """Suppress an address for what became of a mail to it; one that is suppressed stays as it is.

    `address` is one of an envelope, `detail` the provider's words.
    """
    suppression = Suppression(
        tenant_id=tenant,
        address=address.lower(),
        reason=reason,
        detail=detail,
        communication_id=communication_id,
        created=deps.now(),
    )
    stored = await suppression.store_once()
    log.info("suppression.learnt", communication_id=str(communication_id), reason=reason)
    return stored


async def words_for(deps: Deps, tenant: str, addresses: Collection[str]) -> dict[str, str]:
    """Tell which of these addresses get no mail of the tenant, and why; in lower case.

    Others may be told besides.
    """
    found = await deps.gathered.suppressions(tenant, addresses)
    return {address: _words(suppression) for address, suppression in found.items()}


def _words(suppression: Suppression) -> str:
    why = _WORDS[suppression.reason]
    return why if suppression.detail is None else f"{why}: {suppression.detail}"


async def suppressions_of(
    caller: Caller, command: ListCommand, needs: Needs = EVERYTHING
) -> Part[Suppression]:
    """Give a part of the caller's suppressions, latest first unless an order is named."""
    return await listed(caller, SUPPRESSIONS, command, needs)


async def remove(caller: Caller, id_: str) -> None:
    """Let mail go to the address again. Raises NotFoundError for unknown and others' ids alike."""
    object_id = object_id_of(id_)
    if object_id is None or not await Suppression.delete_once(caller.tenant, object_id):
        raise NotFoundError("No suppression has this id.")
    log.info("suppression.removed", suppression_id=id_)
