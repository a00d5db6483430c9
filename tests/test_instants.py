from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.instants import format_instant, parse_instant


@pytest.mark.parametrize(
    ("microsecond", "text"),
    [
        (0, "2019-08-24T14:15:22Z"),
        (123_000, "2019-08-24T14:15:22.123Z"),
        (500_000, "2019-08-24T14:15:22.500Z"),
        (1, "2019-08-24T14:15:22.000001Z"),
    ],
)
def test_digits_come_in_threes(microsecond: int, text: str) -> None:
    assert format_instant(datetime(2019, 8, 24, 14, 15, 22, microsecond, UTC)) == text


def test_another_zone_is_written_in_utc() -> None:
    moment = datetime(2019, 8, 24, 16, 15, 22, tzinfo=timezone(timedelta(hours=2)))
    assert format_instant(moment) == "2019-08-24T14:15:22Z"


@pytest.mark.parametrize(
    "text",
    ["2019-08-24T14:15:22", "2019-08-24T14:15:22Z", "2019-08-24T16:15:22+02:00",
     "2019-08-24T14:15:22.000000000Z", "20190824T141522Z", "2019-08-24 14:15:22+00"],
)  # fmt: skip
def test_any_iso_form_is_read(text: str) -> None:
    assert parse_instant(text) == datetime(2019, 8, 24, 14, 15, 22, tzinfo=UTC)


EARLIEST = datetime(1000, 1, 1)  # noqa: DTZ001 - hypothesis wants bounds without a zone


@given(st.datetimes(timezones=st.just(UTC), min_value=EARLIEST))
def test_what_is_written_is_read_back(moment: datetime) -> None:
    assert parse_instant(format_instant(moment)) == moment
