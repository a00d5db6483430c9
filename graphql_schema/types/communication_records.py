"""What stands in a communication: the documented names, and what we add."""

from datetime import datetime
from functools import partial
from typing import Self

import strawberry
from strawberry.scalars import JSON

from app.documents import communications as documents
from app.documents.attached import Noun, Place
from graphql_schema.limits import ListSize
from graphql_schema.resolvers import safe_html
from graphql_schema.types.attachments import Attachment
from graphql_schema.types.communication_parts import ClickedLink, Event, Progress
from graphql_schema.types.enums import (
    CommunicationStatus,
    CommunicationType,
    ProviderType,
)
from graphql_schema.types.nodes import Node
from graphql_schema.types.safe_html import SafelyShown


@strawberry.type
class CommunicationRecord(Node, SafelyShown):
    id: strawberry.ID = strawberry.field(description="Id of the record.")
    tenant_id: str = strawberry.field(description="The tenant it belongs to.")
    status: CommunicationStatus = strawberry.field(description="Where it stands.")
    type: CommunicationType | None = strawberry.field(description="What it is about.")
    subject: str | None = strawberry.field(description="The subject line.")
    body: str | None = strawberry.field(description="The HTML that goes out, tracking included.")
    original_body: str | None = strawberry.field(description="The HTML as it was given.")
    variables: JSON | None = strawberry.field(description="Variables filled into subject and body.")
    template_id: str | None = strawberry.field(description="The template it was made from.")
    template_name: str | None = strawberry.field(description="That template's name.")
    template_version: int | None = strawberry.field(
        description="The number of the version of that template that it was made from."
    )
    template_version_id: strawberry.ID | None = strawberry.field(
        description="The id of that version."
    )
    locale: str | None = strawberry.field(
        description=(
            "The language of the template that it is in; of mail to a list, that of members "
            "without one of their own."
        )
    )
    text: str | None = strawberry.field(
        description="The text part, where it is not made of the HTML: a template's, or an answer's."
    )
    is_test: bool = strawberry.field(
        description="Whether it only tries a template out; analytics do not count it."
    )
    sender_email: str | None = strawberry.field(description="Address in From.")
    sender_name: str | None = strawberry.field(description="Display name in From.")
    reply_to: str | None = strawberry.field(description="Where answers go.")
    recipients: list[str] = strawberry.field(description="Addresses in To.")
    cc: list[str] = strawberry.field(description="Addresses in Cc.")
    bcc: list[str] = strawberry.field(description="Addresses that get it unseen by the others.")
    attachments: list[Attachment] = strawberry.field(
        directives=[ListSize(assumed_size=1)], description="The files that go with it."
    )
    recipient_list_id: str | None = strawberry.field(description="The list it was sent to.")
    progress: Progress | None = strawberry.field(
        description=(
            "Of mail to a list: what became of it, counted every few seconds while it is sent; "
            "null before its first delivery."
        )
    )
    paused_at: datetime | None = strawberry.field(description="Since when it is paused.")
    provider_type: ProviderType | None = strawberry.field(description="Who carries it.")
    provider_account_id: strawberry.ID | None = strawberry.field(
        description="The account that it goes by; null for the service's own relay."
    )
    related_entity_type: str | None = strawberry.field(
        description="Kind of the CRM entity it belongs to."
    )
    related_entity_id: str | None = strawberry.field(description="Id of that entity.")
    conversation_id: str | None = strawberry.field(description="The conversation it is part of.")
    in_reply_to: str | None = strawberry.field(
        description="The Message-ID of the mail that it answers, where `reply` made it."
    )
    message_id: str | None = strawberry.field(description="The provider's id, once it is sent.")
    internet_message_id: str | None = strawberry.field(
        description="The Message-ID header, once it is sent."
    )
    scheduled_at: datetime | None = strawberry.field(description="When it is to go out.")
    cancel_on_reply: bool = strawberry.field(
        description="Whether an answer in its conversation calls it off while it waits."
    )
    topic_id: strawberry.ID | None = strawberry.field(description="The topic it is about.")
    unsubscribable: bool = strawberry.field(
        description="Whether its recipients can unsubscribe by it: by its header fields, and links."
    )
    sent_at: datetime | None = strawberry.field(description="When the provider took it.")
    error_message: str | None = strawberry.field(description="What went wrong, in words.")
    tracking_enabled: bool = strawberry.field(description="Whether opens are counted.")
    link_tracking_enabled: bool = strawberry.field(description="Whether clicks are counted.")
    opened: bool = strawberry.field(description="Whether a person opened it.")
    opened_at: datetime | None = strawberry.field(description="A person's first open.")
    last_opened_at: datetime | None = strawberry.field(description="A person's latest open.")
    open_count: int = strawberry.field(description="How often people opened it.")
    machine_open_count: int = strawberry.field(
        description="How often machines fetched its picture, whether anybody opened it or not."
    )
    replied: bool = strawberry.field(description="Whether a person answered it.")
    replied_at: datetime | None = strawberry.field(description="When the first answer came in.")
    reply_count: int = strawberry.field(description="How many answers of people came in.")
    unsubscribed: bool = strawberry.field(description="Whether a recipient unsubscribed by it.")
    unsubscribed_at: datetime | None = strawberry.field(description="When the first one did.")
    unsubscribe_count: int = strawberry.field(
        description="How many recipients did, each counted once: more than one of mail to a list."
    )
    clicked_links: list[ClickedLink] = strawberry.field(
        directives=[ListSize(assumed_size=3)],
        description="Every tracked link, in the order of the mail, clicked or not.",
    )
    events: list[Event] = strawberry.field(
        directives=[ListSize(assumed_size=3)], description="The audit trail, oldest first."
    )
    created: datetime = strawberry.field(description="When it was accepted.")
    created_by: str | None = strawberry.field(description="The user who asked for it.")
    updated: datetime | None = strawberry.field(description="The latest change.")
    updated_by: str | None = strawberry.field(
        description="The user who made it; null for the service."
    )

    @classmethod
    def of(cls, record: documents.Communication) -> Self:
        return cls(
            clean=partial(safe_html.of_sent, record=record),
            id=strawberry.ID(str(record.id)),
            tenant_id=record.tenant_id,
            status=record.status,
            type=record.type,
            subject=record.subject,
            body=record.body,
            original_body=record.original_body,
            variables=None if record.variables is None else JSON(record.variables),
            template_id=record.template_id,
            template_name=record.template_name,
            template_version=record.template_version,
            template_version_id=(
                None
                if record.template_version_id is None
                else strawberry.ID(str(record.template_version_id))
            ),
            locale=record.locale,
            text=record.text,
            is_test=bool(record.is_test),
            sender_email=record.sender_email,
            sender_name=record.sender_name,
            reply_to=record.reply_to,
            recipients=record.recipients,
            cc=record.cc,
            bcc=record.bcc,
            attachments=[
                Attachment.of(one, Place(record.tenant_id, Noun.COMMUNICATION, record.id, index))
                for index, one in enumerate(record.attachments)
            ],
            recipient_list_id=record.recipient_list_id,
            progress=None if record.progress is None else Progress.of(record.progress),
            paused_at=record.paused_at,
            provider_type=record.provider_type,
            provider_account_id=(
                None if record.account_id is None else strawberry.ID(str(record.account_id))
            ),
            related_entity_type=record.related_entity_type,
            related_entity_id=record.related_entity_id,
            conversation_id=record.conversation_id,
            in_reply_to=record.in_reply_to,
            message_id=record.message_id,
            internet_message_id=record.internet_message_id,
            scheduled_at=record.scheduled_at,
            cancel_on_reply=record.cancel_on_reply,
            topic_id=None if record.topic_id is None else strawberry.ID(str(record.topic_id)),
            unsubscribable=record.unsubscribable,
            sent_at=record.sent_at,
            error_message=record.error_message,
            tracking_enabled=record.tracking_enabled,
            link_tracking_enabled=record.link_tracking_enabled,
            opened=record.opened,
            opened_at=record.opened_at,
            last_opened_at=record.last_opened_at,
            open_count=record.open_count,
            machine_open_count=record.machine_open_count,
            replied=record.reply_count > 0,
            replied_at=record.replied_at,
            reply_count=record.reply_count,
            unsubscribed=record.unsubscribe_count > 0,
            unsubscribed_at=record.unsubscribed_at,
            unsubscribe_count=record.unsubscribe_count,
            clicked_links=[ClickedLink.of(link) for link in record.clicked_links],
            events=[Event.of(event) for event in record.events],
            created=record.created,
            created_by=record.created_by,
            updated=record.updated,
            updated_by=record.updated_by,
        )
