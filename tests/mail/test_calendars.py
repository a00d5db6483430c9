import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mail import mime
from app.mail.calendars import (
    Calendar,
    CalendarMethod,
    CalendarResponse,
    calendar_of,
    read_calendar,
)
from app.mail.kinds import InboundKind, kind_of
from app.mail.parse import parse
from app.mail.received_attachments import received_files
from tests.mail import invitations

NINE = datetime(2026, 12, 1, 9, tzinfo=UTC)
TEN = datetime(2026, 12, 1, 10, tzinfo=UTC)


def event(*lines: str, method: str = "REQUEST") -> str:
    return "\n".join(["METHOD:" + method, "BEGIN:VEVENT", *lines, "END:VEVENT"])


def test_an_invitation_of_outlook() -> None:
    assert read_calendar(invitations.OUTLOOK_REQUEST) == Calendar(
        method=CalendarMethod.REQUEST,
        uid="040000008200E00074C5B7101A82E00800000000B0C3F2A1D23EDB01",
        summary="Bespreking, offerten",
        start=datetime(2026, 7, 1, 8, tzinfo=UTC),
        end=datetime(2026, 7, 1, 9, 30, tzinfo=UTC),
        is_all_day=False,
        organizer="jan@customer.test",
        location="Kamer 1",
        response=None,
    )


def test_an_answer_of_outlook() -> None:
    found = read_calendar(invitations.OUTLOOK_ACCEPTED)

    assert found is not None
    assert (found.method, found.response) == (CalendarMethod.REPLY, CalendarResponse.ACCEPTED)
    assert (found.uid, found.start, found.end) == ("demo-1@acme.test", NINE, TEN)


@pytest.mark.parametrize(
    ("lines", "start", "end"),
    [
        (["DTSTART:20261201T090000Z", "DTEND:20261201T100000Z"], NINE, TEN),
        (["DTSTART;TZID=Europe/Amsterdam:20261201T100000", "DURATION:PT1H"], NINE, TEN),
        (["DTSTART;TZID=No Such Zone:20261201T100000", "DTEND:20261201T100000Z"], None, TEN),
        (["DTSTART:20261201T100000"], None, None),
        (["DTSTART;TZID=../../etc/passwd:20261201T100000"], None, None),
        (["DTSTART;TZID=tzone://Microsoft/Utc:20261201T100000"], None, None),
        (['DTSTART;TZID="America/New_York":20261201T040000'], NINE, None),
        (["DTSTART:nonsense", "DTEND:20261201T100000Z"], None, TEN),
        (["DTSTART:20261201T090000Z", "DURATION:nonsense"], NINE, None),
        (["DTSTART:20261201T090000Z", "DTSTART:20271201T090000Z"], NINE, None),
    ],
)
def test_times_are_instants_where_their_zone_is_known(
    lines: list[str], start: datetime | None, end: datetime | None
) -> None:
    found = read_calendar(event(*lines, "UID:1"))

    assert found is not None
    assert (found.start, found.end, found.is_all_day) == (start, end, False)


def test_whole_days_begin_at_midnight() -> None:
    found = read_calendar(event("DTSTART;VALUE=DATE:20261201", "DTEND;VALUE=DATE:20261203"))

    assert found is not None
    assert (found.start, found.end) == (
        datetime(2026, 12, 1, tzinfo=UTC),
        datetime(2026, 12, 3, tzinfo=UTC),
    )
    assert found.is_all_day


@pytest.mark.parametrize(
    ("method", "partstat", "response"),
    [
        ("REPLY", "TENTATIVE", CalendarResponse.TENTATIVE),
        ("REPLY", "declined", CalendarResponse.DECLINED),
        ("REPLY", "X-OTHER", None),
        ("REQUEST", "ACCEPTED", None),
    ],
)
def test_only_an_answer_answers(
    method: str, partstat: str, response: CalendarResponse | None
) -> None:
    attendee = f"ATTENDEE;PARTSTAT={partstat};CN=Jan:mailto:jan@customer.test"

    found = read_calendar(event(attendee, method=method))

    assert found is not None
    assert found.response is response


@pytest.mark.parametrize(
    "text", ["", "METHOD:REQUEST", "BEGIN:VTODO\nUID:1\nEND:VTODO", event(), event("X-A:1")]
)
def test_without_a_meeting_there_is_none(text: str) -> None:
    assert read_calendar(text) is None


def test_unknown_methods_and_broken_lines_are_passed_over() -> None:
    text = event("ORGANIZER:jan@customer.test", "UID", "SUMMARY;X=\x01:Demo", method="DANCE")

    found = read_calendar(text + "\nBEGIN:VEVENT\nUID:2\nEND:VEVENT")

    assert found is None or (found.method, found.organizer, found.uid) == (None, None, None)


def test_words_are_cut_and_stand_on_one_line() -> None:
    found = read_calendar(event("SUMMARY:" + "a\\nb " * 500))

    assert found is not None
    assert found.summary is not None
    assert (len(found.summary), found.summary[:7]) == (500, "a b a b")


def test_rules_without_end_are_not_followed() -> None:
    """A library that reads the whole of it is busy for hours with this one."""
    text = invitations.OUTLOOK_REQUEST.replace("FREQ=YEARLY", "FREQ=SECONDLY").replace(
        "W. Europe Standard Time", "Mine"
    )
    began = time.process_time()

    found = read_calendar(text.replace("UID:", "RRULE:FREQ=SECONDLY\r\nUID:"))

    assert found is not None
    assert found.start is None
    assert time.process_time() - began < 1


LINES = st.sampled_from(
    [
        "BEGIN:VEVENT", "END:VEVENT", "BEGIN:VALARM", "END:VALARM", "METHOD:REPLY", "UID:1", " ",
        "DTSTART:", "DTSTART;TZID=:20261201T100000", "DTSTART;VALUE=DATE:99999999", "DURATION:P",
        "DTEND:00010101T000000", "DTSTART;TZID=Asia/Tokyo:00010101T000000", "DURATION:P99999999W",
        'ATTENDEE;PARTSTAT="', "ORGANIZER;CN=:mailto:", "SUMMARY;:", "LOCATION:\\", "DTSTART;X",
        "DTSTART:20261201T100000Z/PT1H", "DTSTART;VALUE=PERIOD:20261201T100000Z/PT1H",
    ]
)  # fmt: skip


@settings(max_examples=150)
@given(st.lists(st.one_of(LINES, st.text(max_size=9)), max_size=15).map("\r\n".join))
def test_any_words_give_an_answer(text: str) -> None:
    found = read_calendar("METHOD:REPLY\nBEGIN:VEVENT\n" + text)

    for moment in (found.start, found.end) if found else ():
        assert moment is None or moment.tzinfo is UTC


@settings(max_examples=100)
@given(st.binary(max_size=100))
def test_any_octets_give_an_answer(octets: bytes) -> None:
    calendar_of(mime.opened(b"Content-Type: text/calendar\n\nBEGIN:VEVENT\n" + octets))


def test_a_calendar_is_a_file_and_no_text() -> None:
    raw = invitations.mail(invitations.OUTLOOK_REQUEST, method="REQUEST", words="Zie de offerte.")

    assert parse(raw).text == "Zie de offerte."
    assert [(one.filename, one.media_type) for one in received_files(raw, None).files] == [
        ("invite.ics", "text/calendar; charset=utf-8")
    ]
    found = calendar_of(mime.opened(raw))
    assert found is not None
    assert found.summary == "Bespreking, offerten"


def test_a_calendar_that_is_a_file_too_is_one_file() -> None:
    raw = invitations.mail(invitations.OUTLOOK_REQUEST, method="REQUEST").replace(
        b"--_000_--",
        b"--_000_\r\nContent-Type: application/ics; name=meeting.ics\r\n\r\nBEGIN\r\n--_000_--",
    )

    assert [one.filename for one in received_files(raw, None).files] == ["meeting.ics"]


@pytest.mark.parametrize(
    ("words", "html", "kind"),
    [
        ("", None, InboundKind.AUTOMATIC),
        ("\r\n", "<html><body><p>&nbsp;</p></body></html>", InboundKind.AUTOMATIC),
        ("Fine, but at 11?", None, InboundKind.PERSONAL),
        ("", "<p>Fine, but at 11?</p>", InboundKind.PERSONAL),
    ],
)
def test_who_answers_by_a_click_has_written_nothing(
    words: str, html: str | None, kind: InboundKind
) -> None:
    raw = invitations.mail(invitations.OUTLOOK_ACCEPTED, method="REPLY", words=words, html=html)

    assert kind_of(raw) is kind


def test_who_invites_is_a_person() -> None:
    raw = invitations.mail(invitations.OUTLOOK_REQUEST, method="REQUEST")

    assert kind_of(raw) is InboundKind.PERSONAL
