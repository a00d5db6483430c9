"""The members of a recipient list: adding, changing and removing them."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from pydantic import AfterValidator

from app.context import Caller, Deps
from app.documents.base import object_id_of
from app.documents.catalogues import LIST_MEMBERS
from app.documents.list_members import ListMember
from app.documents.recipient_lists import RecipientList
from app.errors import FieldError, InvalidInputError, NotFoundError
from app.mail.addresses import parse_mailbox
from app.services.connections import EVERYTHING, ListCommand, Needs, Part, listed
from app.services.inputs import Address, Command, OptionalLine, Variables, parse
from app.services.recipient_lists import list_of

MEMBERS_AT_A_TIME = 5_000
LIST_LIMIT = 1_000_000
# Of one member: a campaign's worth of them is read and filled in again and again.
MEMBER_VARIABLES_LIMIT = 16 * 1024
_INSERTED_AT_A_TIME = 1_000


def _light(variables: dict[str, Any]) -> dict[str, Any]:
    if len(orjson.dumps(variables)) > MEMBER_VARIABLES_LIMIT:
        raise ValueError(f"must be at most {MEMBER_VARIABLES_LIMIT} octets of JSON")
    return variables


MemberVariables = Annotated[Variables, AfterValidator(_light)]


class NewMember(Command):
    """An address, as `a@b.nl` or `Name <a@b.nl>`, with what mails to it are filled in with."""

    email: Address
    name: OptionalLine = None
    variables: MemberVariables | None = None


class UpdateMember(Command):
    """What is left out stays as it is; null takes away what is optional."""

    email: Address = ""
    name: OptionalLine = None
    variables: MemberVariables | None = None


@dataclass(frozen=True)
class Added:
    """What became of one row: it is a member now, or `error` says why not.

    `duplicate` when the list has the address already, which stays as it is.
    """

    member: ListMember | None = None
    error: str | None = None
    duplicate: bool = False


async def members_of(
    caller: Caller, list_id: str, command: ListCommand, needs: Needs = EVERYTHING
) -> Part[ListMember]:
    """Give a part of a list's members, in the order in which they came unless another is named.

    Raises NotFoundError, and what `listed` raises.
    """
    found = await list_of(caller, list_id)
    return await listed(caller, LIST_MEMBERS, command, needs, within={"listId": found.id})


async def members_with_ids(
    caller: Caller, ids: Collection[str], *, without: Collection[str]
) -> dict[str, ListMember]:
    """Give the members with these ids of the caller's lists; those of deleted lists are gone."""
    found = await ListMember.with_ids(caller.tenant, ids, without=without)
    lists = {str(member.list_id) for member in found.values()}
    there = await RecipientList.with_ids(caller.tenant, lists)
    return {id_: member for id_, member in found.items() if str(member.list_id) in there}


async def add(deps: Deps, caller: Caller, list_id: str, rows: Sequence[object]) -> list[Added]:
    """Add members; each row by itself, in the order given.

    Raises NotFoundError, and InvalidInputError for too many rows; then nothing was added.
    """
    if len(rows) > MEMBERS_AT_A_TIME:
        reason = f"must have at most {MEMBERS_AT_A_TIME} entries"
        raise InvalidInputError.of(FieldError("members", reason))
    found = await list_of(caller, list_id)
    await check_room(found, len(rows))
    added: list[Added] = []
    for start in range(0, len(rows), _INSERTED_AT_A_TIME):
        read = await asyncio.to_thread(read_rows, rows[start : start + _INSERTED_AT_A_TIME])
        added += await store(deps, found, read)
    return added


async def check_room(found: RecipientList, rows: int) -> None:
    """Raise InvalidInputError when the list cannot take so many more."""
    if await ListMember.count_of(found.tenant_id, found.id) + rows > LIST_LIMIT:
        raise InvalidInputError(f"A list has at most {LIST_LIMIT} members.")


def read_rows(rows: Sequence[object]) -> list[NewMember | str]:
    """Read each row by itself; in place of a bad one what is wrong with it."""
    return [_read(row) for row in rows]


def _read(row: object) -> NewMember | str:
    try:
        return parse(NewMember, row)
    except InvalidInputError as error:
        return error.detail


async def store(deps: Deps, found: RecipientList, rows: Sequence[NewMember | str]) -> list[Added]:
    """Insert what was read; what became of each row."""
    now = deps.now()
    members = [
        ListMember(
            **_stored(row.email, {"name": row.name}),
            list_id=found.id,
            variables=row.variables or {},
            tenant_id=found.tenant_id,
            created=now,
            updated=now,
        )
        for row in rows
        if isinstance(row, NewMember)
    ]
    doubled = await ListMember.add(members) if members else set()
    outcomes = iter(
        Added(duplicate=True) if place in doubled else Added(member=member)
        for place, member in enumerate(members)
    )
    return [Added(error=row) if isinstance(row, str) else next(outcomes) for row in rows]


async def update(deps: Deps, caller: Caller, id_: str, command: UpdateMember) -> ListMember:
    """Change what the command names.

    Raises NotFoundError, ConflictError for an address that the list has already.
    """
    member = await ListMember.of_tenant(caller.tenant, id_)
    if member is None or not await RecipientList.exists(caller.tenant, str(member.list_id)):
        raise NotFoundError("No member has this id.")
    changes = command.model_dump(exclude_unset=True)
    if "variables" in changes:
        changes["variables"] = changes["variables"] or {}
    if "email" in changes:
        changes = _stored(changes["email"], changes)
    changed = await ListMember.change(caller.tenant, member.id, changes, now=deps.now())
    if changed is None:
        raise NotFoundError("No member has this id.")
    return changed


async def remove(caller: Caller, list_id: str, ids: Sequence[str]) -> list[str]:
    """Remove members; the ids of those who were, others are passed over.

    Who is taken from a list that is being sent to gets nothing, unless the mail is out already.
    Raises NotFoundError for the list, InvalidInputError for too many ids.
    """
    if len(ids) > MEMBERS_AT_A_TIME:
        reason = f"must have at most {MEMBERS_AT_A_TIME} entries"
        raise InvalidInputError.of(FieldError("ids", reason))
    found = await list_of(caller, list_id)
    object_ids = [object_id for id_ in ids if (object_id := object_id_of(id_)) is not None]
    return [str(id_) for id_ in await ListMember.remove(caller.tenant, found.id, object_ids)]


def _stored(text: str, others: Mapping[str, Any]) -> dict[str, Any]:
    """Make the stored fields of an address: in lower case, its display name where none is given."""
    mailbox = parse_mailbox(text)
    named = {} if others.get("name") is not None or mailbox.name is None else {"name": mailbox.name}
    return {**others, **named, "email": mailbox.address.lower()}
