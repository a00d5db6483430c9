import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from app.context import Caller, Deps, Scope
from app.documents.communications import Communication
from app.documents.idempotency_keys import IdempotencyKey
from app.documents.vocabulary import CommunicationStatus
from app.errors import ConflictError, ErrorCode, FieldError, InvalidInputError
from app.services import delivery, sending
from tests import fetching
from tests.fakes.clock import Clock
from tests.fakes.relay import Relay
from tests.fakes.visits import PERSON

Send = Callable[..., Awaitable[Communication]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]
Queued = Callable[[], Awaitable[dict[str, float]]]

# What a caller never sees of a record.
INTERNAL = {"dispatch_at", "dispatches", "content_id", "revision_id"}


async def test_the_same_request_gets_the_same_answer(send: Send, footprint: Footprint) -> None:
    first = await send({"variables": {"b": 1, "a": None}}, key="k")
    before = await footprint()

    second = await send({"variables": {"a": None, "b": 1}}, key="k")

    assert second.model_dump(exclude=INTERNAL) == first.model_dump(exclude=INTERNAL)
    assert await footprint() == before


async def test_the_first_answer_is_given_after_all_has_happened(
    deps: Deps, send: Send, relay: Relay, clock: Clock, footprint: Footprint
) -> None:
    first = await send(key="k")
    await delivery.dispatch(deps, str(first.id))
    clock.advance(timedelta(hours=1))
    await fetching.record_open(deps, first.tracking_id, PERSON)
    await fetching.follow_link(deps, first.tracking_id, 0, PERSON)
    before = await footprint()

    second = await send(key="k")

    assert second.model_dump(exclude=INTERNAL) == first.model_dump(exclude=INTERNAL)
    assert await footprint() == before
    assert len(relay.taken) == 1


async def test_the_first_answer_is_given_after_a_failure(
    deps: Deps, send: Send, relay: Relay
) -> None:
    relay.replies["jan@customer.test"] = "550 no such user"
    first = await send(key="k")
    await delivery.dispatch(deps, str(first.id))

    second = await send(key="k")

    assert second.model_dump(exclude=INTERNAL) == first.model_dump(exclude=INTERNAL)


async def test_a_large_first_answer_is_given_again(send: Send) -> None:
    first = await send({"body": "<p>" + "long " * 500_000 + "</p>"}, key="k")

    second = await send({"body": "<p>" + "long " * 500_000 + "</p>"}, key="k")

    assert second.model_dump(exclude=INTERNAL) == first.model_dump(exclude=INTERNAL)


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "Another"},
        {"recipients": ["eve@customer.test"]},
        {"trackingEnabled": False},
        {"variables": {}},
    ],
)
async def test_another_body_under_the_key_is_a_conflict(
    send: Send, footprint: Footprint, changes: dict[str, Any]
) -> None:
    await send(key="k")
    before = await footprint()

    with pytest.raises(ConflictError) as refused:
        await send(changes, key="k")

    assert refused.value.code == ErrorCode.CONFLICT
    assert refused.value.detail == "This Idempotency-Key was used with another request."
    assert await footprint() == before


async def test_unknown_fields_and_spelling_make_no_other_body(send: Send) -> None:
    first = await send({"cc": None, "senderName": ""}, key="k")

    second = await send({"cc": [], "somethingElse": 1}, key="k")

    assert second.id == first.id


async def test_the_key_of_another_tenant_is_another_key(send: Send) -> None:
    first = await send(key="k")

    second = await send({"subject": "Other"}, by=Caller("globex", "bob", frozenset(Scope)), key="k")

    assert second.id != first.id
    assert await Communication.count() == 2


async def test_the_key_of_another_user_of_the_tenant_is_the_same_key(send: Send) -> None:
    first = await send(key="k")

    second = await send(by=Caller("acme", "bob", frozenset(Scope)), key="k")

    assert second.id == first.id
    assert second.created_by == "alice"


async def test_a_key_holds_for_24_hours(send: Send, clock: Clock) -> None:
    first = await send(key="k")
    clock.advance(timedelta(hours=24) - timedelta(milliseconds=1))

    assert (await send(key="k")).id == first.id
    with pytest.raises(ConflictError):
        await send({"subject": "Other"}, key="k")


async def test_a_key_is_free_after_24_hours(send: Send, clock: Clock, queued: Queued) -> None:
    first = await send(key="k")
    clock.advance(timedelta(hours=24))

    second = await send({"subject": "Other"}, key="k")

    assert second.id != first.id
    assert set(await queued()) == {f"dispatch:{first.id}:0", f"dispatch:{second.id}:0"}
    assert await IdempotencyKey.count() == 1
    assert (await send({"subject": "Other"}, key="k")).id == second.id


async def test_a_crash_between_key_and_record_is_completed(
    deps: Deps, send: Send, queued: Queued, relay: Relay
) -> None:
    await send(key="k")
    held = await IdempotencyKey.find_one()
    assert held is not None
    await Communication.get_motor_collection().delete_many({})

    completed = await send(key="k")

    assert completed.id == held.communication_id
    assert await Communication.count() == 1
    assert list(await queued()) == [f"dispatch:{completed.id}:0"]
    await delivery.dispatch(deps, str(completed.id))
    assert len(relay.taken) == 1
    assert (await send(key="k")).model_dump(exclude=INTERNAL) == completed.model_dump(
        exclude=INTERNAL
    )


async def test_a_crash_between_key_and_record_holds_the_key_for_its_body(send: Send) -> None:
    await send(key="k")
    await Communication.get_motor_collection().delete_many({})

    with pytest.raises(ConflictError):
        await send({"subject": "Other"}, key="k")

    assert await Communication.count() == 0


async def test_ten_at_once_store_one(deps: Deps, send: Send, queued: Queued, relay: Relay) -> None:
    answers = await asyncio.gather(*(send(key="k") for _ in range(10)))

    first = answers[0].model_dump(exclude=INTERNAL)
    assert [answer.model_dump(exclude=INTERNAL) for answer in answers] == [first] * 10
    assert await Communication.count() == 1
    assert list(await queued()) == [f"dispatch:{answers[0].id}:0"]
    await asyncio.gather(*(delivery.dispatch(deps, str(answer.id)) for answer in answers))
    assert len(relay.taken) == 1


async def test_ten_at_once_after_the_key_expired_store_one(send: Send, clock: Clock) -> None:
    await send(key="k")
    clock.advance(timedelta(hours=24))

    answers = await asyncio.gather(*(send(key="k") for _ in range(10)))

    assert len({answer.id for answer in answers}) == 1
    assert await Communication.count() == 2


@pytest.mark.parametrize("key", ["", "x" * 257, "a\nb", "a\x7f", "a\ud800", "\u200b"])
async def test_a_bad_key_is_refused(send: Send, footprint: Footprint, key: str) -> None:
    before = await footprint()

    with pytest.raises(InvalidInputError) as refused:
        await send(key=key)

    assert refused.value.fields == (
        FieldError("Idempotency-Key", "must have 1 to 256 printable characters"),
    )
    assert await footprint() == before


@pytest.mark.parametrize("key", ["x" * 256, "0", "é 🦤", " "])
async def test_a_good_key_is_taken(send: Send, key: str) -> None:
    first = await send(key=key)

    assert (await send(key=key)).id == first.id


async def test_how_long_a_key_holds_is_a_setting(
    adjusted: Callable[..., Deps], send: Send, clock: Clock
) -> None:
    deps = adjusted(idempotency_hours=1)
    first = await send(over=deps, key="k")
    clock.advance(timedelta(hours=1))

    assert (await send(over=deps, key="k")).id != first.id


async def test_a_reserved_id_is_the_record_that_a_slow_twin_stores(deps: Deps, send: Send) -> None:
    first = await send(key="k")
    twin = first.model_copy(update={"tracking_id": "another", "subject": "never shown"})

    assert await twin.store() is False

    found = await Communication.shown("acme", str(first.id))
    assert found is not None
    assert (found.subject, found.tracking_id) == ("Your offer", first.tracking_id)
    assert found.status == CommunicationStatus.PENDING


async def test_a_resend_is_not_repeated_when_another_came_in_between(
    deps: Deps, caller: Caller, send: Send, relay: Relay
) -> None:
    id_ = str((await send()).id)
    await delivery.dispatch(deps, id_)

    for key in ("first", "second", "first", "second"):
        await sending.resend(deps, caller, id_, idempotency_key=key)
        await delivery.dispatch(deps, id_)

    assert len(relay.taken) == 3


async def test_a_key_of_a_resend_is_free_after_24_hours(
    deps: Deps, caller: Caller, send: Send, relay: Relay, clock: Clock
) -> None:
    id_ = str((await send()).id)
    await delivery.dispatch(deps, id_)

    for hours in (0, 23, 1):
        clock.advance(timedelta(hours=hours))
        await sending.resend(deps, caller, id_, idempotency_key="k")
        await delivery.dispatch(deps, id_)

    assert len(relay.taken) == 3
