import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.providers.base import (
    AccountError,
    ParkedError,
    PermanentError,
    ProviderError,
    TransientError,
)
from app.providers.resend_replies import Reply, fault, readable


def reply(status: int, name: str | None = None, message: str = "Words.", **headers: str) -> Reply:
    body = {"statusCode": status, "name": name, "message": message}
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return Reply.of(status, named, b"<html>" if name is None else json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "name", "kind"),
    [
        (400, "validation_error", PermanentError),
        (400, "invalid_idempotency_key", PermanentError),
        (401, "missing_api_key", AccountError),
        (401, "restricted_api_key", AccountError),
        (401, "a_new_name", AccountError),
        (401, None, AccountError),
        (402, "payment_required", AccountError),
        (403, "validation_error", PermanentError),
        (403, "email_above_quota", PermanentError),
        (403, "invalid_api_key", AccountError),
        (403, "suspended_api_key", AccountError),
        (403, "invalid_permission", AccountError),
        (403, "a_new_name", PermanentError),
        (403, None, AccountError),
        (404, "not_found", AccountError),
        (404, None, AccountError),
        (405, "method_not_allowed", AccountError),
        (408, None, TransientError),
        (409, "invalid_idempotent_request", PermanentError),
        (409, "concurrent_idempotent_requests", TransientError),
        (409, "resource_locked", TransientError),
        (409, None, TransientError),
        (413, None, PermanentError),
        (421, None, AccountError),
        (422, "missing_required_field", PermanentError),
        (422, "invalid_attachment", PermanentError),
        (422, "a_new_name", PermanentError),
        (422, None, PermanentError),
        (425, None, TransientError),
        (429, "rate_limit_exceeded", ParkedError),
        (429, "daily_quota_exceeded", ParkedError),
        (429, "a_new_name", ParkedError),
        (429, None, ParkedError),
        (451, "security_error", PermanentError),
        (500, "application_error", AccountError),
        (500, None, AccountError),
        (502, None, AccountError),
        (503, "service_unavailable", AccountError),
        (599, "a_new_name", AccountError),
        (100, None, AccountError),
        (302, None, AccountError),
    ],
)
def test_what_each_answer_means(status: int, name: str | None, kind: type[ProviderError]) -> None:
    error = fault(reply(status, name))

    assert type(error) is kind
    words = f"Resend answered {status} without a word" if name is None else f"{name} Words."
    assert words in error.detail


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_key_that_is_not_known_is_no_fault_of_the_mails(status: int) -> None:
    error = fault(reply(status, "validation_error", "API key is invalid"))

    assert type(error) is AccountError
    assert error.detail == (
        f"Resend refused our credentials: Resend answered {status}: "
        "validation_error API key is invalid"
    )


def test_words_about_a_key_elsewhere_are_the_mails() -> None:
    assert type(fault(reply(422, "validation_error", "API key is no html"))) is PermanentError


@pytest.mark.parametrize(
    ("status", "name", "headers", "wait"),
    [
        (429, "rate_limit_exceeded", {"retry_after": "7"}, 7),
        (429, "rate_limit_exceeded", {"retry_after": "0.5"}, 0.5),
        (429, "rate_limit_exceeded", {"ratelimit_reset": "3"}, 3),
        (429, "rate_limit_exceeded", {"retry_after": "7", "ratelimit_reset": "3"}, 7),
        (429, "rate_limit_exceeded", {}, 1),
        (429, None, {"Retry_After": "7"}, 7),
        (429, "rate_limit_exceeded", {"retry_after": "Tue, 24 Nov 2026 09:30:00 GMT"}, 1),
        (429, "rate_limit_exceeded", {"retry_after": "-4"}, 1),
        (429, "rate_limit_exceeded", {"retry_after": "nan"}, 1),
        (429, "rate_limit_exceeded", {"retry_after": "9" * 400}, 1),
        (429, "daily_quota_exceeded", {}, 2 * 3600),
        (429, "daily_quota_exceeded", {"retry_after": "60"}, 2 * 3600),
        (429, "daily_quota_exceeded", {"retry_after": "30000"}, 30000),
        (429, "monthly_quota_exceeded", {"retry_after": "60"}, 12 * 3600),
        (409, "concurrent_idempotent_requests", {}, 5),
        (500, "application_error", {}, None),
        (503, "service_unavailable", {"retry_after": "120"}, 120),
        (503, None, {"retry_after": "120"}, 120),
        (401, "missing_api_key", {"retry_after": "120"}, 120),
    ],
)
def test_how_long_to_wait(
    status: int, name: str | None, headers: dict[str, str], wait: float | None
) -> None:
    error = fault(reply(status, name, **headers))

    assert isinstance(error, TransientError)
    assert error.retry_after == (None if wait is None else timedelta(seconds=wait))


@pytest.mark.parametrize(
    ("headers", "rate", "pause"),
    [
        ({}, None, None),
        ({"ratelimit_limit": "10"}, (10, 1), None),
        ({"ratelimit_limit": "10", "ratelimit_policy": "10;w=2"}, (10, 2), None),
        ({"ratelimit_limit": "10", "ratelimit_policy": "nonsense"}, (10, 1), None),
        ({"ratelimit_limit": "10", "ratelimit_policy": "10;w=0"}, None, None),
        ({"ratelimit_limit": "0"}, None, None),
        ({"ratelimit_limit": "many"}, None, None),
        ({"ratelimit_remaining": "0", "ratelimit_reset": "1"}, None, 1),
        ({"ratelimit_remaining": "1", "ratelimit_reset": "1"}, None, None),
        ({"ratelimit_remaining": "0"}, None, None),
    ],
)
def test_what_headers_tell_of_the_rate(
    headers: dict[str, str], rate: tuple[float, float] | None, pause: float | None
) -> None:
    answer = reply(200, "", **headers)

    assert (answer.rate, answer.pause) == (rate, pause)


@pytest.mark.parametrize(
    ("status", "refused"),
    [(200, False), (302, False), (400, True), (408, False), (409, False), (422, True),
     (429, True), (500, False)],
)  # fmt: skip
def test_which_answers_leave_it_open_whether_the_mail_was_taken(status: int, refused: bool) -> None:
    assert reply(status).is_refusal is refused


@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"[]", b'"words"', b"7", b"{", b"\xff\xfe", b"[" * 100_000, b'{"name": 7}',
     b'{"message": {"a": 1}, "name": null}', b'{"message": "\\ud800"}'],
)  # fmt: skip
def test_an_answer_in_any_form_is_told(content: bytes) -> None:
    error = fault(Reply.of(500, {}, content))

    assert type(error) is AccountError
    assert error.detail.startswith("Resend answered 500")
    error.detail.encode()


@given(
    status=st.integers(100, 599).filter(lambda status: not 200 <= status < 300),
    headers=st.dictionaries(
        st.sampled_from(["retry-after", "ratelimit-limit", "ratelimit-reset", "ratelimit-policy"]),
        st.text(),
    ),
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(codec=None)),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["name", "message"]), inner)
        ),
        max_leaves=5,
    ),
)
def test_no_answer_is_too_odd(status: int, headers: dict[str, str], body: Any) -> None:
    answer = Reply.of(status, headers, json.dumps(body).encode())
    error = fault(answer)

    assert error.detail.isprintable()
    assert len(error.detail) < 600
    error.detail.encode()
    assert answer.rate is None or min(answer.rate) > 0


def test_words_are_made_one_line_that_can_be_kept() -> None:
    assert readable("two\r\nlines\0 \ud800\u202e" + "x" * 900) == "two lines ? " + "x" * 488
