"""What callers may do with API keys: who may, then one call."""

from collections.abc import Collection, Mapping

from app.context import Context, Scope
from app.documents.api_keys import ApiKey
from app.services import api_keys
from app.services.api_keys import CreateApiKey, IssuedKey, RotateApiKey
from app.services.connections import ListCommand, Needs, Part


async def api_key(context: Context, id_: str) -> ApiKey:
    """Give the caller's key. Raises NotFoundError for unknown and other tenants' ids alike."""
    return await api_keys.key_of(context.require(Scope.KEYS_READ), id_)


async def api_keys_with_ids(
    context: Context, ids: Collection[str], *, without: Collection[str] = ()
) -> Mapping[str, ApiKey]:
    """Give the caller's keys by their ids."""
    return await ApiKey.with_ids(context.require(Scope.KEYS_READ).tenant, ids, without=without)


async def list_api_keys(context: Context, command: ListCommand, needs: Needs) -> Part[ApiKey]:
    """Give a part of the caller's keys; as `keys_of`."""
    return await api_keys.keys_of(context.require(Scope.KEYS_READ), command, needs)


async def create_api_key(context: Context, command: CreateApiKey) -> IssuedKey:
    """Make a key. Raises what `api_keys.create` raises."""
    return await api_keys.create(context.deps, context.require(Scope.KEYS_WRITE), command)


async def rotate_api_key(context: Context, id_: str, command: RotateApiKey) -> IssuedKey:
    """Give a key another secret. Raises what `api_keys.rotate` raises."""
    return await api_keys.rotate(context.deps, context.require(Scope.KEYS_WRITE), id_, command)


async def revoke_api_key(context: Context, id_: str) -> ApiKey:
    """End a key at once. Raises NotFoundError."""
    return await api_keys.revoke(context.deps, context.require(Scope.KEYS_WRITE), id_)
