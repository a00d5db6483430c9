from typing import Annotated

import strawberry

from app.documents import preferences as documents
from app.services.preferences.changes import ImportPreferences, SetPreference
from graphql_schema.connections import After, Before, First, Last, connection
from graphql_schema.context import Info
from graphql_schema.inputs import read_command
from graphql_schema.limits import ListSize
from graphql_schema.resolvers import preferences as resolvers
from graphql_schema.types.connections import Connection
from graphql_schema.types.consent_filters import PreferenceFilter
from graphql_schema.types.orders import PreferenceOrder
from graphql_schema.types.preferences import (
    Consent,
    ImportPreferencesInput,
    Preference,
    PreferenceImport,
    SetPreferenceInput,
)


async def _preferences(  # noqa: PLR0917 - GraphQL gives arguments by name
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: Annotated[
        PreferenceFilter | None,
        strawberry.argument(description="Which ones; all of them without it."),
    ] = None,
    order_by: Annotated[
        list[PreferenceOrder] | None,
        strawberry.argument(description="At most three fields; the latest first without any."),
    ] = None,
) -> Connection[Preference]:
    shown: Connection[Preference] = await connection(
        info, resolvers.list_preferences, documents.Preference,
        first=first, after=after, last=last, before=before, filter=filter, order_by=order_by,
    )  # fmt: skip
    return shown


async def _consent(
    info: Info,
    address: Annotated[str, strawberry.argument(description="The address, in any case.")],
) -> Consent:
    return Consent.of(await resolvers.consent(info.context, address))


async def _set(
    info: Info,
    input: Annotated[SetPreferenceInput, strawberry.argument(description="What it wants.")],
) -> Preference:
    command = read_command(input, SetPreference)
    return Preference.of(await resolvers.set_preference(info.context, command))


async def _import(
    info: Info,
    input: Annotated[ImportPreferencesInput, strawberry.argument(description="What they want.")],
) -> PreferenceImport:
    command = read_command(input, ImportPreferences)
    return PreferenceImport.of(await resolvers.import_preferences(info.context, command))


@strawberry.type
class PreferenceQuery:
    preferences: Connection[Preference] = strawberry.field(
        directives=[ListSize(assumed_size=50)],
        resolver=_preferences,
        description="What addresses said they want, latest first.",
    )
    consent: Consent = strawberry.field(
        resolver=_consent, description="What an address gets, topic by topic, and why."
    )


@strawberry.type
class PreferenceMutation:
    set_preference: Preference = strawberry.mutation(
        resolver=_set,
        description=(
            "Write down what an address wants; what it said before stays in the history. What it "
            "says already stays as it was said."
        ),
    )
    import_preferences: PreferenceImport = strawberry.mutation(
        resolver=_import,
        description=(
            "Write down the same of many addresses, e.g. the opt-outs of another system; one that "
            "is no address keeps no other from it. May be done again."
        ),
    )
