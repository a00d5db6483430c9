from datetime import datetime

import strawberry
from strawberry import UNSET

from graphql_schema.types.attachments import AttachmentInput
from graphql_schema.types.enums import CommunicationType, ProviderType


@strawberry.input(one_of=True, description="The mail that is answered: one of both kinds.")
class ReplyTarget:
    communication_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="Id of a communication that is out."
    )
    inbound_message_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="Id of a received message."
    )


@strawberry.input(
    description="An answer. What is left out is taken over from the mail that is answered."
)
class ReplyInput:
    body: str = strawberry.field(
        description="The HTML; of the answered mail nothing is in it but by `quoteOriginal`."
    )
    subject: str | None = strawberry.field(
        default=None, description="Subject line; that of the answered mail with `Re:` without it."
    )
    recipients: list[str] | None = strawberry.field(
        default=None,
        description=(
            "Addresses for To, as `a@b.nl` or `Name <a@b.nl>`. Without it whoever wrote the "
            "received message, or its Reply-To; for a communication its own recipients and cc."
        ),
    )
    reply_all: bool | None = strawberry.field(
        default=None,
        description=(
            "Whether it goes to everybody that the received message names, in To and Cc, but for "
            "addresses of yours; false without it. A communication is answered to all its "
            "recipients anyhow."
        ),
    )
    cc: list[str] | None = strawberry.field(default=None, description="Addresses for Cc.")
    bcc: list[str] | None = strawberry.field(
        default=None, description="Addresses that get it unseen by the others."
    )
    reply_to: str | None = strawberry.field(default=None, description="Where answers go.")
    sender_email: str | None = strawberry.field(
        default=None,
        description=(
            "Address for From; without it the one that the answered mail was sent from or to."
        ),
    )
    sender_name: str | None = strawberry.field(default=None, description="Display name for From.")
    type: CommunicationType | None = strawberry.field(
        default=None, description="What it is about; as the answered communication without it."
    )
    provider_type: ProviderType | None = strawberry.field(
        default=None,
        description="Who is to carry it; without it the sender's account, or the tenant's default.",
    )
    related_entity_type: str | None = strawberry.field(
        default=None,
        description="Kind of the CRM entity it belongs to; with its id, as the answered mail.",
    )
    related_entity_id: str | None = strawberry.field(default=None, description="Id of that entity.")
    tracking_enabled: bool | None = strawberry.field(
        default=None, description="Whether to count opens; true without it."
    )
    link_tracking_enabled: bool | None = strawberry.field(
        default=None, description="Whether to count clicks; as trackingEnabled without it."
    )
    attachments: list[AttachmentInput] | None = strawberry.field(
        default=None,
        description="Files that go with it; at most 50 and, by default, 25 MB together.",
    )
    scheduled_at: datetime | None = strawberry.field(
        default=None, description="When it is to go out; at once without it."
    )
    cancel_on_reply: bool | None = strawberry.field(
        default=None,
        description=(
            "Whether to call it off when a person answers in its conversation before its time; "
            "false without it."
        ),
    )
    quote_original: bool | None = strawberry.field(
        default=None,
        description=(
            "Whether the answered mail stands below the answer, as mail programs quote it: its "
            "safe HTML with its own pictures, its text behind `>`, of each so much as fits a mail; "
            "false without it. Not for mail to a list, or without a text."
        ),
    )
    quote_locale: str | None = strawberry.field(
        default=None,
        description=(
            "The language of the line above what is quoted, as BCP 47 has it: de, en, es, fr or "
            "nl, else English; without it that of the template of the mail of ours."
        ),
    )
    quote_timezone: str | None = strawberry.field(
        default=None,
        description="The time zone of the time in that line, e.g. `Europe/Amsterdam`; UTC without.",
    )
