import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.suppressions import Suppression
from app.documents.vocabulary import (
    AttemptOutcome,
    CommunicationStatus,
    DeliveryStatus,
    RecipientStatus,
    SuppressionReason,
)
from app.errors import NotFoundError
from app.services import delivery, suppressions
from app.services.connections import ListCommand
from app.services.inputs import parse
from app.services.suppressions import AddSuppression
from tests.fakes.clock import Clock
from tests.fakes.relay import Relay

Send = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
DeliveryOf = Callable[[PydanticObjectId], Awaitable[Delivery]]
Add = Callable[..., Awaitable[Suppression]]

JAN, PIET, EVE = "jan@customer.test", "piet@customer.test", "eve@customer.test"
UNKNOWN = PydanticObjectId("6b050e9454d4a1b9322b3eaa")


@pytest.fixture
def add(deps: Deps, caller: Caller) -> Add:
    async def suppress(address: str, detail: str | None = None) -> Suppression:
        command = parse(AddSuppression, {"address": address, "detail": detail})
        return await suppressions.add(deps, caller, command)

    return suppress


async def test_an_address_is_kept_in_lower_case_and_once(
    deps: Deps, add: Add, clock: Clock
) -> None:
    first = await add("Jan de Vries <Jan@CUSTOMER.test>", "asked for it")
    clock.advance(timedelta(days=1))

    again = await add(JAN, "asked again")

    assert again == first
    assert first.model_dump(exclude={"id", "revision_id"}) == {
        "tenant_id": "acme",
        "address": JAN,
        "reason": SuppressionReason.MANUAL,
        "detail": "asked for it",
        "communication_id": None,
        "created": clock.now() - timedelta(days=1),
        "created_by": "alice",
    }
    assert await Suppression.count() == 1


async def test_added_ten_times_at_once_it_is_one(add: Add) -> None:
    added = await asyncio.gather(*(add(JAN, str(number)) for number in range(10)))

    assert len({suppression.id for suppression in added}) == 1
    assert await Suppression.count() == 1


async def test_what_a_mail_taught_names_it(deps: Deps, clock: Clock) -> None:
    learnt = await suppressions.learn(
        deps,
        "acme",
        "Jan@customer.test",
        SuppressionReason.BOUNCE,
        detail="550 no such user",
        communication_id=UNKNOWN,
    )

    assert (learnt.address, learnt.reason) == (JAN, SuppressionReason.BOUNCE)
    assert (learnt.detail, learnt.communication_id) == ("550 no such user", UNKNOWN)
    assert (learnt.created, learnt.created_by) == (clock.now(), None)


async def test_the_latest_stand_first_and_parts_can_be_had(
    add: Add, caller: Caller, clock: Clock
) -> None:
    for address in (JAN, PIET, EVE):
        await add(address)
        clock.advance(timedelta(seconds=1))

    async def listed(**asked: Any) -> tuple[list[str], int]:
        part = await suppressions.suppressions_of(caller, parse(ListCommand, asked))
        return [suppression.address for suppression in part.nodes], await part.count()

    by_address = [{"field": "ADDRESS", "direction": "ASC"}]
    assert await listed() == ([EVE, PIET, JAN], 3)
    assert await listed(first=1) == ([EVE], 3)
    assert await listed(last=1) == ([JAN], 3)
    assert await listed(orderBy=by_address) == ([EVE, JAN, PIET], 3)
    assert await listed(filter={"address": {"contains": "PIET@"}}) == ([PIET], 1)
    assert await listed(filter={"address": {"contains": ".*"}}) == ([], 0)


async def test_tenants_suppress_for_themselves(
    deps: Deps, add: Add, other_tenant: Caller, send: Send, stored: Stored, relay: Relay
) -> None:
    suppression = await add(JAN)
    assert (await suppressions.suppressions_of(other_tenant, ListCommand())).nodes == []
    with pytest.raises(NotFoundError):
        await suppressions.remove(other_tenant, str(suppression.id))

    record = await send(by=other_tenant)
    await delivery.dispatch(deps, str(record.id))

    assert [mail.recipients for mail in relay.taken] == [(JAN,)]
    assert await Suppression.count() == 1


async def test_once_removed_it_gets_mail_again(
    add: Add, caller: Caller, dispatched: Send, stored: Stored
) -> None:
    suppression = await add(JAN)

    await suppressions.remove(caller, str(suppression.id))

    record = await stored((await dispatched()).id)
    assert record.status == CommunicationStatus.SENT
    with pytest.raises(NotFoundError, match="No suppression has this id"):
        await suppressions.remove(caller, str(suppression.id))


@pytest.mark.parametrize(
    ("reason", "detail", "words"),
    [
        (SuppressionReason.BOUNCE, "550 gone", "suppressed after a permanent bounce: 550 gone"),
        (SuppressionReason.COMPLAINT, None, "suppressed after a complaint"),
        (SuppressionReason.MANUAL, "moved away", "suppressed by a user: moved away"),
    ],
)
async def test_nothing_is_sent_to_a_suppressed_address(
    deps: Deps,
    dispatched: Send,
    stored: Stored,
    delivery_of: DeliveryOf,
    relay: Relay,
    reason: SuppressionReason,
    detail: str | None,
    words: str,
) -> None:
    suppression = Suppression(
        tenant_id="acme", address=JAN, reason=reason, detail=detail, created=deps.now()
    )
    await suppression.insert()

    accepted = await dispatched({"recipients": ["Jan@Customer.test"]})

    record, row = await stored(accepted.id), await delivery_of(accepted.id)
    assert relay.connections == 0
    assert record.status == CommunicationStatus.FAILED
    assert record.error_message == f"Jan@customer.test: {words}; no address is left to send to"
    assert record.events[-1].description == record.error_message
    assert (row.status, row.due_at) == (DeliveryStatus.FAILED, None)
    assert [(r.address, r.status, r.reply) for r in row.recipients] == [
        ("Jan@customer.test", RecipientStatus.SUPPRESSED, words)
    ]
    assert [(a.outcome, a.detail) for a in row.attempts] == [
        (AttemptOutcome.PERMANENT, "no address is left to send to")
    ]


async def test_the_others_get_the_mail(
    add: Add, dispatched: Send, stored: Stored, delivery_of: DeliveryOf, relay: Relay
) -> None:
    await add(PIET)

    accepted = await dispatched({"cc": [PIET], "bcc": [EVE]})

    record, row = await stored(accepted.id), await delivery_of(accepted.id)
    assert [mail.recipients for mail in relay.taken] == [(JAN, EVE)]
    assert record.status == CommunicationStatus.SENT
    assert record.error_message == f"Not delivered to {PIET} (suppressed by a user)"
    assert [r.status for r in row.recipients] == [
        RecipientStatus.ACCEPTED,
        RecipientStatus.SUPPRESSED,
        RecipientStatus.ACCEPTED,
    ]


async def test_the_relay_refuses_whoever_is_left(
    add: Add, dispatched: Send, stored: Stored, relay: Relay
) -> None:
    await add(PIET)
    relay.replies = {JAN: "550 no such user"}

    record = await stored((await dispatched({"cc": [PIET]})).id)

    assert record.status == CommunicationStatus.FAILED
    assert record.error_message == f"{PIET}: suppressed by a user; {JAN}: 550 no such user"


async def test_it_is_looked_at_before_each_attempt(
    deps: Deps,
    add: Add,
    dispatched: Send,
    stored: Stored,
    delivery_of: DeliveryOf,
    relay: Relay,
    clock: Clock,
) -> None:
    relay.replies = {JAN: "450 later"}
    accepted = await dispatched({"cc": [PIET]})
    assert (await stored(accepted.id)).status == CommunicationStatus.SENDING
    await add(JAN)
    relay.replies = {}
    clock.advance(timedelta(minutes=1))

    await delivery.deliver(deps, str((await delivery_of(accepted.id)).id))

    record, row = await stored(accepted.id), await delivery_of(accepted.id)
    assert [mail.recipients for mail in relay.taken] == [(PIET,)]
    assert record.status == CommunicationStatus.SENT
    assert record.error_message == f"Not delivered to {JAN} (suppressed by a user)"
    assert [r.status for r in row.recipients] == [
        RecipientStatus.SUPPRESSED,
        RecipientStatus.ACCEPTED,
    ]
