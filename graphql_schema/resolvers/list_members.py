"""What callers may do with the members of a list: who may, then one call."""

from collections.abc import Collection, Mapping, Sequence

from app.context import Context, Scope
from app.documents.list_members import ListMember
from app.services import list_imports, list_members
from app.services.connections import ListCommand, Needs, Part
from app.services.list_imports import Import
from app.services.list_members import Added, UpdateMember


async def recipient_list_members(
    context: Context, list_id: str, command: ListCommand, needs: Needs
) -> Part[ListMember]:
    """Give a part of a list's members. Raises what `list_members.members_of` raises."""
    caller = context.require(Scope.RECIPIENTS_READ)
    return await list_members.members_of(caller, list_id, command, needs)


async def list_members_with_ids(
    context: Context, ids: Collection[str], *, without: Collection[str] = ()
) -> Mapping[str, ListMember]:
    """Give the members with these ids of the caller's lists."""
    caller = context.require(Scope.RECIPIENTS_READ)
    return await list_members.members_with_ids(caller, ids, without=without)


async def add_list_members(context: Context, list_id: str, rows: Sequence[object]) -> list[Added]:
    """Add members; what became of each row. Raises what `list_members.add` raises."""
    caller = context.require(Scope.RECIPIENTS_WRITE)
    return await list_members.add(context.deps, caller, list_id, rows)


async def import_list_members(context: Context, list_id: str, csv: str) -> Import:
    """Add the rows of a CSV file. Raises what `list_imports.import_members` raises."""
    caller = context.require(Scope.RECIPIENTS_WRITE)
    return await list_imports.import_members(context.deps, caller, list_id, csv)


async def update_list_member(context: Context, id_: str, command: UpdateMember) -> ListMember:
    """Change a member. Raises what `list_members.update` raises."""
    caller = context.require(Scope.RECIPIENTS_WRITE)
    return await list_members.update(context.deps, caller, id_, command)


async def remove_list_members(context: Context, list_id: str, ids: Sequence[str]) -> list[str]:
    """Remove members; the ids of those who were. Raises what `list_members.remove` raises."""
    caller = context.require(Scope.RECIPIENTS_WRITE)
    return await list_members.remove(caller, list_id, ids)
