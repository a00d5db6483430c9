"""Templates as GraphQL shows them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self

import strawberry
from strawberry import UNSET
from strawberry.scalars import JSON

from app.documents import communications
from app.documents import templates as documents
from app.services import templates as services
from graphql_schema.links import to_many
from graphql_schema.resolvers import families
from graphql_schema.resolvers import templates as resolvers
from graphql_schema.types.attachments import AttachmentInput
from graphql_schema.types.connections import Connection
from graphql_schema.types.enums import CommunicationType, ProviderType
from graphql_schema.types.nodes import Node, kind

if TYPE_CHECKING:
    from graphql_schema.types.communications import Communication


@kind(documents.Template, find=resolvers.templates_with_ids, heavy={"body": ["body"]})
@strawberry.type(description="A subject and an HTML body that are filled in when they are sent.")
class Template(Node):
    id: strawberry.ID = strawberry.field(description="Id of the template.")
    name: str = strawberry.field(description="Its name, the tenant's only one of that name.")
    subject: str = strawberry.field(description="The subject line, with `{{ name }}` to fill in.")
    body: str = strawberry.field(description="The HTML, with `{{ name }}` to fill in.")
    description: str | None = strawberry.field(description="What it is for, in words.")
    type: CommunicationType | None = strawberry.field(description="What it is about.")
    revision: int = strawberry.field(description="1 at first, and one more with each change.")
    created: datetime = strawberry.field(description="When it was made.")
    created_by: str = strawberry.field(description="The user who made it.")
    updated: datetime = strawberry.field(description="The latest change.")
    updated_by: str = strawberry.field(description="The user who made that change.")
    communications: (
        Connection[
            Annotated["Communication", strawberry.lazy("graphql_schema.types.communications")]
        ]
        | None
    ) = to_many(
        families.MADE_FROM, communications.Communication, "The mails made from it, newest first."
    )

    @classmethod
    def of(cls, template: documents.Template) -> Self:
        return cls(
            id=strawberry.ID(str(template.id)),
            name=template.name,
            subject=template.subject,
            body=template.body,
            description=template.description,
            type=template.type,
            revision=template.revision,
            created=template.created,
            created_by=template.created_by,
            updated=template.updated,
            updated_by=template.updated_by,
        )


@strawberry.type(description="A template filled in, as a mail without tracking would show it.")
class TemplatePreview:
    subject: str = strawberry.field(description="The subject line.")
    html: str = strawberry.field(description="The HTML part.")
    text: str = strawberry.field(description="The text part, made from the HTML.")

    @classmethod
    def of(cls, preview: services.Preview) -> Self:
        return cls(subject=preview.subject, html=preview.html, text=preview.text)


@strawberry.input(description="A template to be kept.")
class CreateTemplateInput:
    name: str = strawberry.field(
        description="At most 200 characters, and no other template's name in any case."
    )
    subject: str = strawberry.field(description="The subject line, with `{{ name }}` to fill in.")
    body: str = strawberry.field(description="The HTML, with `{{ name }}` to fill in.")
    description: str | None = strawberry.field(
        default=None, description="What it is for, in at most 2,000 characters."
    )
    type: CommunicationType | None = strawberry.field(default=None, description="What it is about.")


@strawberry.input(description="What is to change in a template; what is left out stays as it is.")
class UpdateTemplateInput:
    name: str | None = strawberry.field(default=UNSET, description="Another name.")
    subject: str | None = strawberry.field(default=UNSET, description="Another subject line.")
    body: str | None = strawberry.field(default=UNSET, description="Another HTML.")
    description: str | None = strawberry.field(
        default=UNSET, description="Another description; null takes it away."
    )
    type: CommunicationType | None = strawberry.field(
        default=UNSET, description="What it is about; null takes it away."
    )
    revision: int | None = strawberry.field(
        default=UNSET,
        description="The revision the change was made on; a template changed since is a CONFLICT.",
    )


@strawberry.input(description="A mail to be made from a template.")
class SendTemplateInput:
    recipients: list[str] | None = strawberry.field(
        default=UNSET,
        description=(
            "Addresses for To, as `a@b.nl` or `Name <a@b.nl>`; at most 50 with cc and bcc. "
            "Required, but empty or left out with a recipientListId."
        ),
    )
    subject: str | None = strawberry.field(
        default=None, description="A subject line in place of the template's."
    )
    scheduled_at: datetime | None = strawberry.field(
        default=None, description="When it is to go out; at once without it."
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
    type: CommunicationType | None = strawberry.field(
        default=None, description="What it is about; as the template without it."
    )
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
            "The list it is sent to, a mail of its own to each member: the template is filled in "
            "with the member's variables, before those of this mail."
        ),
    )
    variables: JSON | None = strawberry.field(
        default=None, description="An object that holds what the template names."
    )
    tracking_enabled: bool | None = strawberry.field(
        default=None, description="Whether to count opens; true without it."
    )
    link_tracking_enabled: bool | None = strawberry.field(
        default=None, description="Whether to count clicks; as trackingEnabled without it."
    )
    conversation_id: str | None = strawberry.field(
        default=None, description="The conversation it continues; a new one without it."
    )
    attachments: list[AttachmentInput] | None = strawberry.field(
        default=None,
        description="Files that go with it; at most 50 and, by default, 25 MB together.",
    )
