from typing import Annotated

import strawberry

from app.documents import api_keys as documents
from app.services.api_keys import CreateApiKey, RotateApiKey
from app.services.inputs import parse
from graphql_schema.connections import After, Before, First, Last, connection
from graphql_schema.context import Info
from graphql_schema.inputs import read_command
from graphql_schema.limits import ListSize
from graphql_schema.resolvers import api_keys as resolvers
from graphql_schema.types.api_keys import ApiKey, CreateApiKeyInput, IssuedApiKey
from graphql_schema.types.connections import Connection
from graphql_schema.types.list_filters import ApiKeyFilter
from graphql_schema.types.orders import ApiKeyOrder

ApiKeyId = Annotated[strawberry.ID, strawberry.argument(description="Id of the key.")]


async def _api_key(info: Info, id: ApiKeyId) -> ApiKey | None:
    return ApiKey.of(await resolvers.api_key(info.context, id))


async def _api_keys(  # noqa: PLR0917 - GraphQL gives arguments by name
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: Annotated[
        ApiKeyFilter | None,
        strawberry.argument(description="Which ones; all of them without it."),
    ] = None,
    order_by: Annotated[
        list[ApiKeyOrder] | None,
        strawberry.argument(description="At most three fields; the latest first without any."),
    ] = None,
) -> Connection[ApiKey]:
    shown: Connection[ApiKey] = await connection(
        info, resolvers.list_api_keys, documents.ApiKey,
        first=first, after=after, last=last, before=before, filter=filter, order_by=order_by,
    )  # fmt: skip
    return shown


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
    api_keys: Connection[ApiKey] = strawberry.field(
        directives=[ListSize(assumed_size=50)],
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
