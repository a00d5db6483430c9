"""What stands in a communication: the documented names, and what we add."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

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
from graphql_schema.types.lazily import Shown, ShownLazily, shown_id
from graphql_schema.types.nodes import Node
from graphql_schema.types.safe_html import SafelyShown


def _attachments(record: documents.Communication) -> list[Attachment]:
    return [
        Attachment.of(one, Place(record.tenant_id, Noun.COMMUNICATION, record.id, index))
        for index, one in enumerate(record.attachments)
    ]


# What is not shown as it is stored.
_SHOWS: Mapping[str, Callable[[documents.Communication], Any]] = {
    "clean": lambda record: partial(safe_html.of_sent, record=record),
    "id": shown_id("id"),
    "variables": Shown("variables", JSON),
    "template_version_id": shown_id("template_version_id"),
    "is_test": lambda record: bool(record.is_test),
    "attachments": _attachments,
    "progress": Shown("progress", Progress.of),
    "provider_account_id": shown_id("account_id"),
    "topic_id": shown_id("topic_id"),
    "replied": lambda record: record.reply_count > 0,
    "unsubscribed": lambda record: record.unsubscribe_count > 0,
    "clicked_links": lambda record: [ClickedLink.of(link) for link in record.clicked_links],
    "events": lambda record: [Event.of(event) for event in record.events],
}


@strawberry.type
class CommunicationRecord(ShownLazily, Node, SafelyShown):
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

    document = documents.Communication
    shows = _SHOWS
