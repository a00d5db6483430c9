"""API keys: what a tenant's programs call with, beside the tokens of its users."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated

import structlog
from pydantic import Field, StrictInt

from app.context import Caller, Deps, Scope
from app.documents.api_keys import ApiKey
from app.documents.catalogues import API_KEYS
from app.errors import (
    ConflictError,
    FieldError,
    ForbiddenError,
    InvalidInputError,
    InvalidTokenError,
    NotFoundError,
)
from app.instants import format_instant
from app.services.connections import EVERYTHING, ListCommand, Needs, Part, listed
from app.services.inputs import Command, Name, OptionalInstant, parse
from app.services.key_secrets import SHOWN, hash_of, is_whole, new_secret

log = structlog.get_logger()

LIVE_LIMIT = 100
LONGEST_OVERLAP = timedelta(days=7)
USER_PREFIX = "key:"
_OPERATOR = "letterbox"
# More often `lastUsedAt` would cost each request a write.
_USE_PAUSE = timedelta(minutes=1)


class CreateApiKey(Command):
    """`scopes` may be those that the caller has, or some of them."""

    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]
    expires_at: OptionalInstant = None


class RotateApiKey(Command):
    """`overlap` are the seconds for which the old secret goes on working."""

    overlap: Annotated[StrictInt, Field(ge=0, le=int(LONGEST_OVERLAP.total_seconds()))]


@dataclass(frozen=True)
class IssuedKey:
    """A key and its secret, which nobody can be shown again."""

    key: ApiKey
    secret: str = field(repr=False)


async def key_of(caller: Caller, id_: str) -> ApiKey:
    """Find the caller's key. Raises NotFoundError for unknown and other tenants' ids alike."""
    found = await ApiKey.of_tenant(caller.tenant, id_)
    if found is None:
        raise NotFoundError("No API key has this id.")
    return found


async def keys_of(caller: Caller, command: ListCommand, needs: Needs = EVERYTHING) -> Part[ApiKey]:
    """Give a part of the caller's keys, those that ended too; the latest first unless ordered."""
    return await listed(caller, API_KEYS, command, needs)


async def create(deps: Deps, caller: Caller, command: CreateApiKey) -> IssuedKey:
    """Make a key.

    Raises ForbiddenError for scopes that the caller lacks, InvalidInputError for an expiry that is
    past or beyond the calling key's own, ConflictError at the limit.
    """
    now = deps.now()
    if command.expires_at is not None and command.expires_at <= now:
        raise InvalidInputError.of(FieldError("expiresAt", "must be in the future"))
    scopes = sorted({scope.value for scope in command.scopes})
    _check_reach(caller, scopes, command.expires_at)
    if await ApiKey.count_live(caller.tenant, now) >= LIVE_LIMIT:
        raise ConflictError(f"A tenant may have at most {LIVE_LIMIT} API keys; revoke one first.")
    secret = new_secret()
    key = ApiKey(
        tenant_id=caller.tenant,
        name=command.name,
        hash=hash_of(secret),
        prefix=secret[:SHOWN],
        scopes=scopes,
        expires_at=command.expires_at,
        created=now,
        created_by=caller.user,
    )
    await key.insert()
    log.info("api_key.created", key_id=str(key.id), by_key=caller.key_id)
    return IssuedKey(key, secret)


async def issue(deps: Deps, tenant: str, name: str, scopes: list[str] | None) -> IssuedKey:
    """Make a key for whoever runs the service; no `scopes` stands for all of them.

    Raises InvalidInputError for a name or a scope that is wrong, ConflictError at the limit.
    """
    command = parse(CreateApiKey, {"name": name, "scopes": scopes or list(Scope)})
    return await create(deps, Caller(tenant, _OPERATOR, frozenset(Scope)), command)


async def rotate(deps: Deps, caller: Caller, id_: str, command: RotateApiKey) -> IssuedKey:
    """Give a key another secret; the old one works for `overlap` more, one before that no more.

    Raises NotFoundError, ForbiddenError and InvalidInputError where the caller could not make such
    a key, ConflictError for one that ended and one that is rotated at the same time.
    """
    found = await key_of(caller, id_)
    _check_reach(caller, found.scopes, found.expires_at)
    now, secret = deps.now(), new_secret()
    rotated = await found.rotate(
        hash_of(secret),
        secret[:SHOWN],
        previous_until=now + timedelta(seconds=command.overlap),
        now=now,
        author=caller.user,
    )
    if rotated is None:
        raise ConflictError("The API key is revoked, expired or being rotated by someone else.")
    log.info("api_key.rotated", key_id=id_, by_key=caller.key_id)
    return IssuedKey(rotated, secret)


async def revoke(deps: Deps, caller: Caller, id_: str) -> ApiKey:
    """End a key at once; one that is revoked stays as it is. Raises NotFoundError."""
    found = await key_of(caller, id_)
    revoked = await ApiKey.revoke_once(caller.tenant, found.id, now=deps.now(), author=caller.user)
    if revoked is None:
        return await key_of(caller, id_)
    log.info("api_key.revoked", key_id=id_, by_key=caller.key_id)
    return revoked


async def caller_by(secret: str, now: datetime) -> Caller:
    """Find who calls with this key, and note that it was used.

    It is one look-up by hash, whatever was given, and nothing is kept in memory: a key that is
    revoked ends with that very moment. Raises InvalidTokenError, in the same words for a key that
    is unknown, expired or revoked.
    """
    if not is_whole(secret):
        raise InvalidTokenError("The API key is not whole: its checksum does not fit.")
    hash_ = hash_of(secret)
    key = await ApiKey.of_hash(hash_)
    ends = None if key is None else key.ends(hash_)
    if key is None or key.revoked_at is not None or (ends is not None and ends <= now):
        raise InvalidTokenError("The API key is unknown, expired or revoked.")
    await key.note_use(now, pause=_USE_PAUSE)
    return Caller(
        tenant=key.tenant_id,
        user=f"{USER_PREFIX}{key.id}",
        scopes=frozenset(key.scopes),
        key_id=str(key.id),
        expires_at=ends,
    )


def _check_reach(caller: Caller, scopes: list[str], expires_at: datetime | None) -> None:
    """Let nobody hand out more than they have, and no key what outlives it."""
    if lacking := sorted(set(scopes) - caller.scopes):
        raise ForbiddenError(
            f"The token lacks the scopes {', '.join(lacking)}, which the key would have."
        )
    if caller.key_id is None or caller.expires_at is None:
        return
    if expires_at is None or expires_at > caller.expires_at:
        own = format_instant(caller.expires_at)
        fault = f"must not be after {own}, when the API key that asks for it expires"
        raise InvalidInputError.of(FieldError("expiresAt", fault))
