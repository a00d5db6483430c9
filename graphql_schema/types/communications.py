"""Communications as GraphQL shows them: what stands in them, and what they lead to."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from app.documents import communications as documents
from app.documents import (
    deliveries,
    inbound_messages,
    provider_accounts,
    recipient_lists,
    template_versions,
    templates,
    topics,
)
from graphql_schema.limits import ListSize
from graphql_schema.links import NESTED_SIZE, to_many, to_one
from graphql_schema.resolvers import communications as resolvers
from graphql_schema.resolvers import families
from graphql_schema.types.communication_records import CommunicationRecord
from graphql_schema.types.connections import Connection
from graphql_schema.types.correspondence import Conversation, conversation_of, thread_of
from graphql_schema.types.engagements import Engagement, engagements_of
from graphql_schema.types.nodes import every, kind
from graphql_schema.types.safe_html import SAFE_FIELDS

if TYPE_CHECKING:
    from graphql_schema.types.conversations import Thread
    from graphql_schema.types.deliveries import Delivery
    from graphql_schema.types.inbound import InboundMessage
    from graphql_schema.types.provider_accounts import ProviderAccount
    from graphql_schema.types.recipient_lists import RecipientList
    from graphql_schema.types.template_versions import TemplateVersion
    from graphql_schema.types.templates import Template
    from graphql_schema.types.topics import Topic


# What shows a field of the document, besides the one of its name.
_STORED = {
    "tenant_id": ["attachments", *SAFE_FIELDS],
    "body": SAFE_FIELDS,
    # Where they stand when they are large.
    "content_id": ["body", "originalBody", "text", *SAFE_FIELDS],
    "attachments": SAFE_FIELDS,
    "clicked_links": SAFE_FIELDS,
    "account_id": ["providerAccountId", "providerAccount"],
    "template_id": ["template"],
    "template_version_id": ["usedVersion"],
    "recipient_list_id": ["recipientList"],
    "topic_id": ["topic"],
    "conversation_id": ["conversation", "thread"],
    "reply_count": ["replied"],
    "unsubscribe_count": ["unsubscribed"],
}


@kind(
    documents.Communication,
    find=resolvers.communications_with_ids,
    heavy=every(documents.Communication, _STORED),
)
@strawberry.type(description="A mail to one or more recipients, and what became of it.")
class Communication(CommunicationRecord):
    template: Annotated["Template", strawberry.lazy("graphql_schema.types.templates")] | None = (
        to_one(
            templates.Template,
            "template_id",
            "The template it was made from; null when it was deleted.",
        )
    )
    used_version: (
        Annotated["TemplateVersion", strawberry.lazy("graphql_schema.types.template_versions")]
        | None
    ) = to_one(
        template_versions.TemplateVersion,
        "template_version_id",
        "The version of its template; null when the template was deleted.",
    )
    recipient_list: (
        Annotated["RecipientList", strawberry.lazy("graphql_schema.types.recipient_lists")] | None
    ) = to_one(
        recipient_lists.RecipientList,
        "recipient_list_id",
        "The list it was sent to; null when it was deleted.",
    )
    provider_account: (
        Annotated["ProviderAccount", strawberry.lazy("graphql_schema.types.provider_accounts")]
        | None
    ) = to_one(
        provider_accounts.ProviderAccount,
        "provider_account_id",
        "The account that it goes by; null for the service's own relay.",
    )
    topic: Annotated["Topic", strawberry.lazy("graphql_schema.types.topics")] | None = to_one(
        topics.Topic, "topic_id", "The topic it is about."
    )
    deliveries: (
        Connection[Annotated["Delivery", strawberry.lazy("graphql_schema.types.deliveries")]] | None
    ) = to_many(
        families.DELIVERIES,
        deliveries.Delivery,
        "Its envelopes, the latest sending first: one of each sending, of list mail one of each "
        "member.",
    )
    replies: (
        Connection[Annotated["InboundMessage", strawberry.lazy("graphql_schema.types.inbound")]]
        | None
    ) = to_many(
        families.ANSWERS, inbound_messages.InboundMessage, "The received messages that answer it."
    )
    engagements: Connection[Engagement] | None = strawberry.field(
        resolver=engagements_of,
        description="Its opens and clicks as they came, people's and machines', latest first.",
        directives=[ListSize(assumed_size=NESTED_SIZE)],
    )

    conversation: Conversation | None = strawberry.field(
        resolver=conversation_of, description="The conversation it is part of."
    )
    thread: Annotated["Thread", strawberry.lazy("graphql_schema.types.conversations")] | None = (
        strawberry.field(
            resolver=thread_of,
            description="The latest messages of its conversation, each direction oldest first.",
            directives=[ListSize(assumed_size=20)],
        )
    )
