"""Invitations to meetings, and answers to them, as calendars write them (RFC 5545, RFC 5546)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from app.mail.mime import Opened, Part
from app.mail.received_text import on_one_line, storable, text_of
from app.mail.transfer import pieces

CALENDARS = {"text/calendar", "application/ics"}
# What tells of a meeting stands at the beginning, or behind the rules of a time zone.
_MOST_OCTETS = 64 * 1024
_MAX_WORDS = 500
_WANTED = {
    "UID", "SUMMARY", "DTSTART", "DTEND", "DURATION", "ORGANIZER", "LOCATION", "ATTENDEE",
}  # fmt: skip
_FOLD = re.compile(r"\n[ \t]")
_NAME = re.compile(r"([A-Za-z-]{1,40})[;:]")


class CalendarMethod(StrEnum):
    """What is asked for (RFC 5546, section 1.4)."""

    PUBLISH = "PUBLISH"
    REQUEST = "REQUEST"
    REPLY = "REPLY"
    ADD = "ADD"
    CANCEL = "CANCEL"
    REFRESH = "REFRESH"
    COUNTER = "COUNTER"
    DECLINECOUNTER = "DECLINECOUNTER"


class CalendarResponse(StrEnum):
    """What somebody answers (RFC 5545, section 3.2.12)."""

    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    TENTATIVE = "TENTATIVE"


@dataclass(frozen=True)
class Calendar:
    """The first meeting of a calendar.

    `start` and `end` are aware UTC, at midnight where it takes whole days; None where their time
    zone is not known by its name. `organizer` is an address, `response` what a REPLY says.
    """

    method: CalendarMethod | None
    uid: str | None
    summary: str | None
    start: datetime | None
    end: datetime | None
    is_all_day: bool
    organizer: str | None
    location: str | None
    response: CalendarResponse | None


_Event = Mapping[str, Any]


def calendar_of(mail: Opened) -> Calendar | None:
    """Read the first calendar in a message that tells of a meeting. Never raises."""
    for part in mail.parts:
        kind, parameters = part.structured("content-type")
        if kind in CALENDARS:
            octets = next(pieces(mail.raw, part), b"")[:_MOST_OCTETS]
            found = read_calendar(text_of(octets, parameters.get("charset")))
            if found is not None:
                return found
    return None


def is_reply(part: Part) -> bool:
    """Whether a part says of itself that it answers an invitation."""
    kind, parameters = part.structured("content-type")
    return kind in CALENDARS and parameters.get("method", "").upper() == CalendarMethod.REPLY


def read_calendar(text: str) -> Calendar | None:
    """Read the first meeting in a calendar; None where there is none. Never raises.

    Only single lines of it reach the library: the rules of a time zone may take it for ever.
    """
    method, lines = _first_meeting(text)
    try:
        return _read(method, {name: _value(name, line) for name, line in lines.items()})
    except (ValueError, OverflowError):
        # Times beyond all calendars.
        return None


def _value(name: str, line: str) -> Any:
    """Read the value of one line; None for one that is broken."""
    from icalendar import Event  # noqa: PLC0415  # large, and few mails invite

    try:
        event: Any = Event.from_ical(f"BEGIN:VEVENT\r\n{line}\r\nEND:VEVENT\r\n")
        return None if event.errors else event.get(name)
    except Exception:  # noqa: BLE001 - the library raises many kinds for broken values
        return None


def _first_meeting(text: str) -> tuple[str, dict[str, str]]:
    """Find the method, and the lines of the first meeting that are wanted, one of each name."""
    lines: dict[str, str] = {}
    method, depth = "", 0
    for line in _FOLD.sub("", text.replace("\r\n", "\n")).split("\n"):
        found = _NAME.match(line)
        name = "" if found is None else found[1].upper()
        if name == "METHOD" and depth == 0:
            method = line.partition(":")[2].strip().upper()
        elif line.upper().startswith("BEGIN:VEVENT") and depth == 0:
            depth = 1
        elif name == "BEGIN" and depth > 0:
            # An alarm has a summary of its own.
            depth += 1
        elif name == "END" and depth > 0:
            depth -= 1
            if depth == 0:
                break
        elif depth == 1 and name in _WANTED:
            lines.setdefault(name, line)
    return method, lines


def _read(method: str, event: _Event) -> Calendar | None:
    if not event:
        return None
    start, is_all_day = _moment(event, "DTSTART")
    end = _moment(event, "DTEND")[0]
    duration = getattr(event.get("DURATION"), "dt", None)
    if end is None and start is not None and isinstance(duration, timedelta):
        end = start + duration
    asked = CalendarMethod(method) if method in set(CalendarMethod) else None
    return Calendar(
        method=asked,
        uid=_words(event, "UID"),
        summary=_words(event, "SUMMARY"),
        start=start,
        end=end,
        is_all_day=is_all_day,
        organizer=_address(event),
        location=_words(event, "LOCATION"),
        response=_response(event) if asked is CalendarMethod.REPLY else None,
    )


def _moment(event: _Event, name: str) -> tuple[datetime | None, bool]:
    """Read a time, and whether it is a whole day."""
    said = getattr(event.get(name), "dt", None)
    if isinstance(said, datetime):
        return (None if said.tzinfo is None else said.astimezone(UTC)), False
    if isinstance(said, date):
        return datetime.combine(said, time(), UTC), True
    return None, False


def _words(event: _Event, name: str) -> str | None:
    return on_one_line(storable(str(event.get(name) or "")))[:_MAX_WORDS] or None


def _address(event: _Event) -> str | None:
    said = _words(event, "ORGANIZER") or ""
    return said[len("mailto:") :] if said.lower().startswith("mailto:") else None


def _response(event: _Event) -> CalendarResponse | None:
    attendee = event.get("ATTENDEE")
    said = str(getattr(attendee, "params", {}).get("PARTSTAT", "")).upper()
    return CalendarResponse(said) if said in set(CalendarResponse) else None
