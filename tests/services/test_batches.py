"""Many mails at once, each on its own account."""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps, Scope
from app.documents.attachments import AttachmentContent
from app.documents.batches import store_together
from app.documents.communications import Communication
from app.documents.idempotency_keys import IdempotencyKey
from app.errors import AppError, ConflictError, ErrorCode, InvalidInputError
from app.queue import JobName
from app.services import batches, delivery, sending
from app.services.batches import BATCH_LIMIT, BatchErrorPolicy
from app.services.inputs import parse
from tests.fakes.relay import Relay
from tests.services.test_attachments import given

Footprint = Callable[[], Awaitable[dict[str, Any]]]
Results = list[Communication | AppError]
Send = Callable[..., Awaitable[Results]]
MAIL = {"subject": "Your offer", "body": "<p>See</p>", "recipients": ["jan@customer.test"]}


def mail(number: int = 0, **changes: Any) -> dict[str, Any]:
    return {**MAIL, "subject": f"Offer {number}", **changes}


def command(given: dict[str, Any]) -> sending.SendCommunication | AppError:
    try:
        return parse(sending.SendCommunication, given)
    except InvalidInputError as error:
        return error


def accepted(results: Results) -> list[Communication]:
    assert all(isinstance(result, Communication) for result in results)
    return [result for result in results if isinstance(result, Communication)]


@pytest.fixture
def send_all(deps: Deps, caller: Caller) -> Send:
    """Sends these mails as a batch of alice's."""

    async def send(
        *mails: dict[str, Any],
        key: str | None = None,
        over: Deps = deps,
        by: Caller = caller,
        policy: BatchErrorPolicy = BatchErrorPolicy.CONTINUE,
    ) -> Results:
        return await batches.send_batch(
            over, by, [command(one) for one in mails], policy=policy, idempotency_key=key
        )

    return send


async def test_each_mail_is_accepted_in_order(
    send_all: Send, deps: Deps, relay: Relay, queued: Callable[[], Awaitable[dict[str, float]]]
) -> None:
    records = accepted(await send_all(*(mail(n) for n in range(40))))

    assert [record.subject for record in records] == [f"Offer {n}" for n in range(40)]
    assert await Communication.count() == 40
    assert set(await queued()) == {f"dispatch:{record.id}:0" for record in records}
    await delivery.dispatch(deps, str(records[7].id))
    assert relay.taken[0].message["Subject"] == "Offer 7"


async def test_a_record_is_what_a_single_send_makes(
    send_all: Send, deps: Deps, caller: Caller
) -> None:
    one = parse(sending.SendCommunication, mail(attachments=[given()]))
    single = await sending.accept(deps, caller, one)

    [batched] = accepted(await send_all(mail(attachments=[given()])))

    rows = await Communication.get_motor_collection().find().to_list(None)
    own = {"_id", "trackingId", "conversationId", "events", "body"}
    first, second = ({k: v for k, v in row.items() if k not in own} for row in rows)
    assert first == second
    changed = {"id", "tracking_id", "conversation_id", "events", "body"}
    assert batched.model_dump(exclude=changed) == single.model_dump(exclude=changed)


async def test_what_is_wrong_with_one_keeps_no_other(send_all: Send, deps: Deps) -> None:
    results = await send_all(
        mail(0),
        mail(1, recipients=["nobody"]),
        mail(2, templateId="6b050e9454d4a1b9322b3eaa"),
        mail(3, body="{{ name }}", variables={}),
        mail(4, body="x" * (deps.settings.body_limit + 1)),
        mail(5, attachments=[given(b"x" * (deps.settings.attachments_limit + 1))]),
        mail(6),
    )

    errors = {n: r for n, r in enumerate(results) if isinstance(r, AppError)}
    assert {n: (e.code, [f.path for f in e.fields]) for n, e in errors.items()} == {
        1: (ErrorCode.BAD_USER_INPUT, ["recipients[0]"]),
        2: (ErrorCode.BAD_USER_INPUT, ["templateId"]),
        3: (ErrorCode.BAD_USER_INPUT, ["body"]),
        4: (ErrorCode.PAYLOAD_TOO_LARGE, ["body"]),
        5: (ErrorCode.PAYLOAD_TOO_LARGE, ["attachments"]),
    }
    assert [r.subject for r in results if isinstance(r, Communication)] == ["Offer 0", "Offer 6"]
    assert await Communication.count() == 2
    assert await AttachmentContent.count() == 0


async def test_a_fault_of_ours_hits_one_mail(deps: Deps, caller: Caller) -> None:
    # No mail is known that brings one about: this one was never checked, and lacks a body.
    fields: dict[str, Any] = {"subject": "secret words"}
    unheard_of = sending.SendCommunication.model_construct(**fields)

    results = await batches.send_batch(
        deps, caller, [unheard_of, parse(sending.SendCommunication, mail(1))]
    )

    assert isinstance(results[0], AppError)
    assert results[0].code is ErrorCode.INTERNAL
    assert "body" not in results[0].detail
    assert isinstance(results[1], Communication)


@pytest.mark.parametrize("count", [0, BATCH_LIMIT + 1])
async def test_none_and_too_many_are_refused_whole(
    send_all: Send, footprint: Footprint, count: int
) -> None:
    before = await footprint()

    with pytest.raises(InvalidInputError) as refused:
        await send_all(*[mail()] * count, key="k")

    assert refused.value.detail == f"input: must have 1 to 500 entries, and has {count}"
    assert await footprint() == before


@pytest.mark.timeout(60)
async def test_five_hundred_are_accepted(send_all: Send) -> None:
    records = accepted(await send_all(*(mail(n) for n in range(BATCH_LIMIT)), key="k"))

    assert len({record.id for record in records}) == 500
    assert await Communication.count() == 500
    assert await IdempotencyKey.count() == 1


async def test_they_are_accepted_by_few_writes(send_all: Send) -> None:
    database = Communication.get_motor_collection().database
    await database.command({"profile": 2})

    accepted(await send_all(*(mail(n, attachments=[given()]) for n in range(100)), key="k"))

    await database.command({"profile": 0})
    written = {"op": {"$in": ["insert", "update"]}, "ns": {"$not": re.compile("profile")}}
    writes = await database["system.profile"].find(written).to_list(None)
    changes = await database["system.profile"].count_documents(
        {"command.findAndModify": {"$exists": True}}
    )
    await database["system.profile"].drop()
    counted = Counter((write["op"], write["ns"].partition(".")[2]) for write in writes)
    assert counted[("insert", "communications")] == 1
    # The key, and the one content that all of them have.
    assert changes == 2
    assert sum(counted.values()) <= 6


async def test_the_same_key_sends_nothing_twice(send_all: Send, footprint: Footprint) -> None:
    mails = [mail(0), mail(1, recipients=["nobody"]), mail(2, attachments=[given()])]
    first = await send_all(*mails, key="k")
    before = await footprint()

    second = await send_all(*mails, key="k")

    assert [r.id for r in second if isinstance(r, Communication)] == [
        r.id for r in first if isinstance(r, Communication)
    ]
    assert isinstance(second[1], AppError)
    assert await footprint() == before


async def test_the_first_answer_is_given_after_all_has_happened(send_all: Send, deps: Deps) -> None:
    first = accepted(await send_all(mail(0), mail(1), key="k"))
    await delivery.dispatch(deps, str(first[0].id))

    second = accepted(await send_all(mail(0), mail(1), key="k"))

    assert [record.status for record in second] == ["PENDING", "PENDING"]


async def test_a_batch_cut_off_in_the_middle_is_completed(
    send_all: Send, footprint: Footprint
) -> None:
    first = accepted(await send_all(*(mail(n) for n in range(6)), key="k"))
    # As if the process had died when three of them were written.
    lost = [record.id for record in first[::2]]
    await Communication.get_motor_collection().delete_many({"_id": {"$in": lost}})

    second = accepted(await send_all(*(mail(n) for n in range(6)), key="k"))

    assert [record.id for record in second] == [record.id for record in first]
    assert [record.subject for record in second] == [f"Offer {n}" for n in range(6)]
    assert await Communication.count() == 6


async def test_a_batch_cut_off_before_its_records_is_completed(send_all: Send) -> None:
    first = accepted(await send_all(mail(0), mail(1), key="k"))
    await Communication.get_motor_collection().delete_many({})

    second = accepted(await send_all(mail(0), mail(1), key="k"))

    assert [record.id for record in second] == [record.id for record in first]


async def test_the_same_batch_twice_at_once_is_one(send_all: Send) -> None:
    mails = [mail(n) for n in range(20)]

    results = await asyncio.gather(*(send_all(*mails, key="k") for _ in range(4)))

    ids = [[record.id for record in accepted(result)] for result in results]
    assert ids == [ids[0]] * 4
    assert await Communication.count() == 20


async def test_what_was_refused_is_tried_again(
    send_all: Send, deps: Deps, adjusted: Callable[..., Deps]
) -> None:
    narrow = adjusted(recipient_limit=1)
    mails = [mail(0), mail(1, cc=["b@customer.test"])]
    first = await send_all(*mails, key="k", over=narrow)
    assert isinstance(first[1], AppError)

    second = accepted(await send_all(*mails, key="k"))

    assert isinstance(first[0], Communication)
    assert second[0].id == first[0].id
    assert await Communication.count() == 2


async def test_a_batch_of_which_nothing_was_accepted_frees_its_key(send_all: Send) -> None:
    await send_all(mail(recipients=["nobody"]), key="k")

    assert await IdempotencyKey.count() == 0
    accepted(await send_all(mail(), key="k"))


@pytest.mark.parametrize(
    "other",
    [
        [mail(0)],
        [mail(1), mail(0)],
        [mail(0), mail(1, subject="Other")],
        [mail(0), mail(1, attachments=[given()])],
        [mail(0), mail(1, recipients=["nobody"])],
    ],
)
async def test_another_batch_under_the_key_is_a_conflict(
    send_all: Send, footprint: Footprint, other: Sequence[dict[str, Any]]
) -> None:
    await send_all(mail(0), mail(1), key="k")
    before = await footprint()

    with pytest.raises(ConflictError):
        await send_all(*other, key="k")

    assert await footprint() == before


async def test_a_single_send_under_the_key_is_a_conflict(
    send_all: Send, deps: Deps, caller: Caller
) -> None:
    await send_all(mail(0), key="k")

    with pytest.raises(ConflictError):
        await sending.accept(
            deps, caller, parse(sending.SendCommunication, mail(0)), idempotency_key="k"
        )


async def test_the_key_of_another_tenant_is_another_key(send_all: Send) -> None:
    first = accepted(await send_all(mail(0), key="k"))

    other = Caller("globex", "bob", frozenset(Scope))
    second = accepted(await send_all(mail(1), key="k", by=other))

    assert first[0].id != second[0].id


async def test_large_bodies_and_files_are_kept(send_all: Send) -> None:
    large = "<p>" + "long " * 500_000 + "</p>"
    mails = [mail(0, body=large), mail(1, attachments=[given()]), mail(2, attachments=[given()])]

    first = accepted(await send_all(*mails, key="k"))
    second = accepted(await send_all(*mails, key="k"))

    found = await Communication.shown("acme", str(first[0].id))
    assert found is not None
    assert found.original_body == second[0].original_body == large
    assert await AttachmentContent.count() == 1


STOP, ALL_OR_NOTHING = BatchErrorPolicy.STOP, BatchErrorPolicy.ALL_OR_NOTHING


def codes(results: Results) -> list[ErrorCode | None]:
    return [result.code if isinstance(result, AppError) else None for result in results]


async def test_stopping_sends_what_stands_before_the_first_that_is_refused(
    send_all: Send, queued: Callable[[], Awaitable[dict[str, float]]]
) -> None:
    bad = mail(2, recipients=["nobody"])

    results = await send_all(mail(0), mail(1), bad, mail(3), bad, policy=STOP)

    left, wrong = ErrorCode.NOT_ATTEMPTED, ErrorCode.BAD_USER_INPUT
    assert codes(results) == [None, None, wrong, left, wrong]
    assert isinstance(results[3], AppError)
    assert results[3].detail == "Not sent: the mail at place 2 was refused."
    assert await Communication.count() == len(await queued()) == 2


async def test_a_batch_that_stopped_goes_on_when_it_is_repeated(
    send_all: Send, adjusted: Callable[..., Deps]
) -> None:
    mails = [mail(0), mail(1, cc=["b@customer.test"]), mail(2)]
    first = await send_all(*mails, key="k", policy=STOP, over=adjusted(recipient_limit=1))
    assert codes(first) == [None, ErrorCode.BAD_USER_INPUT, ErrorCode.NOT_ATTEMPTED]

    second = accepted(await send_all(*mails, key="k", policy=STOP))

    assert isinstance(first[0], Communication)
    assert second[0].id == first[0].id
    assert await Communication.count() == 3


async def test_all_or_nothing_sends_all(
    send_all: Send, queued: Callable[[], Awaitable[dict[str, float]]]
) -> None:
    large = "<p>" + "long " * 500_000 + "</p>"
    mails = [mail(0), mail(1, body=large), mail(2, attachments=[given()])]

    records = accepted(await send_all(*mails, policy=ALL_OR_NOTHING))

    assert set(await queued()) == {f"dispatch:{record.id}:0" for record in records}
    found = [await Communication.shown("acme", str(record.id)) for record in records]
    assert [one.original_body for one in found if one is not None][1] == large
    assert await Communication.count() == 3


async def test_all_or_nothing_sends_none_when_one_is_refused(
    send_all: Send, footprint: Footprint
) -> None:
    before = await footprint()
    bad = mail(1, templateId="6b050e9454d4a1b9322b3eaa")

    results = await send_all(mail(0), bad, mail(2, attachments=[given()]), policy=ALL_OR_NOTHING)

    left = ErrorCode.NOT_ATTEMPTED
    assert codes(results) == [left, ErrorCode.BAD_USER_INPUT, left]
    assert await footprint() == before


async def test_all_or_nothing_is_tried_again_under_its_key(
    send_all: Send, adjusted: Callable[..., Deps], footprint: Footprint
) -> None:
    mails = [mail(0), mail(1, cc=["b@customer.test"])]
    narrow = adjusted(recipient_limit=1)
    refused = await send_all(*mails, key="k", policy=ALL_OR_NOTHING, over=narrow)
    assert codes(refused) == [ErrorCode.NOT_ATTEMPTED, ErrorCode.BAD_USER_INPUT]
    first = accepted(await send_all(*mails, key="k", policy=ALL_OR_NOTHING))
    before = await footprint()

    second = accepted(await send_all(*mails, key="k", policy=ALL_OR_NOTHING))
    with pytest.raises(ConflictError):
        await send_all(*mails, key="k")

    assert [record.id for record in second] == [record.id for record in first]
    assert await footprint() == before


async def test_all_or_nothing_twice_at_once_is_one(send_all: Send, footprint: Footprint) -> None:
    large = "<p>" + "long " * 500_000 + "</p>"
    mails = [mail(0, body=large), *(mail(n) for n in range(1, 10))]

    results = await asyncio.gather(
        *(send_all(*mails, key="k", policy=ALL_OR_NOTHING) for _ in range(3))
    )

    ids = [[record.id for record in accepted(result)] for result in results]
    assert ids == [ids[0]] * 3
    assert await Communication.count() == 10
    database = Communication.get_motor_collection().database
    assert await database["communications.content.files"].count_documents({}) == 1


@pytest.mark.timeout(60)
async def test_five_hundred_are_accepted_together(send_all: Send) -> None:
    accepted(await send_all(*(mail(n) for n in range(BATCH_LIMIT)), policy=ALL_OR_NOTHING))

    assert await Communication.count() == 500


async def test_a_record_that_is_there_keeps_all_of_them_out(send_all: Send) -> None:
    [there] = accepted(await send_all(mail(0)))
    other = there.model_copy(update={"id": PydanticObjectId()})

    assert not await store_together([other, there])
    assert await Communication.count() == 1


class SilentQueue:
    """Takes nothing and never answers, as a queue behind a dead line."""

    async def enqueue(
        self, job: JobName, id_: str, *, turn: int | str, at: datetime | None = None
    ) -> None:
        await asyncio.Event().wait()

    async def ping(self) -> None:
        raise ConnectionError

    async def close(self) -> None:
        return


async def test_a_queue_that_does_not_answer_holds_nothing_up(send_all: Send, deps: Deps) -> None:
    async with asyncio.timeout(10):
        accepted(
            await send_all(*(mail(n) for n in range(60)), over=replace(deps, queue=SilentQueue()))
        )

    # The sweep finds them.
    assert len(await Communication.due(deps.now(), 100)) == 60
