from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.documents.vocabulary import NewsKind
from app.mail.engagement.hits import EngagementKind
from app.services.resend_events import (
    HITS,
    KINDS,
    MAX_ADDRESSES,
    MAX_WORDS,
    NO_MOVES,
    UNKNOWN_TYPE,
    ResendEvent,
    ToldHit,
    read_event,
    type_of,
)
from tests.fakes.resend_events import EMAIL_ID, bounce, event

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "data", "to", "tags", "bounce", "name", "value", "message"])
            | st.text(max_size=3),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


def test_a_bounce_in_full() -> None:
    raw = event("bounced", delivery="6b05", message_id="<1@eu.resend.test>", **bounce())

    assert read_event(raw) == ResendEvent(
        kind=NewsKind.BOUNCED,
        no_move=None,
        date=datetime(2100, 11, 24, 9, 31, 12, 126_000, tzinfo=UTC),
        delivery_id="6b05",
        email_id=EMAIL_ID,
        message_id="<1@eu.resend.test>",
        addresses=("jan@customer.test",),
        words="550 5.1.1 user unknown",
    )


@pytest.mark.parametrize(
    ("kind", "more", "expected"),
    [
        ("delivered", {}, NewsKind.DELIVERED),
        ("delivery_delayed", {}, NewsKind.DEFERRED),
        ("bounced", bounce("Permanent"), NewsKind.BOUNCED),
        ("bounced", bounce("Transient"), NewsKind.SOFT_BOUNCED),
        ("bounced", bounce("Temporary"), NewsKind.SOFT_BOUNCED),
        ("bounced", bounce("Undetermined"), NewsKind.SOFT_BOUNCED),
        ("bounced", {}, NewsKind.SOFT_BOUNCED),
        ("bounced", {"bounce": "odd"}, NewsKind.SOFT_BOUNCED),
        ("complained", {}, NewsKind.COMPLAINED),
        ("failed", {"failed": {"reason": "reached_daily_quota"}}, NewsKind.FAILED),
        ("suppressed", {}, NewsKind.FAILED),
    ],
)
def test_what_each_type_moves(kind: str, more: dict[str, Any], expected: NewsKind) -> None:
    told = read_event(event(kind, **more))

    assert (told.kind, told.no_move) == (expected, None)


@pytest.mark.parametrize("kind", ["scheduled", "sent", "received"])
def test_what_moves_nothing_says_why(kind: str) -> None:
    told = read_event(event(kind))

    assert (told.kind, told.no_move) == (None, NO_MOVES[f"email.{kind}"])


def test_a_click_tells_who_followed_what() -> None:
    click = {
        "ipAddress": "192.0.2.9",
        "link": "https://acme.test",
        "timestamp": "2100-11-24T09:31:00.000Z",
        "userAgent": "Mozilla/5.0",
    }

    told = read_event(event("clicked", click=click))

    assert (told.kind, told.no_move) == (None, None)
    assert told.hit == ToldHit(
        EngagementKind.CLICK,
        "https://acme.test",
        "Mozilla/5.0",
        "192.0.2.9",
        datetime(2100, 11, 24, 9, 31, tzinfo=UTC),
    )


def test_an_open_tells_nothing_more() -> None:
    told = read_event(event("opened"))

    assert (told.kind, told.no_move) == (None, None)
    assert told.hit == ToldHit(EngagementKind.OPEN, None, None, None, None)


@pytest.mark.parametrize("kind", ["contact.created", "domain.updated", "suppression.added", "x"])
def test_types_that_came_after_us_move_nothing(kind: str) -> None:
    told = read_event(orjson.dumps({"type": kind, "data": {"id": "1"}}))

    assert (told.kind, told.no_move, told.email_id) == (None, UNKNOWN_TYPE, None)


def test_every_type_stands_in_one_of_the_tables() -> None:
    names = "sent scheduled delivered delivery_delayed bounced complained opened clicked failed"
    known = {f"email.{name}" for name in f"{names} suppressed received".split()}

    assert sorted([*KINDS, *NO_MOVES, *HITS]) == sorted(known)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (bounce(diagnosticCode="smtp; 550 5.1.1 gone"), "550 5.1.1 gone"),
        (bounce(diagnosticCode=["550 gone", 7, "bye"]), "550 gone bye"),
        (bounce(diagnosticCode=[]), "The recipient's email provider sent a bounce."),
        (bounce(diagnosticCode=None, message=None), "Permanent"),
        (bounce(diagnosticCode=["a\r\nb\0c"]), "a bc"),
        (bounce(diagnosticCode=["x" * 9000]), "x" * MAX_WORDS),
        ({"failed": {"reason": "reached_daily_quota"}}, "reached_daily_quota"),
        (
            {"suppressed": {"message": "On the list", "type": "OnAccountSuppressionList"}},
            "On the list",
        ),
        ({}, None),
    ],
)
def test_whose_words_are_shown(more: dict[str, Any], words: str | None) -> None:
    assert read_event(event("bounced", **more)).words == words


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"letterbox_delivery": "1"}, "1"),
        ([{"name": "campaign", "value": "c"}, {"name": "letterbox_delivery", "value": "1"}], "1"),
        ([{"name": ["odd"], "value": "1"}, "odd", None], None),
        ({"letterbox_delivery": 1}, None),
        ({}, None),
        ("odd", None),
        (None, None),
    ],
)
def test_our_tag_is_found(tags: object, expected: str | None) -> None:
    assert read_event(event("sent", tags=tags)).delivery_id == expected


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        (["a@b.test", "Jan <c@d.test>"], ("a@b.test", "c@d.test")),
        ("a@b.test", ("a@b.test",)),
        ([1, None, "", {"email": "x"}], ()),
        (None, ()),
        (["a@b.test"] * 500, ("a@b.test",) * MAX_ADDRESSES),
    ],
)
def test_whom_it_is_about(to: object, expected: tuple[str, ...]) -> None:
    raw = orjson.loads(event("sent"))
    raw["data"]["to"] = to

    assert read_event(orjson.dumps(raw)).addresses == expected


@pytest.mark.parametrize("text", ["1@x.test", "<1@x.test>", " <1@x.test> "])
def test_a_message_id_has_its_brackets(text: str) -> None:
    assert read_event(event("sent", message_id=text)).message_id == "<1@x.test>"


@pytest.mark.parametrize("text", ["", "yesterday", "2100-13-01T00:00:00Z"])
def test_a_time_that_is_none(text: str) -> None:
    assert read_event(event("sent", created_at=text)).date is None


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b'{"type": 1}', b'{"type": ""}', b"\xff{"])
def test_what_is_no_event(raw: bytes) -> None:
    assert type_of(raw) is None


@given(JSON)
def test_any_json_is_read(value: Any) -> None:
    raw = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS) if _fits(value) else b""
    type_of(raw)
    read_event(raw)


@given(JSON, st.sampled_from([*KINDS, *NO_MOVES, *HITS]))
def test_any_data_is_read(value: Any, kind: str) -> None:
    if _fits(value):
        read_event(orjson.dumps({"type": kind, "data": value}))


@given(st.binary())
def test_any_octets_are_read(raw: bytes) -> None:
    type_of(raw)
    read_event(raw)


def _fits(value: Any) -> bool:
    """Whether orjson can write it: 64 bits, no halves of characters."""
    try:
        orjson.dumps(value)
    except (TypeError, orjson.JSONEncodeError):
        return False
    return True
