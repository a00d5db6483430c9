"""What may be asked of conversations, and what people do to them."""

import strawberry
from strawberry import UNSET

from graphql_schema.types.filters import DateTimeFilter, IntFilter, TextFilter


@strawberry.input(description="Which conversations. Several fields must all hold.")
class ConversationFilter:
    id: TextFilter | None = strawberry.field(default=UNSET, description="Id of the conversation.")
    subject: TextFilter | None = strawberry.field(
        default=UNSET, description="The subject line of the first message received."
    )
    from_email: TextFilter | None = strawberry.field(
        default=UNSET, description="Address of the author of the latest message received."
    )
    assignee: TextFilter | None = strawberry.field(
        default=UNSET, description="The user who sees to it."
    )
    unread: IntFilter | None = strawberry.field(
        default=UNSET, description="How many received messages are NEW."
    )
    related_entity_type: TextFilter | None = strawberry.field(
        default=UNSET, description="Kind of the CRM entity it belongs to."
    )
    related_entity_id: TextFilter | None = strawberry.field(
        default=UNSET, description="Id of that entity."
    )
    latest_received: DateTimeFilter | None = strawberry.field(
        default=UNSET, description="When the latest message was received."
    )
    and_: list["ConversationFilter"] | None = strawberry.field(
        name="and", default=UNSET, description="All of these hold."
    )
    or_: list["ConversationFilter"] | None = strawberry.field(
        name="or", default=UNSET, description="At least one of these holds."
    )
    not_: "ConversationFilter | None" = strawberry.field(
        name="not", default=UNSET, description="This does not hold."
    )


@strawberry.input(description="A CRM entity; null for both, or neither, is none.")
class LinkConversationInput:
    entity_type: str | None = strawberry.field(
        default=None, description="Kind of the entity, at most 320 characters."
    )
    entity_id: str | None = strawberry.field(
        default=None, description="Id of the entity, at most 320 characters."
    )
