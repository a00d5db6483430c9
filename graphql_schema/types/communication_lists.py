"""How a list of communications is filtered."""

import strawberry
from strawberry import UNSET

from graphql_schema.types.choices import (
    CommunicationStatusFilter,
    CommunicationTypeFilter,
    ProviderTypeFilter,
)
from graphql_schema.types.filters import (
    AddressesFilter,
    DateTimeFilter,
    IdFilter,
    IntFilter,
    TextFilter,
)


@strawberry.input(
    description=(
        "Which communications: all that is asked for must hold; what is null counts as not given. "
        "At most 50 conditions, nested at most 5 deep."
    )
)
class CommunicationFilter:
    id: IdFilter | None = strawberry.field(default=UNSET, description="Id of the record.")
    status: CommunicationStatusFilter | None = strawberry.field(
        default=UNSET, description="Where it stands."
    )
    type: CommunicationTypeFilter | None = strawberry.field(
        default=UNSET, description="What it is about."
    )
    provider_type: ProviderTypeFilter | None = strawberry.field(
        default=UNSET, description="Who carries it."
    )
    provider_account_id: IdFilter | None = strawberry.field(
        default=UNSET, description="The account that it goes by."
    )
    subject: TextFilter | None = strawberry.field(default=UNSET, description="The subject line.")
    sender_email: TextFilter | None = strawberry.field(
        default=UNSET, description="Address in From."
    )
    sender_name: TextFilter | None = strawberry.field(
        default=UNSET, description="Display name in From."
    )
    reply_to: TextFilter | None = strawberry.field(default=UNSET, description="Where answers go.")
    recipients: AddressesFilter | None = strawberry.field(
        default=UNSET, description="Addresses in To."
    )
    cc: AddressesFilter | None = strawberry.field(default=UNSET, description="Addresses in Cc.")
    bcc: AddressesFilter | None = strawberry.field(default=UNSET, description="Addresses in Bcc.")
    related_entity_type: TextFilter | None = strawberry.field(
        default=UNSET, description="Kind of the CRM entity it belongs to."
    )
    related_entity_id: TextFilter | None = strawberry.field(
        default=UNSET, description="Id of that entity."
    )
    conversation_id: TextFilter | None = strawberry.field(
        default=UNSET, description="The conversation it is part of."
    )
    template_id: TextFilter | None = strawberry.field(
        default=UNSET, description="The template it was made from."
    )
    template_name: TextFilter | None = strawberry.field(
        default=UNSET, description="That template's name."
    )
    template_version: IntFilter | None = strawberry.field(
        default=UNSET, description="The number of the version of that template."
    )
    locale: TextFilter | None = strawberry.field(
        default=UNSET, description="The language of the template that it is in."
    )
    is_test: bool | None = strawberry.field(
        default=UNSET, description="Whether it only tries a template out."
    )
    recipient_list_id: TextFilter | None = strawberry.field(
        default=UNSET, description="The list it was sent to."
    )
    message_id: TextFilter | None = strawberry.field(
        default=UNSET, description="The provider's id of it."
    )
    internet_message_id: TextFilter | None = strawberry.field(
        default=UNSET, description="The Message-ID header."
    )
    error_message: TextFilter | None = strawberry.field(
        default=UNSET, description="What went wrong, in words."
    )
    created: DateTimeFilter | None = strawberry.field(
        default=UNSET, description="When it was accepted."
    )
    updated: DateTimeFilter | None = strawberry.field(
        default=UNSET, description="The latest change."
    )
    scheduled_at: DateTimeFilter | None = strawberry.field(
        default=UNSET, description="When it is to go out."
    )
    sent_at: DateTimeFilter | None = strawberry.field(
        default=UNSET, description="When the provider took it."
    )
    opened_at: DateTimeFilter | None = strawberry.field(
        default=UNSET, description="The first open."
    )
    created_by: TextFilter | None = strawberry.field(
        default=UNSET, description="The user who asked for it."
    )
    updated_by: TextFilter | None = strawberry.field(
        default=UNSET, description="The user who made the latest change."
    )
    topic_id: IdFilter | None = strawberry.field(
        default=UNSET, description="The topic it is about."
    )
    unsubscribed_at: DateTimeFilter | None = strawberry.field(
        default=UNSET, description="When the first recipient unsubscribed by it."
    )
    opened: bool | None = strawberry.field(default=UNSET, description="Whether it was opened.")
    open_count: IntFilter | None = strawberry.field(
        default=UNSET, description="How often it was opened."
    )
    tracking_enabled: bool | None = strawberry.field(
        default=UNSET, description="Whether opens are counted."
    )
    link_tracking_enabled: bool | None = strawberry.field(
        default=UNSET, description="Whether clicks are counted."
    )
    search: list[str] | None = strawberry.field(
        default=UNSET,
        description=(
            "Texts that must all be found in subject, body, sender or recipients, in any case; at "
            "most 20 of 200 characters."
        ),
    )
    and_: list["CommunicationFilter"] | None = strawberry.field(
        name="and", default=UNSET, description="All of these hold."
    )
    or_: list["CommunicationFilter"] | None = strawberry.field(
        name="or", default=UNSET, description="At least one of these holds."
    )
    not_: "CommunicationFilter | None" = strawberry.field(
        name="not", default=UNSET, description="This does not hold."
    )
