from dataclasses import asdict
from datetime import datetime
from typing import Self

from app.documents.base import StoredModel
from app.mail.calendars import Calendar, CalendarMethod, CalendarResponse


class CalendarEvent(StoredModel):
    """The meeting that a mail invites to, or answers about; as `app.mail.calendars.Calendar`."""

    method: CalendarMethod | None = None
    uid: str | None = None
    summary: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    is_all_day: bool = False
    organizer: str | None = None
    location: str | None = None
    response: CalendarResponse | None = None

    @classmethod
    def of(cls, calendar: Calendar) -> Self:
        return cls(**asdict(calendar))
