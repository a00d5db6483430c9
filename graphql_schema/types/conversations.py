from datetime import datetime
from functools import partial
from typing import Self

import strawberry

from app.services import conversations as service
from graphql_schema.limits import ListSize
from graphql_schema.resolvers import safe_html
from graphql_schema.types.communications import Communication
from graphql_schema.types.enums import Direction
from graphql_schema.types.inbound import InboundMessage
from graphql_schema.types.safe_html import SafelyShown


@strawberry.type(
    description="A conversation, both directions oldest first; of each at most the latest 2000."
)
class Thread:
    inbound: list[InboundMessage] = strawberry.field(
        directives=[ListSize(assumed_size=10)], description="What was received."
    )
    outbound: list[Communication] = strawberry.field(
        directives=[ListSize(assumed_size=10)], description="What was sent, or is to be."
    )

    @classmethod
    def of(cls, thread: service.Thread) -> Self:
        return cls(
            inbound=[InboundMessage.of(message) for message in thread.inbound],
            outbound=[Communication.of(record) for record in thread.outbound],
        )


@strawberry.type(description="One mail in the history of a CRM entity.")
class TimelineEntry(SafelyShown):
    id: strawberry.ID = strawberry.field(
        description="Id of the communication (OUTBOUND) or of the received message (INBOUND)."
    )
    direction: Direction = strawberry.field(description="Which way it went.")
    date: datetime = strawberry.field(
        description="When it was received; when it was sent, else is to be sent, else was accepted."
    )
    status: str = strawberry.field(
        description="A CommunicationStatus or an InboundStatus, by its direction."
    )
    subject: str | None = strawberry.field(description="The subject line.")
    from_email: str | None = strawberry.field(description="Address of its author.")
    from_name: str | None = strawberry.field(description="The author's name.")
    recipients: list[str] = strawberry.field(description="Addresses in To.")
    cc: list[str] = strawberry.field(description="Addresses in Cc.")
    body_html: str | None = strawberry.field(description="Its HTML, as it was sent or received.")
    body_text: str | None = strawberry.field(description="Its text, if it was received.")
    opened: bool = strawberry.field(description="Whether it was opened, if it was sent.")
    conversation_id: str | None = strawberry.field(description="The conversation it is part of.")

    @classmethod
    def of(cls, entry: service.TimelineEntry) -> Self:
        return cls(
            clean=partial(safe_html.of_mail, mail=entry.mail),
            id=strawberry.ID(entry.id),
            direction=entry.direction,
            date=entry.date,
            status=entry.status,
            subject=entry.subject,
            from_email=entry.from_email,
            from_name=entry.from_name,
            recipients=list(entry.recipients),
            cc=list(entry.cc),
            body_html=entry.body_html,
            body_text=entry.body_text,
            opened=entry.opened,
            conversation_id=entry.conversation_id,
        )
