"""The words of the domain as GraphQL enums, each value explained.

Types take the enums from here: one that is used before it is explained stays unexplained.
"""

from collections.abc import Mapping
from enum import StrEnum

import strawberry

from app.context import Scope
from app.documents.vocabulary import (
    AccountStatus,
    AttemptOutcome,
    CommunicationStatus,
    CommunicationType,
    DeliveryStatus,
    Direction,
    EventType,
    InboundStatus,
    ProviderType,
    ReceivingState,
    RecipientStatus,
    SuppressionReason,
    TemplateFormat,
    TemplateKind,
    VariableType,
    VersionState,
)
from app.mail.kinds import InboundKind
from app.services.batches import BatchErrorPolicy
from app.settings import SmtpSecurity

__all__ = [
    "AccountStatus",
    "AttemptOutcome",
    "BatchErrorPolicy",
    "CommunicationStatus",
    "CommunicationType",
    "DeliveryStatus",
    "Direction",
    "EventType",
    "InboundKind",
    "InboundStatus",
    "ProviderType",
    "ReceivingState",
    "RecipientStatus",
    "Scope",
    "SmtpSecurity",
    "SuppressionReason",
    "TemplateFormat",
    "TemplateKind",
    "VariableType",
    "VersionState",
]


def explained(enum: type[StrEnum], description: str, values: Mapping[str, str]) -> None:
    """Make a GraphQL enum of it, with a description of its own and one of each value."""
    strawberry.enum(enum, description=description)
    for value in enum.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = values[value.name]


explained(
    CommunicationStatus,
    "Where a communication stands on its way to its recipients.",
    {
        "SCHEDULED": "Accepted, to go out at a later time.",
        "PENDING": "Accepted, waiting for a worker or for the next attempt.",
        "SENDING": "In the hands of a worker.",
        "SENT": "Taken by the provider.",
        "DELIVERED": "Taken by the recipient's server.",
        "BOUNCED": "Returned by the recipient's server.",
        "COMPLAINED": "Reported as spam by the recipient.",
        "FAILED": "Not sent; errorMessage says why.",
        "CANCELLED": "Called off before it went out.",
    },
)
explained(
    CommunicationType,
    "What a communication is about, in the CRM's terms.",
    {
        "OFFERTE": "An offer.",
        "FACTUUR": "An invoice.",
        "HERINNERING": "A reminder.",
        "CONTRACT": "A contract.",
        "AFSPRAAK": "An appointment.",
        "NIEUWSBRIEF": "A newsletter.",
        "SUPPORT": "Help for a customer.",
        "ALGEMEEN": "Anything else.",
    },
)
explained(
    ProviderType,
    "The service that carries the mail.",
    {
        "RESEND": "Resend.",
        "GRAPH": "A mailbox of Microsoft 365, by Microsoft Graph.",
        "SMTP": "An SMTP relay.",
    },
)
explained(
    AccountStatus,
    "Whether mail can go by a provider account.",
    {
        "UP": "It works, as far as is known.",
        "DOWN": "It failed again and again; mail goes by its fallback, or waits.",
    },
)
explained(
    ReceivingState,
    "How it stands with the mail that a mailbox receives.",
    {
        "PENDING": "It was not looked into yet, or Microsoft Graph was not asked yet to tell of "
        "new mail.",
        "ACTIVE": "New mail comes in as Microsoft Graph tells of it.",
        "FAULTY": "Something is wrong: reason says what. What can be done all the same is done, "
        "and the rest is tried again.",
    },
)
explained(
    SmtpSecurity,
    "How a connection to an SMTP relay is protected.",
    {
        "NONE": "Not at all.",
        "STARTTLS": "By TLS, asked for after the greeting; without it no mail is sent.",
        "TLS": "By TLS from the start.",
    },
)
explained(
    EventType,
    "What happened, in the audit trail.",
    {
        "CREATE": "The record was made.",
        "UPDATE": "The record was changed.",
        "SCHEDULE": "It was given a time to go out.",
        "RESCHEDULE": "That time was changed.",
        "CANCEL": "It was called off.",
        "SEND": "The provider took it.",
        "FAIL": "It could not be sent.",
        "RESEND": "It was sent once more.",
        "DELIVER": "The recipient's server took it.",
        "BOUNCE": "The recipient's server returned it.",
        "COMPLAIN": "The recipient reported it as spam.",
        "OPEN": "It was opened for the first time.",
        "CLICK": "A link was followed for the first time.",
        "COMMENT": "A user wrote a comment.",
        "REPLY": "A reply came in.",
        "DELETE": "The record was deleted.",
    },
)
explained(
    InboundStatus,
    "What was done with a received message.",
    {
        "NEW": "Nothing yet.",
        "READ": "It was read.",
        "ARCHIVED": "It was put away.",
    },
)
explained(
    InboundKind,
    "What a received message is. Only what a person wrote counts as a reply.",
    {
        "PERSONAL": "A person wrote it.",
        "AUTO_REPLY": "A program answered for somebody, e.g. who is out of office.",
        "DELIVERY_REPORT": "A mail server tells what became of a mail: a bounce or a delay.",
        "FEEDBACK_REPORT": "A provider passes on that somebody called a mail spam.",
        "READ_RECEIPT": "A mail program tells that a mail was shown.",
        "AUTOMATIC": "A program wrote it of its own accord, or at a click: see `calendar`.",
        "BULK": "It was sent to many, e.g. a newsletter.",
        "UNSUBSCRIBE": "It was sent to the address by which one unsubscribes.",
    },
)
explained(
    Direction,
    "Which way a mail went.",
    {"OUTBOUND": "It was sent.", "INBOUND": "It was received."},
)
explained(
    SuppressionReason,
    "Why an address gets no mail any more.",
    {
        "BOUNCE": "Its server returned a mail for good.",
        "COMPLAINT": "A mail to it was reported as spam.",
        "MANUAL": "A user said so.",
    },
)
explained(
    RecipientStatus,
    "How far a mail came on its way to one address.",
    {
        "PENDING": "It waits to be handed over.",
        "ACCEPTED": "The provider took it.",
        "REFUSED": "The provider did not take it, or could not send it.",
        "SUPPRESSED": "The address gets no mail any more.",
        "UNSUBSCRIBED": "By its consent the address does not get it; it was not handed over.",
        "DEFERRED": "Its server took nothing so far; the provider goes on trying.",
        "DELIVERED": "Its server took it.",
        "BOUNCED": "Its server returned it.",
        "COMPLAINED": "It was reported as spam.",
    },
)
explained(
    Scope,
    "What a token or an API key allows. Tokens spell COMMUNICATIONS_READ as communications:read.",
    {
        "COMMUNICATIONS_READ": (
            "Reading records, threads, timelines, analytics and received messages."
        ),
        "COMMUNICATIONS_SEND": (
            "Sending, answering, scheduling, rescheduling, cancelling, sending again."
        ),
        "COMMUNICATIONS_WRITE": "Commenting.",
        "COMMUNICATIONS_DELETE": "Deleting records.",
        "TEMPLATES_READ": "Reading templates.",
        "TEMPLATES_WRITE": "Making, changing and deleting templates.",
        "INBOUND_WRITE": "Handing in received messages.",
        "RECIPIENTS_READ": "Reading recipient lists and their members.",
        "RECIPIENTS_WRITE": "Making, filling, changing and deleting recipient lists.",
        "SUPPRESSIONS_READ": "Reading which addresses get no mail any more.",
        "SUPPRESSIONS_WRITE": "Suppressing addresses, and letting mail go to them again.",
        "CONSENT_READ": "Reading topics, and what recipients want of them.",
        "CONSENT_WRITE": "Making and changing topics, and writing down what recipients want.",
        "ACCOUNTS_READ": "Reading provider accounts.",
        "ACCOUNTS_WRITE": "Making, changing, testing and deleting provider accounts.",
        "KEYS_READ": "Reading API keys, without their secrets.",
        "KEYS_WRITE": "Making API keys of one's own scopes, rotating and revoking them.",
    },
)
explained(
    BatchErrorPolicy,
    "What becomes of a batch when one of its mails is refused.",
    {
        "CONTINUE": "Every other mail is sent.",
        "STOP": "What stands before it is sent; what stands behind it is not.",
        "ALL_OR_NOTHING": "None is sent: all are stored by one transaction, or nothing is.",
    },
)
explained(
    DeliveryStatus,
    "Where an envelope stands on its way to the provider.",
    {
        "QUEUED": "It waits, or is in the hands of a worker.",
        "SENT": "The provider took it.",
        "FAILED": "It was given up.",
        "SUPPRESSED": "Its addresses get no mail any more.",
        "UNSUBSCRIBED": "Of list mail: the member does not want it.",
        "CANCELLED": "It was called off.",
    },
)
explained(
    AttemptOutcome,
    "What came of a hand-over to the provider.",
    {
        "SENT": "The provider took it.",
        "TRANSIENT": "It failed in passing, and is tried again.",
        "PARKED": "Nothing can go by its account at the moment; it waits, and this does not count.",
        "UNCERTAIN": "The provider never confirmed it.",
        "PERMANENT": "The provider refused it for good.",
        "INTERRUPTED": "The worker stopped in the middle of it.",
    },
)
explained(
    TemplateKind,
    "What a template is for.",
    {
        "TEMPLATE": "Mail is made from it.",
        "LAYOUT": "What stands around the bodies of templates.",
        "PARTIAL": "A part that bodies and layouts have in common.",
    },
)
explained(
    TemplateFormat,
    "What the bodies of a template are written in.",
    {"HTML": "HTML.", "MJML": "MJML, compiled to HTML when it is published."},
)
explained(
    VersionState,
    "Whether a version of a template can still be changed.",
    {"DRAFT": "It is worked on.", "PUBLISHED": "It can be sent, and never changes."},
)
explained(
    VariableType,
    "What the values of a variable are.",
    {
        "STRING": "A text.",
        "NUMBER": "A number.",
        "BOOLEAN": "true or false.",
        "DATE": "A day or a moment in ISO 8601, e.g. `2019-08-24`.",
        "URL": "An http or https address.",
        "EMAIL": "An e-mail address.",
        "LIST": "A list.",
        "OBJECT": "An object.",
    },
)
