"""What callers may do with recipient lists: who may, then one call."""

from collections.abc import Collection, Mapping

from app.context import Context, Scope
from app.documents.recipient_lists import RecipientList
from app.services import recipient_lists
from app.services.connections import ListCommand, Needs, Part
from app.services.recipient_lists import (
    CreateRecipientList,
    UpdateRecipientList,
)


async def recipient_list(context: Context, id_: str) -> RecipientList:
    """Give the caller's list. Raises NotFoundError for unknown ids and other tenants' alike."""
    return await recipient_lists.list_of(context.require(Scope.RECIPIENTS_READ), id_)


async def recipient_lists_with_ids(
    context: Context, ids: Collection[str], *, without: Collection[str] = ()
) -> Mapping[str, RecipientList]:
    """Give the caller's lists by their ids."""
    caller = context.require(Scope.RECIPIENTS_READ)
    return await RecipientList.with_ids(caller.tenant, ids, without=without)


async def list_recipient_lists(
    context: Context, command: ListCommand, needs: Needs
) -> Part[RecipientList]:
    """Give a part of the caller's lists; as `lists_of`."""
    return await recipient_lists.lists_of(context.require(Scope.RECIPIENTS_READ), command, needs)


async def member_counts(context: Context, ids: Collection[str]) -> Mapping[str, int]:
    """Count the members of lists that the caller was given; empty ones are left out."""
    return await recipient_lists.count_members(context.require_caller(), ids)


async def create_recipient_list(context: Context, command: CreateRecipientList) -> RecipientList:
    """Keep a new list. Raises what `recipient_lists.create` raises."""
    caller = context.require(Scope.RECIPIENTS_WRITE)
    return await recipient_lists.create(context.deps, caller, command)


async def update_recipient_list(
    context: Context, id_: str, command: UpdateRecipientList
) -> RecipientList:
    """Change a list. Raises what `recipient_lists.update` raises."""
    caller = context.require(Scope.RECIPIENTS_WRITE)
    return await recipient_lists.update(context.deps, caller, id_, command)


async def delete_recipient_list(context: Context, id_: str) -> None:
    """Hide a list. Raises NotFoundError."""
    caller = context.require(Scope.RECIPIENTS_WRITE)
    await recipient_lists.delete(context.deps, caller, id_)
