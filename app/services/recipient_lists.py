"""Recipient lists as such: naming, finding and deleting them."""

from collections.abc import Collection, Mapping

from app.context import Caller, Deps
from app.documents.catalogues import RECIPIENT_LISTS
from app.documents.list_members import ListMember
from app.documents.recipient_lists import RecipientList
from app.errors import NotFoundError
from app.services.connections import EVERYTHING, ListCommand, Needs, Part, listed
from app.services.inputs import Command, Name, OptionalText


class CreateRecipientList(Command):
    name: Name
    description: OptionalText = None


class UpdateRecipientList(Command):
    """What is left out stays as it is; a null description takes it away."""

    name: Name = ""
    description: OptionalText = None


async def list_of(caller: Caller, id_: str) -> RecipientList:
    """Find the caller's list. Raises NotFoundError for unknown and other tenants' ids alike."""
    found = await RecipientList.of_tenant(caller.tenant, id_)
    if found is None:
        raise NotFoundError("No recipient list has this id.")
    return found


async def lists_of(
    caller: Caller, command: ListCommand, needs: Needs = EVERYTHING
) -> Part[RecipientList]:
    """Give a part of the caller's lists, by name unless an order is named."""
    return await listed(caller, RECIPIENT_LISTS, command, needs)


async def count_members(caller: Caller, list_ids: Collection[str]) -> Mapping[str, int]:
    """Count the members of each of the caller's lists; those without any are left out."""
    return await ListMember.counts_of(caller.tenant, list_ids)


async def create(deps: Deps, caller: Caller, command: CreateRecipientList) -> RecipientList:
    """Keep a new list without members. Raises ConflictError for a name that is taken."""
    now = deps.now()
    made = RecipientList(
        **command.model_dump(),
        tenant_id=caller.tenant,
        created=now,
        created_by=caller.user,
        updated=now,
        updated_by=caller.user,
    )
    await made.store()
    return made


async def update(
    deps: Deps, caller: Caller, id_: str, command: UpdateRecipientList
) -> RecipientList:
    """Change what the command names. Raises NotFoundError, ConflictError for a taken name."""
    found = await list_of(caller, id_)
    changed = await RecipientList.change(
        caller.tenant,
        found.id,
        command.model_dump(exclude_unset=True),
        now=deps.now(),
        author=caller.user,
    )
    if changed is None:
        raise NotFoundError("No recipient list has this id.")
    return changed


async def delete(deps: Deps, caller: Caller, id_: str) -> None:
    """Hide a list; its members are removed within the hour. Raises NotFoundError."""
    found = await list_of(caller, id_)
    deleted = await RecipientList.delete_once(
        caller.tenant, found.id, now=deps.now(), author=caller.user
    )
    if not deleted:
        raise NotFoundError("No recipient list has this id.")


async def purge(deps: Deps) -> int:
    """Remove for good the lists that were deleted; how many those were."""
    return await RecipientList.purge(deps.now())
