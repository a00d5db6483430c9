"""What communications consist of, as GraphQL shows it."""

from datetime import datetime
from typing import Self

import strawberry

from app.documents import communications as documents
from app.documents.list_progress import Progress as Counts
from graphql_schema.types.enums import EventType


@strawberry.type(description="One line of a record's audit trail: who did what, and when.")
class Event:
    id: strawberry.ID = strawberry.field(description="Id of the event.")
    type: EventType = strawberry.field(description="What happened.")
    date: datetime = strawberry.field(description="When it happened.")
    author_id: str | None = strawberry.field(
        description="The user who did it; null for what the service did by itself."
    )
    description: str | None = strawberry.field(description="Details in words.")

    @classmethod
    def of(cls, event: documents.Event) -> Self:
        return cls(
            id=strawberry.ID(event.id),
            type=event.type,
            date=event.date,
            author_id=event.author_id,
            description=event.description,
        )


@strawberry.type(description="A link in the mail whose clicks are counted.")
class ClickedLink:
    original_url: str = strawberry.field(description="Where the link leads.")
    url: str = strawberry.field(
        description=(
            "The tracking address that stands in the mail; of mail to a list, in which each "
            "member has another one, the original address."
        )
    )
    click_count: int = strawberry.field(description="How often people followed it.")
    machine_click_count: int = strawberry.field(
        description="How often scanners and the like followed it."
    )
    clicked_at: datetime | None = strawberry.field(description="A person's first click.")
    last_clicked_at: datetime | None = strawberry.field(description="A person's latest click.")

    @classmethod
    def of(cls, link: documents.ClickedLink) -> Self:
        return cls(
            original_url=link.original_url,
            url=link.url,
            click_count=link.click_count,
            machine_click_count=link.machine_click_count,
            clicked_at=link.clicked_at,
            last_clicked_at=link.last_clicked_at,
        )


@strawberry.type(description="How far mail to a recipient list has come, in members.")
class Progress:
    total: int = strawberry.field(description="Members that it goes to, as far as counted out.")
    queued: int = strawberry.field(description="Members whose mail waits or is being sent.")
    sent: int = strawberry.field(description="Members whose mail the provider took.")
    failed: int = strawberry.field(description="Members whose mail failed.")
    suppressed: int = strawberry.field(description="Members whose address gets no mail any more.")
    unsubscribed: int = strawberry.field(
        description=(
            "Members who do not want it, by what they said of its topic or of everything, or who "
            "never subscribed to a topic that is for subscribers only."
        )
    )
    cancelled: int = strawberry.field(
        description="Members whose mail was called off, or who left the list before it."
    )

    @classmethod
    def of(cls, progress: Counts) -> Self:
        return cls(**progress.model_dump())
