"""Who may make which key, for how long it works, and what of it is kept."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.context import Caller, Deps, Scope
from app.documents.api_keys import ApiKey
from app.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    InvalidTokenError,
    NotFoundError,
)
from app.services import api_keys
from app.services.api_keys import CreateApiKey, IssuedKey, RotateApiKey
from app.services.connections import ListCommand
from app.services.inputs import parse
from app.services.key_secrets import hash_of, new_secret
from tests.fakes.clock import Clock

READ, WRITE = Scope.COMMUNICATIONS_READ, Scope.KEYS_WRITE
REFUSED = "The API key is unknown, expired or revoked."
Make = Callable[..., Awaitable[IssuedKey]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]


@pytest.fixture
def make(deps: Deps, caller: Caller) -> Make:
    """Makes a key that reads, as alice of acme, unless told otherwise."""

    async def create(*, by: Caller = caller, **fields: Any) -> IssuedKey:
        command = parse(CreateApiKey, {"name": "Shop", "scopes": [READ], **fields})
        return await api_keys.create(deps, by, command)

    return create


@pytest.fixture
def by_key(clock: Clock) -> Callable[[str], Awaitable[Caller]]:
    async def caller_by(secret: str) -> Caller:
        return await api_keys.caller_by(secret, clock.now())

    return caller_by


async def names_of(caller: Caller) -> list[str]:
    part = await api_keys.keys_of(caller, ListCommand())
    return [edge.node.name for edge in part.edges]


async def rotate(deps: Deps, caller: Caller, key: ApiKey, overlap: int) -> IssuedKey:
    command = parse(RotateApiKey, {"overlap": overlap})
    return await api_keys.rotate(deps, caller, str(key.id), command)


async def test_only_a_hash_is_kept(make: Make, deps: Deps) -> None:
    issued = await make(expiresAt="2999-01-01T00:00:00Z")

    row = await ApiKey.get_motor_collection().find_one({"_id": issued.key.id})
    assert row == {
        "_id": issued.key.id,
        "tenantId": "acme",
        "name": "Shop",
        "hash": hash_of(issued.secret),
        "prefix": issued.secret[:9],
        "scopes": ["communications:read"],
        "created": deps.now(),
        "createdBy": "alice",
        "expiresAt": datetime(2999, 1, 1, tzinfo=UTC),
    }
    assert issued.secret not in str(row)
    assert issued.secret not in repr(issued)
    assert row["hash"] not in repr(issued)


async def test_a_key_calls_for_its_tenant_with_its_scopes(
    make: Make, by_key: Callable[[str], Awaitable[Caller]]
) -> None:
    issued = await make(scopes=[READ, WRITE, READ], expiresAt="2999-01-01T00:00:00Z")

    found = await by_key(issued.secret)

    id_ = str(issued.key.id)
    assert found == Caller("acme", f"key:{id_}", frozenset({READ, WRITE}), id_)
    assert found.expires_at == datetime(2999, 1, 1, tzinfo=UTC)


async def test_its_use_is_noted_once_a_minute(
    make: Make, by_key: Callable[[str], Awaitable[Caller]], caller: Caller, clock: Clock
) -> None:
    issued = await make()
    noted = []

    for seconds in (0, 59, 1):
        clock.advance(timedelta(seconds=seconds))
        await by_key(issued.secret)
        key = await api_keys.key_of(caller, str(issued.key.id))
        noted.append(key.last_used_at)

    first = clock.now() - timedelta(minutes=1)
    assert issued.key.last_used_at is None
    assert noted == [first, first, clock.now()]


async def test_unknown_expired_and_revoked_keys_are_refused_in_the_same_words(
    make: Make,
    by_key: Callable[[str], Awaitable[Caller]],
    deps: Deps,
    caller: Caller,
    clock: Clock,
    footprint: Footprint,
) -> None:
    expired, revoked = await make(expiresAt=clock.now() + timedelta(seconds=1)), await make()
    await by_key(expired.secret)
    clock.advance(timedelta(seconds=1))
    await api_keys.revoke(deps, caller, str(revoked.key.id))
    before = await footprint()

    for secret in (new_secret(), expired.secret, revoked.secret):
        with pytest.raises(InvalidTokenError, match=f"^{re.escape(REFUSED)}$"):
            await by_key(secret)

    assert await footprint() == before


async def test_a_key_that_is_not_whole_is_told_apart(
    make: Make, by_key: Callable[[str], Awaitable[Caller]]
) -> None:
    issued = await make()

    with pytest.raises(InvalidTokenError, match="checksum"):
        await by_key(issued.secret[:-1])


async def test_nobody_gives_a_scope_they_lack(
    make: Make, caller: Caller, footprint: Footprint
) -> None:
    before = await footprint()

    with pytest.raises(ForbiddenError, match="accounts:read, inbound:write"):
        await make(
            by=replace(caller, scopes=frozenset({WRITE, READ})),
            scopes=[Scope.INBOUND_WRITE, READ, Scope.ACCOUNTS_READ],
        )

    assert await footprint() == before


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"name": ""}, "name: must not be blank"),
        ({"name": "x" * 201}, "name: must have at most 200 characters"),
        ({"name": "a\nb"}, "name: must not contain line breaks"),
        ({"scopes": []}, "scopes: must have at least 1"),
        ({"scopes": [READ] * 100}, f"scopes: must have at most {len(Scope)} entries"),
        ({"scopes": ["everything"]}, r"scopes\[0\]: must be one of communications:read, "),
        ({"expiresAt": "2026-11-24T09:30:00Z"}, "expiresAt: must be in the future"),
        ({"expiresAt": "soon"}, "expiresAt: must be an ISO 8601 date-time"),
    ],
)
async def test_bad_input_makes_no_key(
    make: Make, fields: dict[str, Any], fault: str, footprint: Footprint
) -> None:
    before = await footprint()

    with pytest.raises(InvalidInputError, match=fault):
        await make(**fields)

    assert await footprint() == before


async def test_a_tenant_has_so_many_keys_that_work(
    make: Make, deps: Deps, caller: Caller, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_keys, "LIVE_LIMIT", 2)
    await make(expiresAt=clock.now() + timedelta(minutes=1))
    revoked = await make()

    with pytest.raises(ConflictError, match="at most 2 API keys"):
        await make()
    await make(by=replace(caller, tenant="rival"))
    await api_keys.revoke(deps, caller, str(revoked.key.id))
    await make()
    clock.advance(timedelta(minutes=1))
    await make()

    assert len(await names_of(caller)) == 4


async def test_keys_are_listed_with_the_latest_first(
    make: Make, caller: Caller, clock: Clock
) -> None:
    for name in ("first", "second", "third"):
        await make(name=name)
        clock.advance(timedelta(milliseconds=1))

    assert await names_of(caller) == ["third", "second", "first"]


async def test_a_rotated_key_works_by_both_secrets_for_a_while(
    make: Make,
    by_key: Callable[[str], Awaitable[Caller]],
    deps: Deps,
    caller: Caller,
    clock: Clock,
) -> None:
    old = await make()
    grace = clock.now() + timedelta(seconds=60)

    new = await rotate(deps, caller, old.key, 60)

    assert (new.key.id, new.key.previous_until) == (old.key.id, grace)
    assert (new.key.rotated_at, new.key.rotated_by) == (clock.now(), "alice")
    assert new.key.prefix == new.secret[:9] != old.key.prefix
    by_old, by_new = await by_key(old.secret), await by_key(new.secret)
    assert by_old == by_new
    assert (by_old.expires_at, by_new.expires_at) == (grace, None)
    clock.advance(timedelta(seconds=60))
    assert await by_key(new.secret) == by_new
    with pytest.raises(InvalidTokenError, match=REFUSED):
        await by_key(old.secret)


async def test_without_overlap_the_old_secret_ends_at_once(
    make: Make, by_key: Callable[[str], Awaitable[Caller]], deps: Deps, caller: Caller
) -> None:
    old = await make()

    new = await rotate(deps, caller, old.key, 0)

    assert (await by_key(new.secret)).key_id == str(old.key.id)
    with pytest.raises(InvalidTokenError, match=REFUSED):
        await by_key(old.secret)


async def test_a_second_rotation_ends_what_the_first_let_live(
    make: Make, by_key: Callable[[str], Awaitable[Caller]], deps: Deps, caller: Caller
) -> None:
    first = await make()
    second = await rotate(deps, caller, first.key, 60)

    third = await rotate(deps, caller, first.key, 60)

    assert await by_key(second.secret) == await by_key(third.secret)
    with pytest.raises(InvalidTokenError, match=REFUSED):
        await by_key(first.secret)


async def test_grace_does_not_outlive_the_key(
    make: Make,
    by_key: Callable[[str], Awaitable[Caller]],
    deps: Deps,
    caller: Caller,
    clock: Clock,
) -> None:
    ends = clock.now() + timedelta(seconds=30)
    old = await make(expiresAt=ends)
    new = await rotate(deps, caller, old.key, 60)

    assert (await by_key(old.secret)).expires_at == ends
    clock.advance(timedelta(seconds=30))
    for secret in (old.secret, new.secret):
        with pytest.raises(InvalidTokenError, match=REFUSED):
            await by_key(secret)


async def test_of_two_rotations_at_once_one_is_refused(
    make: Make, by_key: Callable[[str], Awaitable[Caller]], deps: Deps, caller: Caller
) -> None:
    old = await make()
    found = [await api_keys.key_of(caller, str(old.key.id)) for _ in range(2)]
    now = deps.now()

    done = await asyncio.gather(
        *(
            key.rotate(hash_of(word), word, previous_until=now, now=now, author="alice")
            for key, word in zip(found, ("one", "other"), strict=True)
        )
    )

    [kept] = [key for key in done if key is not None]
    assert await api_keys.key_of(caller, str(old.key.id)) == kept
    with pytest.raises(InvalidTokenError, match=REFUSED):
        await by_key(old.secret)


async def test_a_key_that_ended_is_not_rotated(
    make: Make, deps: Deps, caller: Caller, clock: Clock, footprint: Footprint
) -> None:
    expired, revoked = await make(expiresAt=clock.now() + timedelta(seconds=1)), await make()
    clock.advance(timedelta(seconds=1))
    await api_keys.revoke(deps, caller, str(revoked.key.id))
    before = await footprint()

    for issued in (expired, revoked):
        with pytest.raises(ConflictError, match="revoked, expired or being rotated"):
            await rotate(deps, caller, issued.key, 60)

    assert await footprint() == before


@pytest.mark.parametrize("overlap", [-1, 604801, None, "60", True, 1.5])
def test_a_strange_overlap_is_refused(overlap: object) -> None:
    with pytest.raises(InvalidInputError, match=r"^overlap: "):
        parse(RotateApiKey, {"overlap": overlap})


async def test_nobody_gets_scopes_by_rotating(
    make: Make, deps: Deps, caller: Caller, footprint: Footprint
) -> None:
    issued = await make()
    before = await footprint()

    with pytest.raises(ForbiddenError, match="communications:read"):
        await rotate(deps, replace(caller, scopes=frozenset({WRITE})), issued.key, 0)

    assert await footprint() == before


async def test_revoking_ends_both_secrets_and_the_first_to_revoke_is_kept(
    make: Make,
    by_key: Callable[[str], Awaitable[Caller]],
    deps: Deps,
    caller: Caller,
    clock: Clock,
) -> None:
    old = await make()
    new = await rotate(deps, caller, old.key, 60)

    revoked = await api_keys.revoke(deps, caller, str(old.key.id))
    clock.advance(timedelta(seconds=1))
    again = await api_keys.revoke(deps, replace(caller, user="bob"), str(old.key.id))

    assert again == revoked
    assert revoked.revoked_at == clock.now() - timedelta(seconds=1)
    assert revoked.revoked_by == "alice"
    for secret in (old.secret, new.secret):
        with pytest.raises(InvalidTokenError, match=REFUSED):
            await by_key(secret)


@pytest.mark.parametrize("id_", ["6b050e9454d4a1b9322b3eaa", "x", "theirs"])
async def test_unknown_keys_and_those_of_others_are_not_found(
    make: Make, deps: Deps, caller: Caller, id_: str, footprint: Footprint
) -> None:
    issued = await make()
    id_ = str(issued.key.id) if id_ == "theirs" else id_
    rival = replace(caller, tenant="rival")
    before = await footprint()

    with pytest.raises(NotFoundError):
        await api_keys.key_of(rival, id_)
    with pytest.raises(NotFoundError):
        await api_keys.rotate(deps, rival, id_, RotateApiKey(overlap=0))
    with pytest.raises(NotFoundError):
        await api_keys.revoke(deps, rival, id_)

    assert await footprint() == before


async def test_a_key_makes_and_rotates_none_that_outlives_it(
    make: Make,
    by_key: Callable[[str], Awaitable[Caller]],
    deps: Deps,
    clock: Clock,
) -> None:
    ends = clock.now() + timedelta(hours=1)
    own = await make(scopes=[READ, WRITE], expiresAt=ends)
    endless = await make()
    program = await by_key(own.secret)

    for later in (None, ends + timedelta(milliseconds=1)):
        with pytest.raises(InvalidInputError, match=r"expiresAt: must not be after .*T10:30:00Z"):
            await make(by=program, expiresAt=later)
    with pytest.raises(InvalidInputError, match="expiresAt"):
        await rotate(deps, program, endless.key, 0)

    made = await make(by=program, expiresAt=ends)
    assert made.key.created_by == f"key:{own.key.id}"
    rotated = await rotate(deps, program, own.key, 0)
    assert (await by_key(rotated.secret)).key_id == program.key_id


async def test_a_key_is_found_by_an_index(make: Make) -> None:
    await make()

    plan = (
        await ApiKey.get_motor_collection()
        .find({"$or": [{"hash": "a"}, {"previousHash": "a"}]})
        .explain()
    )

    assert "COLLSCAN" not in str(plan["queryPlanner"]["winningPlan"])
    assert "previousHash_1" in str(plan["queryPlanner"]["winningPlan"])
