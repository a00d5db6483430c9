"""By what lists can be ordered, as GraphQL enums, each value explained."""

from app.documents.vocabulary import CommunicationOrderField, OrderDirection
from graphql_schema.types.enums import explained

__all__ = ["CommunicationOrderField", "OrderDirection"]

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
