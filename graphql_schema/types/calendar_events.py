"""Meetings that received mail is about."""

from datetime import datetime
from typing import Self

import strawberry

from app.documents import calendar_events as documents
from app.mail.calendars import CalendarMethod, CalendarResponse
from graphql_schema.types.enums import explained

explained(
    CalendarMethod,
    "What a calendar asks for (RFC 5546).",
    {
        "PUBLISH": "A meeting is made known; nothing is asked.",
        "REQUEST": "Somebody invites, or changes the invitation.",
        "REPLY": "Somebody who was invited answers.",
        "ADD": "A meeting takes place once more.",
        "CANCEL": "A meeting is called off.",
        "REFRESH": "Somebody who was invited asks for it again.",
        "COUNTER": "Somebody who was invited proposes another time.",
        "DECLINECOUNTER": "What was proposed is turned down.",
    },
)
explained(
    CalendarResponse,
    "What somebody answers to an invitation (RFC 5545).",
    {
        "ACCEPTED": "They come.",
        "DECLINED": "They do not come.",
        "TENTATIVE": "They may come.",
    },
)


@strawberry.type(description="The meeting that a received mail invites to, or answers about.")
class CalendarEvent:
    method: CalendarMethod | None = strawberry.field(
        description="What is asked for; null where it is not told."
    )
    uid: str | None = strawberry.field(
        description="What the meeting is known by: the same in the invitation and in each answer."
    )
    summary: str | None = strawberry.field(description="What it is about.")
    start: datetime | None = strawberry.field(
        description=(
            "When it begins, the first time where it is repeated; null where its time zone is not "
            "known by its name."
        )
    )
    end: datetime | None = strawberry.field(description="When it ends, as `start`.")
    is_all_day: bool = strawberry.field(
        description="Whether it takes whole days: they are those of `start` and `end` in UTC."
    )
    organizer: str | None = strawberry.field(description="The address of who invites.")
    location: str | None = strawberry.field(description="Where it is held.")
    response: CalendarResponse | None = strawberry.field(
        description="What is answered, where `method` is REPLY."
    )

    @classmethod
    def of(cls, event: documents.CalendarEvent) -> Self:
        return cls(**event.model_dump())
