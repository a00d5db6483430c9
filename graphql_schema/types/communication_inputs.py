"""Mails as GraphQL takes them."""

from datetime import datetime

import strawberry
from strawberry import UNSET
from strawberry.scalars import JSON

from graphql_schema.types.attachments import AttachmentInput
from graphql_schema.types.enums import CommunicationType, ProviderType


@strawberry.input(description="A mail to be sent at once.")
class SendCommunicationInput:
    subject: str = strawberry.field(description="The subject line.")
    body: str = strawberry.field(description="The HTML of the mail, at most 10 MB.")
    recipients: list[str] | None = strawberry.field(
        default=UNSET,
        description=(
            "Addresses for To, as `a@b.nl` or `Name <a@b.nl>`; at most 50 with cc and bcc. "
            "Required, but empty or left out with a recipientListId."
        ),
    )
    cc: list[str] | None = strawberry.field(default=None, description="Addresses for Cc.")
    bcc: list[str] | None = strawberry.field(
        default=None, description="Addresses that get it unseen by the others."
    )
    reply_to: str | None = strawberry.field(default=None, description="Where answers go.")
    sender_email: str | None = strawberry.field(
        default=None, description="Address for From; its account's or the service's without it."
    )
    sender_name: str | None = strawberry.field(default=None, description="Display name for From.")
    type: CommunicationType | None = strawberry.field(default=None, description="What it is about.")
    provider_type: ProviderType | None = strawberry.field(
        default=None,
        description="Who is to carry it; without it the sender's account, or the tenant's default.",
    )
    related_entity_type: str | None = strawberry.field(
        default=None, description="Kind of the CRM entity it belongs to."
    )
    related_entity_id: str | None = strawberry.field(default=None, description="Id of that entity.")
    recipient_list_id: str | None = strawberry.field(
        default=None,
        description=(
            "The list it is sent to, a mail of its own to each member: `{{ name }}` in subject "
            "and body is filled in with the member's variables, before those of this mail."
        ),
    )
    template_id: str | None = strawberry.field(
        default=None, description="The template it was made from."
    )
    variables: JSON | None = strawberry.field(
        default=None,
        description="An object; with it, `{{ name }}` in subject and body is filled in.",
    )
    tracking_enabled: bool | None = strawberry.field(
        default=None, description="Whether to count opens; true without it."
    )
    link_tracking_enabled: bool | None = strawberry.field(
        default=None, description="Whether to count clicks; as trackingEnabled without it."
    )
    unsubscribable: bool | None = strawberry.field(
        default=None,
        description=(
            "Whether its recipient can unsubscribe by it, in one click (RFC 8058); for mail to one "
            "address. Mail to a list or of a topic always lets one; other mail does not without "
            "it, and goes to everybody whatever they unsubscribed from."
        ),
    )
    conversation_id: str | None = strawberry.field(
        default=None, description="The conversation it continues; a new one without it."
    )
    topic_id: strawberry.ID | None = strawberry.field(
        default=None,
        description=(
            "What it is about: it goes to nobody who unsubscribed from that, or from everything. "
            "For mail to one address or to a list."
        ),
    )
    attachments: list[AttachmentInput] | None = strawberry.field(
        default=None,
        description="Files that go with it; at most 50 and, by default, 25 MB together.",
    )


@strawberry.input(description="A mail to be sent at a later time.")
class ScheduleCommunicationInput(SendCommunicationInput):
    scheduled_at: datetime = strawberry.field(description="When it is to go out; in the future.")
    cancel_on_reply: bool | None = strawberry.field(
        default=None,
        description=(
            "Whether to call it off when a person answers in its conversation before its time; "
            "false without it."
        ),
    )
