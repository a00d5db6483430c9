"""How the lists of other records than communications are filtered."""

import strawberry
from strawberry import UNSET

from graphql_schema.types.choices import (
    CommunicationTypeFilter,
    InboundKindFilter,
    InboundStatusFilter,
    ProviderTypeFilter,
    SuppressionReasonFilter,
)
from graphql_schema.types.filters import AddressesFilter, DateTimeFilter, IdFilter, TextFilter

_ALL = (
    "all that is asked for must hold; what is null counts as not given. At most 50 conditions, "
    "nested at most 5 deep."
)


@strawberry.input(description=f"Which received messages: {_ALL}")
class InboundMessageFilter:
    id: IdFilter | None = strawberry.field(default=UNSET, description="Id of the message.")
    status: InboundStatusFilter | None = strawberry.field(
        default=UNSET, description="What was done with it."
    )
    kind: InboundKindFilter | None = strawberry.field(
        default=UNSET, description="Whether a person wrote it, or what did."
    )
    subject: TextFilter | None = strawberry.field(default=UNSET, description="The subject line.")
    from_email: TextFilter | None = strawberry.field(
        default=UNSET, description="Address of its author."
    )
    from_name: TextFilter | None = strawberry.field(default=UNSET, description="The author's name.")
    recipients: AddressesFilter | None = strawberry.field(
        default=UNSET, description="Addresses in To."
    )
    cc: AddressesFilter | None = strawberry.field(default=UNSET, description="Addresses in Cc.")
    envelope_recipients: AddressesFilter | None = strawberry.field(
        default=UNSET, description="Whom it was really delivered to."
    )
    provider_type: ProviderTypeFilter | None = strawberry.field(
        default=UNSET, description="Who took it."
    )
    fetch_error: TextFilter | None = strawberry.field(
        default=UNSET, description="Why its content is not here; null when it is."
    )
    parse_fault: TextFilter | None = strawberry.field(
        default=UNSET, description="What of it could not be read; null when all of it was."
    )
    has_attachments: bool | None = strawberry.field(
        default=UNSET, description="Whether files came with it that its HTML does not only show."
    )
    conversation_id: TextFilter | None = strawberry.field(
        default=UNSET, description="The conversation it is part of."
    )
    parent_communication_id: IdFilter | None = strawberry.field(
        default=UNSET, description="The communication it answers."
    )
    related_entity_type: TextFilter | None = strawberry.field(
        default=UNSET, description="Kind of the CRM entity it belongs to."
    )
    related_entity_id: TextFilter | None = strawberry.field(
        default=UNSET, description="Id of that entity."
    )
    internet_message_id: TextFilter | None = strawberry.field(
        default=UNSET, description="Its Message-ID header."
    )
    received_at: DateTimeFilter | None = strawberry.field(
        default=UNSET, description="When the mail server took it."
    )
    created: DateTimeFilter | None = strawberry.field(
        default=UNSET, description="When it was stored here."
    )
    created_by: TextFilter | None = strawberry.field(
        default=UNSET, description="The user who handed it in."
    )
    and_: list["InboundMessageFilter"] | None = strawberry.field(
        name="and", default=UNSET, description="All of these hold."
    )
    or_: list["InboundMessageFilter"] | None = strawberry.field(
        name="or", default=UNSET, description="At least one of these holds."
    )
    not_: "InboundMessageFilter | None" = strawberry.field(
        name="not", default=UNSET, description="This does not hold."
    )


@strawberry.input(description=f"Which suppressions: {_ALL}")
class SuppressionFilter:
    id: IdFilter | None = strawberry.field(default=UNSET, description="Id of the suppression.")
    address: TextFilter | None = strawberry.field(
        default=UNSET, description="The address, in lower case."
    )
    reason: SuppressionReasonFilter | None = strawberry.field(
        default=UNSET, description="Why it gets no mail."
    )
    detail: TextFilter | None = strawberry.field(
        default=UNSET, description="What its server said, or the user who added it."
    )
    communication_id: IdFilter | None = strawberry.field(
        default=UNSET, description="The communication that led to it."
    )
    created: DateTimeFilter | None = strawberry.field(
        default=UNSET, description="When it was added."
    )
    created_by: TextFilter | None = strawberry.field(
        default=UNSET, description="The user who added it."
    )
    and_: list["SuppressionFilter"] | None = strawberry.field(
        name="and", default=UNSET, description="All of these hold."
    )
    or_: list["SuppressionFilter"] | None = strawberry.field(
        name="or", default=UNSET, description="At least one of these holds."
    )
    not_: "SuppressionFilter | None" = strawberry.field(
        name="not", default=UNSET, description="This does not hold."
    )


@strawberry.input(description=f"Which templates: {_ALL}")
class TemplateFilter:
    id: IdFilter | None = strawberry.field(default=UNSET, description="Id of the template.")
    name: TextFilter | None = strawberry.field(
        default=UNSET, description="Its name; capitals and small letters are alike."
    )
    subject: TextFilter | None = strawberry.field(default=UNSET, description="The subject line.")
    description: TextFilter | None = strawberry.field(default=UNSET, description="What it is for.")
    type: CommunicationTypeFilter | None = strawberry.field(
        default=UNSET, description="What mail made from it is about."
    )
    created: DateTimeFilter | None = strawberry.field(
        default=UNSET, description="When it was made."
    )
    updated: DateTimeFilter | None = strawberry.field(
        default=UNSET, description="The latest change."
    )
    created_by: TextFilter | None = strawberry.field(
        default=UNSET, description="The user who made it."
    )
    updated_by: TextFilter | None = strawberry.field(
        default=UNSET, description="The user who made the latest change."
    )
    and_: list["TemplateFilter"] | None = strawberry.field(
        name="and", default=UNSET, description="All of these hold."
    )
    or_: list["TemplateFilter"] | None = strawberry.field(
        name="or", default=UNSET, description="At least one of these holds."
    )
    not_: "TemplateFilter | None" = strawberry.field(
        name="not", default=UNSET, description="This does not hold."
    )


@strawberry.input(description=f"Which recipient lists: {_ALL}")
class RecipientListFilter:
    id: IdFilter | None = strawberry.field(default=UNSET, description="Id of the list.")
    name: TextFilter | None = strawberry.field(
        default=UNSET, description="Its name; capitals and small letters are alike."
    )
    description: TextFilter | None = strawberry.field(default=UNSET, description="What it is for.")
    created: DateTimeFilter | None = strawberry.field(
        default=UNSET, description="When it was made."
    )
    updated: DateTimeFilter | None = strawberry.field(
        default=UNSET, description="The latest change."
    )
    created_by: TextFilter | None = strawberry.field(
        default=UNSET, description="The user who made it."
    )
    updated_by: TextFilter | None = strawberry.field(
        default=UNSET, description="The user who made the latest change."
    )
    and_: list["RecipientListFilter"] | None = strawberry.field(
        name="and", default=UNSET, description="All of these hold."
    )
    or_: list["RecipientListFilter"] | None = strawberry.field(
        name="or", default=UNSET, description="At least one of these holds."
    )
    not_: "RecipientListFilter | None" = strawberry.field(
        name="not", default=UNSET, description="This does not hold."
    )


@strawberry.input(description=f"Which members of a list: {_ALL}")
class ListMemberFilter:
    id: IdFilter | None = strawberry.field(default=UNSET, description="Id of the member.")
    email: TextFilter | None = strawberry.field(
        default=UNSET, description="The address, in lower case."
    )
    name: TextFilter | None = strawberry.field(
        default=UNSET, description="The name beside the address."
    )
    created: DateTimeFilter | None = strawberry.field(
        default=UNSET, description="When it was added."
    )
    updated: DateTimeFilter | None = strawberry.field(
        default=UNSET, description="The latest change."
    )
    and_: list["ListMemberFilter"] | None = strawberry.field(
        name="and", default=UNSET, description="All of these hold."
    )
    or_: list["ListMemberFilter"] | None = strawberry.field(
        name="or", default=UNSET, description="At least one of these holds."
    )
    not_: "ListMemberFilter | None" = strawberry.field(
        name="not", default=UNSET, description="This does not hold."
    )


@strawberry.input(description=f"Which provider accounts: {_ALL}")
class ProviderAccountFilter:
    id: IdFilter | None = strawberry.field(default=UNSET, description="Id of the account.")
    name: TextFilter | None = strawberry.field(
        default=UNSET, description="Its name; capitals and small letters are alike."
    )
    provider_type: ProviderTypeFilter | None = strawberry.field(
        default=UNSET, description="What carries its mail."
    )
    sender_emails: AddressesFilter | None = strawberry.field(
        default=UNSET, description="Addresses and @domains whose mail goes by it."
    )
    is_default: bool | None = strawberry.field(
        default=UNSET, description="Whether it is the tenant's default."
    )
    fallback_id: IdFilter | None = strawberry.field(
        default=UNSET, description="The account that stands in for it."
    )
    created: DateTimeFilter | None = strawberry.field(
        default=UNSET, description="When it was made."
    )
    updated: DateTimeFilter | None = strawberry.field(
        default=UNSET, description="The latest change."
    )
    created_by: TextFilter | None = strawberry.field(
        default=UNSET, description="The user who made it."
    )
    updated_by: TextFilter | None = strawberry.field(
        default=UNSET, description="The user who made the latest change."
    )
    and_: list["ProviderAccountFilter"] | None = strawberry.field(
        name="and", default=UNSET, description="All of these hold."
    )
    or_: list["ProviderAccountFilter"] | None = strawberry.field(
        name="or", default=UNSET, description="At least one of these holds."
    )
    not_: "ProviderAccountFilter | None" = strawberry.field(
        name="not", default=UNSET, description="This does not hold."
    )


@strawberry.input(description=f"Which API keys: {_ALL}")
class ApiKeyFilter:
    id: IdFilter | None = strawberry.field(default=UNSET, description="Id of the key.")
    name: TextFilter | None = strawberry.field(default=UNSET, description="What it is for.")
    created: DateTimeFilter | None = strawberry.field(
        default=UNSET, description="When it was made."
    )
    created_by: TextFilter | None = strawberry.field(
        default=UNSET, description="The user or key that made it."
    )
    expires_at: DateTimeFilter | None = strawberry.field(default=UNSET, description="When it ends.")
    last_used_at: DateTimeFilter | None = strawberry.field(
        default=UNSET, description="When it was used last."
    )
    revoked_at: DateTimeFilter | None = strawberry.field(
        default=UNSET, description="When it was revoked."
    )
    and_: list["ApiKeyFilter"] | None = strawberry.field(
        name="and", default=UNSET, description="All of these hold."
    )
    or_: list["ApiKeyFilter"] | None = strawberry.field(
        name="or", default=UNSET, description="At least one of these holds."
    )
    not_: "ApiKeyFilter | None" = strawberry.field(
        name="not", default=UNSET, description="This does not hold."
    )
