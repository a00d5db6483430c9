from typing import Annotated

import strawberry

from app.services.api_keys import CreateApiKey, RotateApiKey
from app.services.inputs import parse
from graphql_schema.context import Info
from graphql_schema.inputs import read_command
from graphql_schema.limits import ListSize
from graphql_schema.resolvers import api_keys as resolvers
from graphql_schema.types.api_keys import ApiKey, CreateApiKeyInput, IssuedApiKey

ApiKeyId = Annotated[strawberry.ID, strawberry.argument(description="Id of the key.")]


async def _api_key(info: Info, id: ApiKeyId) -> ApiKey | None:
    return ApiKey.of(await resolvers.api_key(info.context, id))


async def _api_keys(info: Info) -> list[ApiKey]:
    return [ApiKey.of(key) for key in await resolvers.api_keys_by_age(info.context)]


async def _create(
    info: Info,
    input: Annotated[CreateApiKeyInput, strawberry.argument(description="The key.")],
) -> IssuedApiKey:
    command = read_command(input, CreateApiKey)
    return IssuedApiKey.of(await resolvers.create_api_key(info.context, command))


async def _rotate(
    info: Info,
    id: ApiKeyId,
    overlap: Annotated[
        int,
        strawberry.argument(
            description="Seconds for which the old secret goes on working: 0 to 604800, a week."
        ),
    ] = 3600,
) -> IssuedApiKey:
    command = parse(RotateApiKey, {"overlap": overlap})
    return IssuedApiKey.of(await resolvers.rotate_api_key(info.context, id, command))


async def _revoke(info: Info, id: ApiKeyId) -> ApiKey:
    return ApiKey.of(await resolvers.revoke_api_key(info.context, id))


@strawberry.type
class ApiKeyQuery:
    api_key: ApiKey | None = strawberry.field(
        resolver=_api_key, description="The API key with this id."
    )
    api_keys: list[ApiKey] = strawberry.field(
        directives=[ListSize(assumed_size=100)],
        resolver=_api_keys,
        description="The tenant's API keys, the latest first, those that ended too.",
    )


@strawberry.type
class ApiKeyMutation:
    create_api_key: IssuedApiKey = strawberry.mutation(
        resolver=_create, description="Make an API key; its secret is shown this once."
    )
    rotate_api_key: IssuedApiKey = strawberry.mutation(
        resolver=_rotate,
        description="Give an API key another secret, shown this once; the old one works a while "
        "yet, one before that no more.",
    )
    revoke_api_key: ApiKey = strawberry.mutation(
        resolver=_revoke,
        description="End an API key, at once and for good, with all of its secrets.",
    )
