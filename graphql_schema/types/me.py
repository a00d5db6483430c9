from datetime import datetime
from typing import Self

import strawberry

from app.context import Caller
from app.documents import api_keys as documents
from graphql_schema.types.api_keys import ApiKey, known_scopes
from graphql_schema.types.enums import Scope


@strawberry.type(description="Who calls, and what they may do.")
class Me:
    tenant: str = strawberry.field(description="The tenant whose data is seen.")
    user: str = strawberry.field(
        description="The author of what is done: the token's user, or `key:ID` for an API key."
    )
    scopes: list[Scope] = strawberry.field(description="What the token or key allows.")
    expires_at: datetime | None = strawberry.field(
        description="When the token, or the key's secret, ends; null for one that does not."
    )
    api_key: ApiKey | None = strawberry.field(
        description="The key that is called with; null for a token."
    )

    @classmethod
    def of(cls, caller: Caller, key: documents.ApiKey | None) -> Self:
        return cls(
            tenant=caller.tenant,
            user=caller.user,
            scopes=known_scopes(caller.scopes),
            expires_at=caller.expires_at,
            api_key=None if key is None else ApiKey.of(key),
        )
