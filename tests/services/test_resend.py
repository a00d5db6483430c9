"""Deliveries by Resend, from end to end."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from beanie import PydanticObjectId

from app.context import Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.vocabulary import AttemptOutcome, CommunicationStatus, DeliveryStatus
from app.services import delivery
from tests.fakes.clock import Clock
from tests.fakes.resend import FakeResend
from tests.fakes.resend_faults import (
    BROKEN,
    CONCURRENT,
    DAILY_QUOTA,
    DROPPED,
    HTML,
    MONTHLY_QUOTA,
    OTHER_PAYLOAD,
    TAKEN_AND_BROKEN,
    TAKEN_AND_DROPPED,
    TAKEN_NOT_ANSWERED,
    TOO_MANY,
    Fault,
)

DeliveryOf = Callable[[PydanticObjectId], Awaitable[Delivery]]
Send = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]

JAN, PIET, EVE = "jan@customer.test", "piet@customer.test", "eve@customer.test"


async def test_a_mail_is_sent_by_resend(
    by_resend: Deps, mailed: Send, stored: Stored, delivery_of: DeliveryOf, resend: FakeResend
) -> None:
    accepted = await mailed({"cc": [PIET], "bcc": [EVE], "replyTo": "s@acme.test"})

    record, row = await stored(accepted.id), await delivery_of(accepted.id)
    (mail,) = resend.mails
    assert record.status == CommunicationStatus.SENT
    assert (record.message_id, record.internet_message_id) == (mail.id, None)
    assert (row.status, row.provider_id) == (DeliveryStatus.SENT, mail.id)
    assert mail.key == str(row.id)
    assert {
        name: mail.fields[name] for name in ("from", "to", "cc", "bcc", "reply_to", "tags")
    } == {
        "from": "Acme <crm@acme.test>",
        "to": [JAN],
        "cc": [PIET],
        "bcc": [EVE],
        "reply_to": ["s@acme.test"],
        "tags": [{"name": "letterbox_delivery", "value": str(row.id)}],
    }


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (BROKEN, "Resend answered 500: internal_server_error An unexpected error occurred."),
        (HTML, "Resend answered 502 without a word"),
        (DROPPED, "no answer from Resend: "),
        (CONCURRENT, "Resend answered 409: concurrent_idempotent_requests "),
        (TAKEN_NOT_ANSWERED, "no answer from Resend: ReadTimeout"),
        (TAKEN_AND_DROPPED, "no answer from Resend: "),
        (TAKEN_AND_BROKEN, "Resend answered 500: "),
    ],
)
async def test_what_goes_wrong_once_is_one_mail(
    by_resend: Deps,
    mailed: Send,
    stored: Stored,
    delivery_of: DeliveryOf,
    resend: FakeResend,
    clock: Clock,
    fault: Fault,
    words: str,
) -> None:
    resend.faults = [fault]
    accepted = await mailed()
    waiting = await stored(accepted.id)
    assert waiting.status == CommunicationStatus.PENDING
    assert waiting.error_message is not None
    assert waiting.error_message.startswith(f"Attempt 1 of 3 failed: {words}")
    clock.advance(timedelta(seconds=12))

    await delivery.deliver(by_resend, str((await delivery_of(accepted.id)).id))

    record, row = await stored(accepted.id), await delivery_of(accepted.id)
    assert record.status == CommunicationStatus.SENT
    assert [mail.id for mail in resend.mails] == [record.message_id] == [row.provider_id]
    assert len(resend.requests) == 2
    assert [a.outcome for a in row.attempts] == [AttemptOutcome.TRANSIENT, AttemptOutcome.SENT]


async def test_a_mail_that_a_dead_worker_handed_over_is_not_handed_over_twice(
    by_resend: Deps,
    send: Send,
    stored: Stored,
    delivery_of: DeliveryOf,
    resend: FakeResend,
    clock: Clock,
) -> None:
    accepted = await send({"providerType": "RESEND"}, over=by_resend)
    await delivery.dispatch(by_resend, str(accepted.id))
    row = await delivery_of(accepted.id)
    # As MongoDB stood while the worker waited for Resend's answer.
    await Communication.get_motor_collection().update_one(
        {"_id": accepted.id}, {"$set": {"status": "SENDING"}, "$unset": {"messageId": ""}}
    )
    await Delivery.get_motor_collection().update_one(
        {"_id": row.id},
        {
            "$set": {
                "status": "QUEUED",
                "dueAt": clock.now(),
                "lease": "dead",
                "attempts": [],
                "recipients": [{"address": JAN, "status": "PENDING"}],
            },
            "$unset": {"providerId": "", "identifyAt": ""},
        },
    )

    await delivery.deliver(by_resend, str(row.id))

    assert [mail.id for mail in resend.mails] == [(await stored(accepted.id)).message_id]
    assert len(resend.requests) == 2


@pytest.mark.parametrize(
    ("fault", "wait"),
    [
        (DAILY_QUOTA, timedelta(hours=2)),
        (MONTHLY_QUOTA, timedelta(hours=12)),
        (TOO_MANY, timedelta(seconds=1)),
    ],
)
async def test_a_quota_parks_the_mail_and_that_is_no_attempt(
    by_resend: Deps,
    mailed: Send,
    stored: Stored,
    delivery_of: DeliveryOf,
    resend: FakeResend,
    clock: Clock,
    fault: Fault,
    wait: timedelta,
) -> None:
    resend.faults = [fault]
    accepted = await mailed()
    row, waiting = await delivery_of(accepted.id), await stored(accepted.id)
    assert row.due_at is not None
    assert wait * 0.9 <= row.due_at - clock.now() <= wait
    assert row.attempts == []
    assert waiting.error_message == (
        f"Waits for its turn: Resend answered 429: {fault.name} {fault.message}"
    )
    clock.advance(wait)

    await delivery.deliver(by_resend, str(row.id))

    assert (await stored(accepted.id)).status == CommunicationStatus.SENT
    assert len(resend.mails) == 1


async def test_a_key_used_for_another_mail_fails_with_resends_words(
    by_resend: Deps, mailed: Send, stored: Stored, resend: FakeResend
) -> None:
    resend.faults = [OTHER_PAYLOAD]

    accepted = await mailed()

    record = await stored(accepted.id)
    assert record.status == CommunicationStatus.FAILED
    assert record.error_message == (
        "Resend has another mail under this key, or had it: Resend answered 409: "
        "invalid_idempotent_request Same idempotency key used with a different request payload."
    )


async def test_a_mail_that_may_be_out_is_not_repeated_after_a_day(
    by_resend: Deps,
    mailed: Send,
    stored: Stored,
    delivery_of: DeliveryOf,
    resend: FakeResend,
    clock: Clock,
) -> None:
    resend.faults = [TAKEN_NOT_ANSWERED]
    accepted = await mailed()
    clock.advance(timedelta(hours=24))

    await delivery.deliver(by_resend, str((await delivery_of(accepted.id)).id))

    record = await stored(accepted.id)
    assert record.status == CommunicationStatus.FAILED
    assert record.error_message is not None
    assert "which may have arrived" in record.error_message
    assert resend.requests == ["POST /emails"]


async def test_sending_again_is_another_mail(
    by_resend: Deps, mailed: Send, resend: FakeResend
) -> None:
    for _ in range(2):
        await mailed()

    assert len({mail.key for mail in resend.mails}) == 2
