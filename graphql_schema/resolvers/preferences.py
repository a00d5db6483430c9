"""What callers may do with preferences: who may, then one call."""

from collections.abc import Collection, Mapping

from app.context import Context, Scope
from app.documents.preferences import Preference
from app.services.connections import ListCommand, Needs, Part
from app.services.preferences import Standings, changes
from app.services.preferences.changes import Imported, ImportPreferences, SetPreference


async def list_preferences(
    context: Context, command: ListCommand, needs: Needs
) -> Part[Preference]:
    """Give a part of the caller's preferences; as `preferences_of`."""
    caller = context.require(Scope.CONSENT_READ)
    return await changes.preferences_of(caller, command, needs)


async def preferences_with_ids(
    context: Context, ids: Collection[str], *, without: Collection[str] = ()
) -> Mapping[str, Preference]:
    """Give the caller's preferences by their ids."""
    caller = context.require(Scope.CONSENT_READ)
    return await changes.preferences_with_ids(caller, ids, without=without)


async def consent(context: Context, address: str) -> Standings:
    """Tell what an address gets. Raises InvalidInputError for no address."""
    return await changes.consent_of(context.require(Scope.CONSENT_READ), address)


async def set_preference(context: Context, command: SetPreference) -> Preference:
    """Write down what an address wants. Raises InvalidInputError."""
    caller = context.require(Scope.CONSENT_WRITE)
    return await changes.set_preference(context.deps, caller, command)


async def import_preferences(context: Context, command: ImportPreferences) -> Imported:
    """Write down the same of many addresses. Raises InvalidInputError."""
    caller = context.require(Scope.CONSENT_WRITE)
    return await changes.import_preferences(context.deps, caller, command)
