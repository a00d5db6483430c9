"""The words of consent as GraphQL enums; types take them from here (see `types.enums`)."""

from app.documents.vocabulary import PreferenceSource, PreferenceState, TopicDefault
from graphql_schema.types.enums import explained

__all__ = ["PreferenceSource", "PreferenceState", "TopicDefault"]

explained(
    TopicDefault,
    "Whether those who said nothing of a topic get its mail.",
    {
        "OPT_IN": "They do not: only who subscribed gets it.",
        "OPT_OUT": "They do: who unsubscribed gets none.",
    },
)
explained(
    PreferenceState,
    "What an address wants.",
    {
        "SUBSCRIBED": "The mail.",
        "UNSUBSCRIBED": "No more of it.",
    },
)
explained(
    PreferenceSource,
    "How it was said what an address wants.",
    {
        "ONE_CLICK": "By the recipient, with the button of a mail program (RFC 8058).",
        "PAGE": "By the recipient, on the page that mails lead to.",
        "MAILTO": "By the recipient, by e-mail.",
        "USER": "By a user, who wrote it down here.",
    },
)
