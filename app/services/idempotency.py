"""Idempotency-Key: whoever repeats a request gets the first answer, and nothing is done twice."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import orjson
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.idempotency_keys import IdempotencyKey
from app.errors import ConflictError, FieldError, InvalidInputError

KEY_LENGTH = 256


@dataclass(frozen=True)
class Repeatable:
    """A request that came with a key; `fingerprint` is the same however it was spelled or sent."""

    key: str
    fingerprint: str

    @classmethod
    def of(cls, key: str, request: Sequence[object]) -> "Repeatable":
        """Read a caller's key for `request`, a list of JSON values. Raises InvalidInputError."""
        if not 0 < len(key) <= KEY_LENGTH or not key.isprintable():
            reason = f"must have 1 to {KEY_LENGTH} printable characters"
            raise InvalidInputError.of(FieldError("Idempotency-Key", reason))
        canonical = orjson.dumps(list(request), option=orjson.OPT_SORT_KEYS)
        return cls(key, hashlib.sha256(canonical).hexdigest())


async def held(deps: Deps, caller: Caller, request: Repeatable) -> PydanticObjectId | None:
    """Find the record that the tenant's key stands for already.

    Raises ConflictError for a key that came with another request.
    """
    key = await IdempotencyKey.of_key(caller.tenant, request.key, deps.now())
    return None if key is None else PydanticObjectId(_checked(key, request).communication_id)


async def reserve(
    deps: Deps, caller: Caller, request: Repeatable, communication_id: PydanticObjectId
) -> PydanticObjectId:
    """Take the key for a record, unless it stands for one already; the id that holds.

    Raises ConflictError for a key that came with another request.
    """
    return PydanticObjectId(
        (await _taken(deps, caller, request, communication_id)).communication_id
    )


async def held_by_batch(
    deps: Deps, caller: Caller, request: Repeatable
) -> list[PydanticObjectId] | None:
    """Find the records that the tenant's key stands for already, one for each mail of a batch.

    Raises ConflictError for a key that came with another request.
    """
    key = await IdempotencyKey.of_key(caller.tenant, request.key, deps.now())
    return None if key is None else _all_ids(_checked(key, request))


async def reserve_batch(
    deps: Deps, caller: Caller, request: Repeatable, ids: Sequence[PydanticObjectId]
) -> list[PydanticObjectId]:
    """Take the key for the records of a batch, unless it stands for some already; theirs.

    Raises ConflictError for a key that came with another request.
    """
    return _all_ids(await _taken(deps, caller, request, *ids))


async def use_of(
    deps: Deps, caller: Caller, request: Repeatable, communication_id: PydanticObjectId
) -> str:
    """Take the key as `reserve` does; a name for it that it will not have once it expired.

    Raises ConflictError for a key that came with another request.
    """
    key = await _taken(deps, caller, request, communication_id)
    return f"{key.expires:%Y%m%dT%H%M%S} {key.key}"


async def _taken(
    deps: Deps,
    caller: Caller,
    request: Repeatable,
    communication_id: PydanticObjectId,
    *further_ids: PydanticObjectId,
) -> IdempotencyKey:
    now = deps.now()
    key = IdempotencyKey(
        tenant_id=caller.tenant,
        created=now,
        key=request.key,
        fingerprint=request.fingerprint,
        communication_id=communication_id,
        further_ids=list(further_ids),
        expires=now + timedelta(hours=deps.settings.idempotency_hours),
    )
    return _checked(await key.reserve(), request)


def _all_ids(key: IdempotencyKey) -> list[PydanticObjectId]:
    return [PydanticObjectId(id_) for id_ in (key.communication_id, *key.further_ids)]


def _checked(key: IdempotencyKey, request: Repeatable) -> IdempotencyKey:
    if not secrets.compare_digest(key.fingerprint, request.fingerprint):
        raise ConflictError("This Idempotency-Key was used with another request.")
    return key
