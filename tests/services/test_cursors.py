"""Cursors are read only by the list, the order and the tenant that they were written for."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.documents.fields import Kind
from app.documents.keyset import Key
from app.services.cursors import LENGTH_LIMIT, read_cursor, write_cursor

ID = PydanticObjectId("6b050e9454d4a1b9322b3eaa")
MOMENT = datetime(2100, 11, 24, 9, 30, 1, 7000, tzinfo=UTC)
ORDER = [Key("sentAt", Kind.INSTANT, ascending=False, nullable=True), Key("_id", Kind.ID)]
PLACE: dict[str, Any] = {"name": "mails", "tenant": "acme", "order": ORDER}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.INSTANT, MOMENT),
        (Kind.INSTANT, datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)),
        (Kind.INSTANT, None),
        (Kind.TEXT, "Ünïcode \U0001f600 \n"),
        (Kind.TEXT, ""),
        (Kind.CHOICE, "SENT"),
        (Kind.NUMBER, 2**63 - 1),
        (Kind.FLAG, False),
        (Kind.ID, ID),
    ],
)
def test_what_is_written_is_read(kind: Kind, value: Any) -> None:
    place = {**PLACE, "order": [Key("x", kind, nullable=True), Key("_id", Kind.ID)]}

    cursor = write_cursor((value, ID), **place)

    assert read_cursor(cursor, **place) == (value, ID)
    assert cursor.isascii()
    assert set("+/=").isdisjoint(cursor)


@pytest.mark.parametrize(
    "other",
    [
        {"name": "templates"},
        {"order": ORDER[1:]},
        {"order": [ORDER[0].turned, ORDER[1]]},
        {"order": [Key("created", Kind.INSTANT, ascending=False), ORDER[1]]},
    ],
    ids=["list", "keys", "direction", "field"],
)
def test_another_list_or_order_refuses_it(other: dict[str, Any]) -> None:
    cursor = write_cursor((MOMENT, ID), **PLACE)

    with pytest.raises(ValueError, match="of another list, or of another order"):
        read_cursor(cursor, **{**PLACE, **other})


def test_another_tenant_refuses_it() -> None:
    cursor = write_cursor((MOMENT, ID), **PLACE)

    with pytest.raises(ValueError, match="no cursor that this list gave"):
        read_cursor(cursor, **{**PLACE, "tenant": "rival"})


def test_a_change_anywhere_in_it_is_seen() -> None:
    cursor = write_cursor((MOMENT, ID), **PLACE)
    octets = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))

    for place in range(len(octets)):
        changed = octets[:place] + bytes([octets[place] ^ 1]) + octets[place + 1 :]
        with pytest.raises(ValueError, match="no cursor that this list gave"):
            read_cursor(base64.urlsafe_b64encode(changed).decode().rstrip("="), **PLACE)


@pytest.mark.parametrize(
    "text",
    ["", "x", "====", "6b050e9454d4a1b9322b3eaa", "é", "\ud800", "A" * 20_000, "a b", "+/+/"],
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no cursor that this list gave"):
        read_cursor(text, **PLACE)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.INSTANT, "yesterday"),
        (Kind.INSTANT, 2**62),
        (Kind.NUMBER, True),
        (Kind.NUMBER, 2**63),
        (Kind.FLAG, 1),
        (Kind.TEXT, 1),
        (Kind.ID, "x"),
        (Kind.NUMBER, None),
    ],
)
def test_values_of_another_kind_are_not_trusted(kind: Kind, value: Any) -> None:
    """Who can make the digest, and all can, gets no further with it."""
    place = {**PLACE, "order": [Key("x", kind), Key("_id", Kind.ID)]}

    with pytest.raises(ValueError, match="no cursor that this list gave"):
        read_cursor(write_cursor((value, ID), **place), **place)


def test_the_longest_subjects_fit() -> None:
    place = {**PLACE, "order": [Key("subject", Kind.TEXT), Key("_id", Kind.ID)]}

    cursor = write_cursor(("\U0001f600" * 900, ID), **place)

    assert len(cursor) < LENGTH_LIMIT
    assert read_cursor(cursor, **place) == ("\U0001f600" * 900, ID)
