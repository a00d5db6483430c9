import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Deps
from app.documents.idempotency_keys import IdempotencyKey
from tests.fakes.clock import Clock


@pytest.fixture
def make_key(deps: Deps) -> Callable[..., IdempotencyKey]:
    def make(**fields: Any) -> IdempotencyKey:
        defaults: dict[str, Any] = {
            "tenant_id": "acme",
            "created": deps.now(),
            "key": "k",
            "fingerprint": "f",
            "communication_id": PydanticObjectId(),
            "expires": deps.now() + timedelta(hours=1),
        }
        return IdempotencyKey(**{**defaults, **fields})

    return make


async def test_a_free_key_is_taken(make_key: Callable[..., IdempotencyKey]) -> None:
    key = make_key()

    held = await key.reserve()

    assert held.communication_id == key.communication_id
    stored = await IdempotencyKey.find().to_list()
    assert [one.model_dump(exclude={"id"}) for one in stored] == [key.model_dump(exclude={"id"})]


async def test_a_taken_key_names_its_first_record(
    make_key: Callable[..., IdempotencyKey],
) -> None:
    first = await make_key().reserve()

    held = await make_key(fingerprint="other").reserve()

    assert held == first


async def test_the_key_of_another_tenant_is_free(
    make_key: Callable[..., IdempotencyKey],
) -> None:
    await make_key().reserve()
    key = make_key(tenant_id="globex")

    assert (await key.reserve()).communication_id == key.communication_id


async def test_an_expired_key_is_replaced(
    make_key: Callable[..., IdempotencyKey], clock: Clock
) -> None:
    await make_key().reserve()
    clock.advance(timedelta(hours=1))
    key = make_key(fingerprint="other")

    held = await key.reserve()

    assert (held.communication_id, held.fingerprint) == (key.communication_id, "other")
    assert await IdempotencyKey.count() == 1


@pytest.mark.parametrize("expired", [False, True])
async def test_of_many_who_take_a_key_one_wins(
    make_key: Callable[..., IdempotencyKey], clock: Clock, expired: bool
) -> None:
    if expired:
        await make_key().reserve()
        clock.advance(timedelta(hours=1))

    held = await asyncio.gather(*(make_key().reserve() for _ in range(20)))

    assert len({one.communication_id for one in held}) == 1
    assert await IdempotencyKey.count() == 1
