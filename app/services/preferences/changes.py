"""Preferences as users see and change them; what they write down is told as theirs."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated

from beanie import PydanticObjectId
from pydantic import Field, StrictStr

from app.context import Caller, Deps
from app.documents.catalogues import PREFERENCES
from app.documents.preferences import Preference
from app.documents.vocabulary import PreferenceSource, PreferenceState
from app.mail.addresses import parse_mailbox
from app.services import preferences
from app.services.connections import EVERYTHING, ListCommand, Needs, Part, listed
from app.services.inputs import Address, Command, OptionalLine, parse
from app.services.preferences import Standings
from app.services.topics import check_known

ADDRESSES_AT_A_TIME = 5_000
ERRORS_TOLD = 1_000


class Said(Command):
    """What is written down of whom; without a topic of all mail one can be unsubscribed from."""

    topic_id: OptionalLine = None
    state: PreferenceState
    detail: OptionalLine = None


class SetPreference(Said):
    address: Address


class ImportPreferences(Said):
    addresses: Annotated[list[StrictStr], Field(min_length=1, max_length=ADDRESSES_AT_A_TIME)]


class _OneAddress(Command):
    address: Address


@dataclass(frozen=True)
class RowFault:
    """What is wrong with the address in this place, from 0."""

    row: int
    message: str


@dataclass(frozen=True)
class Imported:
    """How many addresses say it now, had said it before, and are none; why, of the first 1,000."""

    changed: int
    unchanged: int
    failed: int
    errors: Sequence[RowFault]


async def preferences_of(
    caller: Caller, command: ListCommand, needs: Needs = EVERYTHING
) -> Part[Preference]:
    """Give a part of the caller's preferences, latest first unless an order is named."""
    return await listed(caller, PREFERENCES, command, needs)


async def consent_of(caller: Caller, address: str) -> Standings:
    """Tell what an address gets of the caller's mail. Raises InvalidInputError for no address."""
    asked = parse(_OneAddress, {"address": address})
    return await preferences.standings_of(caller.tenant, _bare(asked.address))


async def set_preference(deps: Deps, caller: Caller, command: SetPreference) -> Preference:
    """Write down what an address wants; what it says already stays as it was said.

    Raises InvalidInputError for a topic that the tenant does not have.
    """
    topic_id = await _topic_id(caller, command)
    return await preferences.say(
        deps,
        caller.tenant,
        _bare(command.address),
        state=command.state,
        topic_id=topic_id,
        via=PreferenceSource.USER,
        by=caller.user,
        detail=command.detail,
    )


async def import_preferences(deps: Deps, caller: Caller, command: ImportPreferences) -> Imported:
    """Write down the same of many addresses; one that is none keeps no other from it.

    May be done again: what was written down stays. Raises InvalidInputError as `set_preference`.
    """
    topic_id = await _topic_id(caller, command)
    addresses, faults = await asyncio.to_thread(_read, command.addresses)
    changed = await preferences.say_all(
        deps,
        caller.tenant,
        addresses,
        topic_id=topic_id,
        state=command.state,
        by=caller.user,
        detail=command.detail,
    )
    rest = len(addresses) - changed
    return Imported(changed, rest, len(faults), faults[:ERRORS_TOLD])


async def preferences_with_ids(
    caller: Caller, ids: Collection[str], *, without: Collection[str] = ()
) -> dict[str, Preference]:
    """Give the caller's preferences by their ids."""
    return await Preference.with_ids(caller.tenant, ids, without=without)


async def _topic_id(caller: Caller, command: Said) -> PydanticObjectId | None:
    return None if command.topic_id is None else (await check_known(caller, command.topic_id)).id


def _bare(text: str) -> str:
    return parse_mailbox(text).address.lower()


def _read(texts: Sequence[str]) -> tuple[set[str], list[RowFault]]:
    """Read each address by itself, and tell of those that are none."""
    addresses: set[str] = set()
    faults: list[RowFault] = []
    for row, text in enumerate(texts):
        try:
            addresses.add(_bare(text))
        except ValueError as error:
            faults.append(RowFault(row, str(error)))
    return addresses, faults
