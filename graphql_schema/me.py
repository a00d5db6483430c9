import strawberry

from graphql_schema.context import Info
from graphql_schema.resolvers import me as resolvers
from graphql_schema.types.me import Me


async def _me(info: Info) -> Me:
    return Me.of(*await resolvers.me(info.context))


@strawberry.type
class MeQuery:
    me: Me = strawberry.field(resolver=_me, description="Who calls, and what they may do.")
