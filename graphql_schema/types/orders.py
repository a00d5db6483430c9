"""By what lists can be ordered."""

import strawberry

from app.documents.vocabulary import (
    ApiKeyOrderField,
    CommunicationOrderField,
    ConversationOrderField,
    InboundMessageOrderField,
    ListMemberOrderField,
    NamedOrderField,
    OrderDirection,
    PreferenceOrderField,
    SuppressionOrderField,
    TopicOrderField,
)
from graphql_schema.types.enums import explained

explained(
    OrderDirection,
    "Which way a list is ordered.",
    {"ASC": "The least first.", "DESC": "The greatest first."},
)
explained(
    CommunicationOrderField,
    "What communications can be ordered by. CREATED and SENT_AT cost the same however many there "
    "are; for the others MongoDB looks at all that match.",
    {
        "CREATED": "When it was accepted.",
        "UPDATED": "The latest change.",
        "SCHEDULED_AT": "When it is to go out.",
        "SENT_AT": "When the provider took it.",
        "OPENED_AT": "The first open.",
        "OPEN_COUNT": "How often it was opened.",
        "STATUS": "Where it stands, by its name.",
        "TYPE": "What it is about, by its name.",
        "SUBJECT": "The subject line; capitals come before small letters.",
        "SENDER_EMAIL": "Address in From.",
    },
)
explained(
    InboundMessageOrderField,
    "What received messages can be ordered by. RECEIVED_AT costs the same however many there are; "
    "for the others MongoDB looks at all that match.",
    {
        "RECEIVED_AT": "When the mail server took it.",
        "CREATED": "When it was stored here.",
        "FROM_EMAIL": "Address of its author.",
        "SUBJECT": "The subject line; capitals come before small letters.",
    },
)
explained(
    ConversationOrderField,
    "What conversations can be ordered by.",
    {"LATEST_RECEIVED": "When the latest message was received."},
)
explained(
    SuppressionOrderField,
    "What suppressions can be ordered by.",
    {"CREATED": "When it was added.", "ADDRESS": "The address."},
)
explained(
    ApiKeyOrderField,
    "What API keys can be ordered by.",
    {
        "CREATED": "When it was made.",
        "NAME": "The name; capitals come before small letters.",
        "LAST_USED_AT": "When it was used last.",
    },
)
explained(
    NamedOrderField,
    "What records with a name can be ordered by.",
    {
        "NAME": "The name, capitals and small letters alike.",
        "CREATED": "When it was made.",
        "UPDATED": "The latest change.",
    },
)
explained(
    ListMemberOrderField,
    "What members of a list can be ordered by.",
    {"ADDED": "When it was added, those of one file in its order.", "EMAIL": "The address."},
)
explained(
    TopicOrderField,
    "What topics can be ordered by.",
    {
        "NAME": "The name, capitals and small letters alike.",
        "KEY": "The key.",
        "CREATED": "When it was made.",
        "UPDATED": "The latest change.",
    },
)
explained(
    PreferenceOrderField,
    "What preferences can be ordered by.",
    {"DATE": "When it was said.", "ADDRESS": "The address."},
)
_MISSING = "A field to order by. As the least counts what is missing."


@strawberry.input(description=_MISSING)
class CommunicationOrder:
    field: CommunicationOrderField = strawberry.field(description="The field.")
    direction: OrderDirection = strawberry.field(description="Which way.")


@strawberry.input(description=_MISSING)
class InboundMessageOrder:
    field: InboundMessageOrderField = strawberry.field(description="The field.")
    direction: OrderDirection = strawberry.field(description="Which way.")


@strawberry.input(description="A field to order by.")
class ConversationOrder:
    field: ConversationOrderField = strawberry.field(description="The field.")
    direction: OrderDirection = strawberry.field(description="Which way.")


@strawberry.input(description="A field to order by.")
class SuppressionOrder:
    field: SuppressionOrderField = strawberry.field(description="The field.")
    direction: OrderDirection = strawberry.field(description="Which way.")


@strawberry.input(description=_MISSING)
class ApiKeyOrder:
    field: ApiKeyOrderField = strawberry.field(description="The field.")
    direction: OrderDirection = strawberry.field(description="Which way.")


@strawberry.input(description=_MISSING)
class NamedOrder:
    field: NamedOrderField = strawberry.field(description="The field.")
    direction: OrderDirection = strawberry.field(description="Which way.")


@strawberry.input(description="A field to order by.")
class ListMemberOrder:
    field: ListMemberOrderField = strawberry.field(description="The field.")
    direction: OrderDirection = strawberry.field(description="Which way.")


@strawberry.input(description="A field to order by.")
class TopicOrder:
    field: TopicOrderField = strawberry.field(description="The field.")
    direction: OrderDirection = strawberry.field(description="Which way.")


@strawberry.input(description="A field to order by.")
class PreferenceOrder:
    field: PreferenceOrderField = strawberry.field(description="The field.")
    direction: OrderDirection = strawberry.field(description="Which way.")
