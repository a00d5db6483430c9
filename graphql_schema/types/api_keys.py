"""API keys as GraphQL shows them, never with their secret but when it is made."""

from collections.abc import Iterable
from datetime import datetime
from typing import Self

import strawberry

from app.documents import api_keys as documents
from app.services import api_keys as services
from graphql_schema.resolvers import api_keys as resolvers
from graphql_schema.types.enums import Scope
from graphql_schema.types.nodes import Node, kind


@kind(documents.ApiKey, find=resolvers.api_keys_with_ids)
@strawberry.type(description="A key that a program calls with. Its secret is not kept.")
class ApiKey(Node):
    id: strawberry.ID = strawberry.field(
        description="Id of the key; what it does has `key:ID` as its author."
    )
    name: str = strawberry.field(description="What it is for, in the words of who made it.")
    prefix: str = strawberry.field(
        description="The first characters of its secret, to tell keys apart."
    )
    scopes: list[Scope] = strawberry.field(description="What it allows.")
    created: datetime = strawberry.field(description="When it was made.")
    created_by: str = strawberry.field(description="The user or key that made it.")
    expires_at: datetime | None = strawberry.field(
        description="When it ends; null for one that does not by itself."
    )
    last_used_at: datetime | None = strawberry.field(
        description="When it was used last, to the minute; null for one that never was."
    )
    rotated_at: datetime | None = strawberry.field(
        description="When it got its present secret, if not at first."
    )
    rotated_by: str | None = strawberry.field(description="The user or key that saw to that.")
    previous_until: datetime | None = strawberry.field(
        description="Until when the secret before the present one works, or worked."
    )
    revoked_at: datetime | None = strawberry.field(description="When it was revoked, if it was.")
    revoked_by: str | None = strawberry.field(description="The user or key that revoked it.")

    @classmethod
    def of(cls, key: documents.ApiKey) -> Self:
        return cls(
            id=strawberry.ID(str(key.id)),
            name=key.name,
            prefix=key.prefix,
            scopes=known_scopes(key.scopes),
            created=key.created,
            created_by=key.created_by,
            expires_at=key.expires_at,
            last_used_at=key.last_used_at,
            rotated_at=key.rotated_at,
            rotated_by=key.rotated_by,
            previous_until=key.previous_until,
            revoked_at=key.revoked_at,
            revoked_by=key.revoked_by,
        )


@strawberry.type(description="A key that got a secret: the only time that it is shown.")
class IssuedApiKey:
    api_key: ApiKey = strawberry.field(description="The key.")
    secret: str = strawberry.field(
        description="What stands after `Authorization: Bearer`; it cannot be shown again."
    )

    @classmethod
    def of(cls, issued: services.IssuedKey) -> Self:
        return cls(api_key=ApiKey.of(issued.key), secret=issued.secret)


@strawberry.input(description="An API key to be made.")
class CreateApiKeyInput:
    name: str = strawberry.field(description="What it is for, in at most 200 characters.")
    scopes: list[Scope] = strawberry.field(
        description="What it allows: at least one, and none that its maker lacks."
    )
    expires_at: datetime | None = strawberry.field(
        default=None,
        description="When it ends; never by itself without it. A key makes none that outlives it.",
    )


def known_scopes(scopes: Iterable[str]) -> list[Scope]:
    """Give those that are ours, in their order; a token may have scopes of other services too."""
    held = set(scopes)
    return [scope for scope in Scope if scope in held]
