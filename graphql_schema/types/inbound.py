import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from app.documents import communications
from app.documents import inbound_messages as documents
from app.documents.attached import Noun, Place
from app.mail.reply_text import reply_text
from graphql_schema.context import Info
from graphql_schema.limits import ListSize
from graphql_schema.links import to_one
from graphql_schema.resolvers import inbound as resolvers
from graphql_schema.resolvers import safe_html
from graphql_schema.types.attachments import Attachment
from graphql_schema.types.calendar_events import CalendarEvent
from graphql_schema.types.communication_parts import Event
from graphql_schema.types.correspondence import Conversation, conversation_of
from graphql_schema.types.enums import InboundKind, InboundStatus, ProviderType
from graphql_schema.types.lazily import Shown, ShownLazily, shown_id
from graphql_schema.types.nodes import Node, every, kind
from graphql_schema.types.safe_html import SAFE_FIELDS, SafelyShown

if TYPE_CHECKING:
    from graphql_schema.types.communications import Communication

# Characters; other requests do not wait until what is longer is read.
_LONG = 16 * 1024
# What shows a field of the document, besides the one of its name.
_STORED = {
    "tenant_id": ["attachments", *SAFE_FIELDS],
    "body_html": SAFE_FIELDS,
    "body_text": ["replyText"],
    # Where both stand when they are large.
    "content_id": ["bodyHtml", "bodyText", "replyText", *SAFE_FIELDS],
    "attachments": ["attachmentsOmitted", *SAFE_FIELDS],
    "recipients": ["recipientCount"],
    "cc": ["recipientCount"],
    "parent_communication_id": ["parentCommunication"],
    "conversation_id": ["conversation"],
}
# What is not shown as it is stored.
_SHOWS: Mapping[str, Callable[[documents.InboundMessage], Any]] = {
    "stored": lambda message: message,
    "clean": lambda message: partial(safe_html.of_received, message=message),
    "id": shown_id("id"),
    "recipient_count": lambda message: message.all_recipients,
    "has_attachments": lambda message: bool(message.has_attachments),
    "calendar": Shown("calendar", CalendarEvent.of),
    "parent_communication_id": shown_id("parent_communication_id"),
    "provider_account_id": shown_id("provider_account_id"),
    "events": lambda message: [Event.of(event) for event in message.events],
}


async def _files(root: "InboundMessage", info: Info) -> documents.InboundMessage | None:
    """The message as far as its files go, also where nobody looked for them when it came."""
    if root.stored.attachments is not None:
        return root.stored
    return await info.context.loaders.load(resolvers.files_of, str(root.id))


async def _attachments(root: "InboundMessage", info: Info) -> list[Attachment]:
    found = await _files(root, info)
    if found is None or found.attachments is None:
        return []
    return [
        Attachment.of(one, Place(found.tenant_id, Noun.INBOUND_MESSAGE, found.id, index))
        for index, one in enumerate(found.attachments)
    ]


async def _reply_text(root: "InboundMessage") -> str | None:
    text = root.body_text
    if text is None or len(text) <= _LONG:
        return None if text is None else reply_text(text)
    return await asyncio.to_thread(reply_text, text)


async def _attachments_omitted(root: "InboundMessage", info: Info) -> int:
    found = await _files(root, info)
    return 0 if found is None else found.attachments_omitted


@kind(
    documents.InboundMessage,
    find=resolvers.inbound_messages_with_ids,
    heavy=every(documents.InboundMessage, _STORED),
)
@strawberry.type(description="A mail that was received.")
class InboundMessage(ShownLazily, Node, SafelyShown):
    id: strawberry.ID = strawberry.field(description="Id of the message.")
    tenant_id: str = strawberry.field(description="The tenant it belongs to.")
    status: InboundStatus = strawberry.field(description="What was done with it.")
    kind: InboundKind = strawberry.field(description="Whether a person wrote it, or what did.")
    subject: str | None = strawberry.field(description="The subject line.")
    from_email: str = strawberry.field(
        description="Address of its author; empty when it names none."
    )
    from_name: str | None = strawberry.field(description="The author's name.")
    recipients: list[str] = strawberry.field(description="Addresses in To.")
    cc: list[str] = strawberry.field(description="Addresses in Cc.")
    recipient_count: int = strawberry.field(
        description="How many To and Cc name: of each the first 1,000 are kept."
    )
    body_html: str | None = strawberry.field(
        description="Its HTML, exactly as it came: not safe to show, for which there is `safeHtml`."
    )
    body_text: str | None = strawberry.field(
        description="Its text, made from the HTML when it has none, with what it quotes behind `>`."
    )
    reply_text: str | None = strawberry.field(
        resolver=_reply_text,
        description=(
            "What is new in its text: without what it quotes, and the signature. Empty for a mail "
            "that was only passed on; null without a text."
        ),
    )
    has_attachments: bool = strawberry.field(
        description=(
            "Whether files came with it that its HTML does not only show. Of mail from before they "
            "were looked for, known once `attachments` were asked for."
        )
    )
    stored: strawberry.Private[documents.InboundMessage]
    attachments: list[Attachment] = strawberry.field(
        resolver=_attachments,
        directives=[ListSize(assumed_size=2)],
        description=(
            "The files that came with it, images in its HTML and forwarded messages (`.eml`) among "
            "them; at most 100."
        ),
    )
    attachments_omitted: int = strawberry.field(
        resolver=_attachments_omitted,
        description=(
            "How many more came with it, or could not be opened, as they stand too deep in it. "
            "All are in the message as it is kept."
        ),
    )
    calendar: CalendarEvent | None = strawberry.field(
        description="The meeting that it invites to, or answers about; null without one."
    )
    conversation_id: str | None = strawberry.field(description="The conversation it is part of.")
    parent_communication_id: strawberry.ID | None = strawberry.field(
        description="The communication it answers; null when it answers none we know."
    )
    related_entity_type: str | None = strawberry.field(
        description="Kind of the CRM entity it belongs to: that of the communication it answers."
    )
    related_entity_id: str | None = strawberry.field(description="Id of that entity.")
    internet_message_id: str | None = strawberry.field(description="Its Message-ID header.")
    in_reply_to: str | None = strawberry.field(description="Its In-Reply-To header.")
    graph_message_id: str | None = strawberry.field(
        description="Its id at Microsoft Graph, when it came from there."
    )
    envelope_recipients: list[str] = strawberry.field(
        description=(
            "Whom it was really delivered to (RFC 5321), whatever To and Cc say; empty where the "
            "way it came by does not tell."
        )
    )
    provider_type: ProviderType | None = strawberry.field(
        description="Who took it: SMTP for a mail server of yours. Null when it was handed in."
    )
    provider_message_id: str | None = strawberry.field(description="Its id at that provider.")
    provider_account_id: strawberry.ID | None = strawberry.field(
        description="The provider account it came by."
    )
    fetch_error: str | None = strawberry.field(
        description=(
            "Why its content is not here: what the provider said when it was fetched. Null when "
            "the message is whole."
        )
    )
    parse_fault: str | None = strawberry.field(
        description=(
            "What of it could not be read, and why; it is kept as it came, and read anew by "
            "`letterbox reparse`. Null when all of it was read."
        )
    )
    received_at: datetime = strawberry.field(description="When the mail server took it.")
    events: list[Event] = strawberry.field(
        directives=[ListSize(assumed_size=3)], description="The audit trail, oldest first."
    )
    created: datetime = strawberry.field(description="When it was stored here.")
    created_by: str | None = strawberry.field(description="The user who handed it in.")
    updated: datetime | None = strawberry.field(description="The latest change.")
    updated_by: str | None = strawberry.field(description="The user who made it.")
    parent_communication: (
        Annotated["Communication", strawberry.lazy("graphql_schema.types.communications")] | None
    ) = to_one(
        communications.Communication,
        "parent_communication_id",
        "The communication it answers; null when it answers none we know, or it was deleted.",
    )

    conversation: Conversation | None = strawberry.field(
        resolver=conversation_of, description="The conversation it is part of."
    )

    document = documents.InboundMessage
    shows = _SHOWS
