"""By whom mail goes while accounts come and go."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId
from pydantic import SecretStr

from app.context import Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.provider_accounts import ProviderAccount
from app.documents.vocabulary import AttemptOutcome, CommunicationStatus, EventType
from app.services import delivery
from tests.fakes.clock import Clock
from tests.fakes.relay import Relay, drop_connection

Send = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
DeliveryOf = Callable[[PydanticObjectId], Awaitable[Delivery]]
Account = Callable[..., Awaitable[ProviderAccount]]
Adjusted = Callable[..., Deps]
SECONDS = timedelta(seconds=1)


@pytest.fixture
def quick(adjusted: Adjusted) -> Deps:
    """Down after two failures, for 60 s, 120 s and then never more than 200 s."""
    return adjusted(
        account_failures=2,
        account_pause=60 * SECONDS,
        account_pause_limit=200 * SECONDS,
        send_attempts=10,
        retry_delay=SECONDS,
        retry_delay_limit=SECONDS,
    )


@pytest.fixture
def again(quick: Deps, clock: Clock, delivery_of: DeliveryOf) -> Callable[..., Awaitable[None]]:
    """Tries the mail of a record once more, so long after now."""

    async def attempt(record: Communication, after: timedelta = 2 * SECONDS) -> None:
        clock.advance(after)
        await delivery.deliver(quick, str((await delivery_of(record.id)).id))

    return attempt


async def state_of(account: ProviderAccount) -> ProviderAccount:
    found = await ProviderAccount.by_id(account.id)
    assert found is not None
    return found


async def take_down(account: ProviderAccount, deps: Deps) -> None:
    await ProviderAccount.get_motor_collection().update_one(
        {"_id": account.id},
        {"$set": {"failures": 2, "downUntil": deps.now() + 60 * SECONDS, "lastError": "words"}},
    )


async def test_mail_goes_by_its_account(
    deps: Deps,
    dispatched: Send,
    account: Account,
    delivery_of: DeliveryOf,
    relay: Relay,
    second_relay: Relay,
) -> None:
    main = await account("Main", port=second_relay.port, senderEmails=["sales@acme.test"])

    accepted = await dispatched()

    assert relay.taken == []
    (mail,) = second_relay.taken
    assert (mail.sender, mail.recipients) == ("sales@acme.test", ("jan@customer.test",))
    assert (await delivery_of(accepted.id)).account_id == main.id
    for _ in range(3):
        await dispatched()
    assert len(second_relay.taken) == 4
    assert second_relay.connections == 1


async def test_mail_accepted_before_there_was_an_account_goes_by_the_service(
    deps: Deps, send: Send, account: Account, relay: Relay, second_relay: Relay
) -> None:
    record = await send()
    await account("Main", port=second_relay.port)

    await delivery.dispatch(deps, str(record.id))

    assert (len(relay.taken), second_relay.taken) == (1, [])


async def test_an_account_that_is_gone_fails_its_mail(
    deps: Deps, send: Send, account: Account, stored: Stored, relay: Relay
) -> None:
    main = await account("Main")
    record = await send()
    assert await ProviderAccount.delete_once("acme", main.id)

    await delivery.dispatch(deps, str(record.id))

    failed = await stored(record.id)
    assert failed.status == CommunicationStatus.FAILED
    assert failed.error_message == "the provider account that it was to go by was deleted"
    assert relay.taken == []


async def test_an_account_whose_key_is_gone_waits_for_it(
    quick: Deps,
    adjusted: Adjusted,
    dispatched: Send,
    account: Account,
    stored: Stored,
    again: Callable[..., Awaitable[None]],
    second_relay: Relay,
) -> None:
    smtp = {"host": "127.0.0.1", "port": second_relay.port, "security": "none"}
    main = await account("Main", smtp={**smtp, "username": "acme", "password": "s3cret"})
    other = SecretStr("MTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ub3BxcnN0dXY=")

    accepted = await dispatched(over=adjusted(secret_keys=other))

    waiting = await stored(accepted.id)
    assert waiting.status == CommunicationStatus.PENDING
    assert waiting.error_message == (
        "Attempt 1 of 3 failed: the secrets of the account cannot be opened: the key that sealed "
        "it is not among LETTERBOX_SECRET_KEYS"
    )
    assert (await state_of(main)).failures == 1


async def test_an_account_that_fails_again_and_again_is_down(
    quick: Deps,
    dispatched: Send,
    account: Account,
    stored: Stored,
    delivery_of: DeliveryOf,
    again: Callable[..., Awaitable[None]],
    closed_port: int,
    clock: Clock,
) -> None:
    main = await account("Main", port=closed_port)

    accepted = await dispatched(over=quick)
    assert (await state_of(main)).down_until is None
    assert (await state_of(main)).failures == 1
    await again(accepted)

    down = await state_of(main)
    assert down.down_until == clock.now() + 60 * SECONDS
    assert down.last_error is not None
    assert down.last_error.startswith(f"no connection to the relay 127.0.0.1:{closed_port}: ")
    await again(accepted)
    record, row = await stored(accepted.id), await delivery_of(accepted.id)
    assert record.status == CommunicationStatus.PENDING
    assert record.error_message == f"Waits for its turn: Main is down: {down.last_error}"
    # It waits for the trial; that was no attempt.
    assert row.due_at == down.down_until
    assert [attempt.outcome for attempt in row.attempts] == [AttemptOutcome.TRANSIENT] * 2


async def test_one_mail_tries_when_the_time_has_come(
    quick: Deps,
    send: Send,
    account: Account,
    closed_port: int,
    clock: Clock,
    delivery_of: DeliveryOf,
) -> None:
    main = await account("Main", port=closed_port)
    records = [await send() for _ in range(6)]
    for record in records[:3]:
        await delivery.dispatch(quick, str(record.id))
    clock.advance(60 * SECONDS)

    await asyncio.gather(*(delivery.dispatch(quick, str(record.id)) for record in records[3:]))

    rows = [await delivery_of(record.id) for record in records[3:]]
    assert sorted(len(row.attempts) for row in rows) == [0, 0, 1]
    down = await state_of(main)
    assert (down.failures, down.trips) == (3, 2)
    assert down.down_until == clock.now() + 120 * SECONDS
    # The pause grows no further than its limit.
    for _ in range(3):
        clock.advance(down.down_until - clock.now())
        await asyncio.gather(*(delivery.deliver(quick, str(row.id)) for row in rows))
        down = await state_of(main)
        assert down.down_until == clock.now() + 200 * SECONDS


async def test_a_success_brings_it_up(
    quick: Deps,
    dispatched: Send,
    account: Account,
    stored: Stored,
    again: Callable[..., Awaitable[None]],
    second_relay: Relay,
    relay: Relay,
) -> None:
    smtp = {"host": "127.0.0.1", "port": second_relay.port, "security": "starttls"}
    main = await account("Main", smtp=smtp)
    accepted = await dispatched(over=quick)
    await again(accepted)
    assert (await state_of(main)).down_until is not None
    # As a person would mend it, beside the service.
    await ProviderAccount.get_motor_collection().update_one(
        {"_id": main.id}, {"$set": {"smtp.security": "none"}, "$inc": {"revision": 1}}
    )

    await again(accepted, 61 * SECONDS)

    assert (await stored(accepted.id)).status == CommunicationStatus.SENT
    assert len(second_relay.taken) == 1
    up = await state_of(main)
    assert (up.failures, up.trips, up.down_until, up.last_error) == (0, 0, None, None)


async def test_a_refused_mail_says_nothing_against_its_account(
    quick: Deps, dispatched: Send, account: Account, second_relay: Relay
) -> None:
    main = await account("Main", port=second_relay.port)
    second_relay.data_replies = ["554 spam", "554 spam", "451 later", "451 later"]

    for _ in range(4):
        await dispatched(over=quick)

    up = await state_of(main)
    assert (up.failures, up.down_until) == (0, None)


async def test_while_it_is_down_the_fallback_carries(
    quick: Deps,
    dispatched: Send,
    account: Account,
    stored: Stored,
    delivery_of: DeliveryOf,
    again: Callable[..., Awaitable[None]],
    closed_port: int,
    second_relay: Relay,
    relay: Relay,
) -> None:
    spare = await account("Spare", port=second_relay.port)
    main = await account(
        "Main", port=closed_port, fallbackId=str(spare.id), senderEmails=["sales@acme.test"]
    )
    accepted = await dispatched({"senderEmail": "sales@acme.test"}, over=quick)
    await again(accepted)
    assert second_relay.taken == []

    await again(accepted)

    record, row = await stored(accepted.id), await delivery_of(accepted.id)
    why = (await state_of(main)).last_error
    remark = f"Sent by the fallback account Spare because Main is down: {why}"
    assert record.status == CommunicationStatus.SENT
    assert record.error_message == remark
    assert [(e.type, e.description) for e in record.events] == [
        (EventType.CREATE, None),
        (EventType.SEND, remark),
    ]
    assert (record.account_id, row.account_id) == (main.id, spare.id)
    assert [mail.sender for mail in second_relay.taken] == ["sales@acme.test"]
    assert second_relay.taken[0].message["Message-ID"] == row.message_id
    assert relay.taken == []


async def test_who_is_refused_by_the_fallback_is_told_too(
    quick: Deps,
    dispatched: Send,
    account: Account,
    stored: Stored,
    again: Callable[..., Awaitable[None]],
    closed_port: int,
    second_relay: Relay,
) -> None:
    spare = await account("Spare", port=second_relay.port)
    await account("Main", port=closed_port, fallbackId=str(spare.id), senderEmails=["@acme.test"])
    second_relay.replies = {"piet@customer.test": "550 no such user"}
    both = ["jan@customer.test", "piet@customer.test"]
    accepted = await dispatched({"senderEmail": "s@acme.test", "recipients": both}, over=quick)
    await again(accepted)
    await again(accepted)

    remark = (await stored(accepted.id)).error_message
    assert remark is not None
    assert remark.startswith("Sent by the fallback account Spare because Main is down: ")
    assert remark.endswith(". Not delivered to piet@customer.test (550 no such user)")


async def test_fallbacks_that_stand_in_for_each_other_end_in_waiting(
    quick: Deps,
    send: Send,
    dispatched: Send,
    account: Account,
    stored: Stored,
    again: Callable[..., Awaitable[None]],
    closed_port: int,
) -> None:
    one = await account("One", port=closed_port)
    other = await account("Other", port=closed_port, fallbackId=str(one.id))
    await ProviderAccount.get_motor_collection().update_one(
        {"_id": one.id}, {"$set": {"fallbackId": other.id}}
    )
    accepted = await dispatched(over=quick)
    for _ in range(4):
        await again(accepted)

    assert (await state_of(one)).down_until is not None
    assert (await state_of(other)).down_until is not None
    words = (await stored(accepted.id)).error_message
    assert words is not None
    assert words.startswith("Waits for its turn: One is down: ")


async def test_a_mail_that_may_be_out_stays_with_its_account(
    quick: Deps,
    dispatched: Send,
    send: Send,
    account: Account,
    stored: Stored,
    delivery_of: DeliveryOf,
    again: Callable[..., Awaitable[None]],
    relay: Relay,
    second_relay: Relay,
) -> None:
    spare = await account("Spare", port=relay.port)
    main = await account(
        "Main", port=second_relay.port, fallbackId=str(spare.id), senderEmails=["@acme.test"]
    )
    sender = {"senderEmail": "s@acme.test"}
    second_relay.on_data = drop_connection
    uncertain = await dispatched(sender, over=quick)
    await take_down(main, quick)

    await again(uncertain)
    other = await dispatched(sender, over=quick)

    # What surely was not sent goes by the other; what may have been does not.
    assert (await stored(other.id)).status == CommunicationStatus.SENT
    assert len(relay.taken) == 1
    record, row = await stored(uncertain.id), await delivery_of(uncertain.id)
    assert record.status == CommunicationStatus.PENDING
    assert record.error_message == "Waits for its turn: Main is down: words"
    assert row.account_id == main.id
    second_relay.on_data = None
    await again(uncertain, 100 * SECONDS)
    assert (await stored(uncertain.id)).status == CommunicationStatus.SENT
    assert len(relay.taken) == 1


@pytest.mark.parametrize("sign", ["lease", "state", "interrupted"])
async def test_what_a_worker_left_half_done_stays_with_its_account(
    quick: Deps,
    send: Send,
    dispatched: Send,
    account: Account,
    delivery_of: DeliveryOf,
    again: Callable[..., Awaitable[None]],
    second_relay: Relay,
    closed_port: int,
    sign: str,
) -> None:
    spare = await account("Spare", port=second_relay.port)
    main = await account(
        "Main", port=closed_port, fallbackId=str(spare.id), senderEmails=["@acme.test"]
    )
    record = await dispatched({"senderEmail": "s@acme.test"}, over=quick)
    row = await delivery_of(record.id)
    signs: dict[str, Any] = {
        "lease": {"$set": {"lease": "dead"}},
        "state": {"$set": {"providerState": "a draft"}},
        "interrupted": {"$push": {"attempts": {"date": quick.now(), "outcome": "INTERRUPTED"}}},
    }
    await Delivery.get_motor_collection().update_one({"_id": row.id}, signs[sign])
    await take_down(main, quick)

    await again(record)
    await again(record, 30 * SECONDS)

    assert second_relay.taken == []
    assert (await delivery_of(record.id)).account_id == main.id
