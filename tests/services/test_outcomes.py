from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.documents.deliveries import DeliveryRecipient
from app.documents.vocabulary import AttemptOutcome, RecipientStatus
from app.providers.base import PermanentError, Receipt, Refusal, TransientError
from app.services import outcomes

PENDING = DeliveryRecipient(address="p@b.test")
OTHER = DeliveryRecipient(address="o@b.test")
ACCEPTED = DeliveryRecipient(address="a@b.test", status=RecipientStatus.ACCEPTED)
REFUSED = DeliveryRecipient(address="r@b.test", status=RecipientStatus.REFUSED, reply="550 no")
SETTLED = [ACCEPTED, REFUSED]


def test_a_receipt_accepts_whoever_was_waiting() -> None:
    outcome = outcomes.of_receipt([PENDING, *SETTLED], Receipt("id", "<id@b.test>"))

    assert outcome.recipients == [
        DeliveryRecipient(address="p@b.test", status=RecipientStatus.ACCEPTED),
        *SETTLED,
    ]
    assert (outcome.kind, outcome.detail) == (AttemptOutcome.SENT, None)
    assert (outcome.waits, outcome.accepted) == (False, True)
    assert outcome.remark == "Not delivered to r@b.test (550 no)"


def test_a_receipt_with_a_passing_refusal_waits() -> None:
    receipt = Receipt(
        "id", "<id@b.test>", refused={"p@b.test": Refusal("450 busy", transient=True)}
    )

    outcome = outcomes.of_receipt([PENDING, OTHER], receipt)

    assert outcome.recipients == [
        DeliveryRecipient(address="p@b.test", reply="450 busy"),
        DeliveryRecipient(address="o@b.test", status=RecipientStatus.ACCEPTED),
    ]
    assert (outcome.kind, outcome.detail) == (AttemptOutcome.TRANSIENT, "450 busy")
    assert (outcome.waits, outcome.accepted, outcome.remark) == (True, True, None)


def test_an_acceptance_forgets_the_words_of_an_earlier_refusal() -> None:
    busy = DeliveryRecipient(address="p@b.test", reply="450 busy")

    outcome = outcomes.of_receipt([busy], Receipt("id", "<id@b.test>"))

    assert outcome.recipients == [
        DeliveryRecipient(address="p@b.test", status=RecipientStatus.ACCEPTED, reply=None)
    ]


def test_a_passing_error_leaves_all_waiting() -> None:
    outcome = outcomes.of_error([PENDING, *SETTLED], TransientError("timeout"))

    assert outcome.recipients == [
        DeliveryRecipient(address="p@b.test", reply="timeout"),
        *SETTLED,
    ]
    assert (outcome.kind, outcome.detail) == (AttemptOutcome.TRANSIENT, "timeout")
    assert outcome.waits is True


def test_a_final_error_refuses_all_who_waited() -> None:
    outcome = outcomes.of_error([PENDING, OTHER], PermanentError("554 spam"))

    assert outcome.recipients == [
        DeliveryRecipient(address=address, status=RecipientStatus.REFUSED, reply="554 spam")
        for address in ("p@b.test", "o@b.test")
    ]
    assert (outcome.kind, outcome.detail) == (AttemptOutcome.PERMANENT, "554 spam")
    assert (outcome.waits, outcome.accepted) == (False, False)


def test_a_passing_error_keeps_what_was_refused_for_good() -> None:
    error = TransientError(
        "o@b.test: 550 no; p@b.test: 450 busy",
        refused={
            "o@b.test": Refusal("550 no", transient=False),
            "p@b.test": Refusal("450 busy", transient=True),
        },
    )

    outcome = outcomes.of_error([PENDING, OTHER], error)

    assert [r.status for r in outcome.recipients] == [
        RecipientStatus.PENDING,
        RecipientStatus.REFUSED,
    ]
    assert [r.reply for r in outcome.recipients] == ["450 busy", "550 no"]


def test_giving_up_refuses_who_still_waits() -> None:
    outcome = outcomes.of_error([PENDING, ACCEPTED], TransientError("450 busy"))

    final = outcomes.given_up(outcome, 3)

    assert final.recipients == [
        DeliveryRecipient(address="p@b.test", status=RecipientStatus.REFUSED, reply="450 busy"),
        ACCEPTED,
    ]
    assert final.detail == "Gave up after 3 attempts: 450 busy"
    assert (final.waits, final.accepted) == (False, True)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ([PENDING], "550 closed"),
        ([PENDING, REFUSED], "r@b.test: 550 no; 550 closed"),
    ],
)
def test_a_failure_names_who_was_refused_before(
    before: list[DeliveryRecipient], expected: str
) -> None:
    outcome = outcomes.of_error(before, PermanentError("550 closed"))

    assert outcomes.failure(before, outcome) == expected


@given(attempt=st.integers(1, 10_000), first=st.integers(1, 600), longest=st.integers(1, 86_400))
def test_the_delay_doubles_up_to_its_limit_with_a_fifth_of_jitter(
    attempt: int, first: int, longest: int
) -> None:
    delay = outcomes.retry_delay(
        attempt, first=timedelta(seconds=first), longest=timedelta(seconds=longest)
    )

    middle = min(first * 2 ** min(attempt - 1, 30), longest)
    assert 0.8 * middle - 1e-6 <= delay.total_seconds() <= 1.2 * middle + 1e-6


def test_delays_differ() -> None:
    second, hour = timedelta(seconds=1), timedelta(hours=1)

    delays = {outcomes.retry_delay(5, first=second, longest=hour) for _ in range(50)}

    assert len(delays) > 40
