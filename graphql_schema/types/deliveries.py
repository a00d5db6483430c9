"""Envelopes as GraphQL shows them: how often each was handed over, and what came of it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Self

import strawberry

from app.documents import communications, list_members, provider_accounts
from app.documents import deliveries as documents
from graphql_schema.limits import ListSize
from graphql_schema.links import to_one
from graphql_schema.resolvers import deliveries as resolvers
from graphql_schema.types.enums import AttemptOutcome, DeliveryStatus
from graphql_schema.types.lazily import Shown, ShownLazily, shown_id
from graphql_schema.types.nodes import Node, every, kind
from graphql_schema.types.recipient_states import RecipientState

if TYPE_CHECKING:
    from graphql_schema.types.communications import Communication
    from graphql_schema.types.list_members import ListMember
    from graphql_schema.types.provider_accounts import ProviderAccount


@strawberry.type(description="One hand-over to the provider that was tried.")
class DeliveryAttempt:
    date: datetime = strawberry.field(description="When it ended.")
    outcome: AttemptOutcome = strawberry.field(description="What came of it.")
    detail: str | None = strawberry.field(description="What the provider said.")

    @classmethod
    def of(cls, attempt: documents.Attempt) -> Self:
        return cls(date=attempt.date, outcome=attempt.outcome, detail=attempt.detail)


# What shows a field of the document, besides the one of its name.
_STORED = {
    "communication_id": ["communication"],
    "provider_id": ["messageId"],
    "account_id": ["providerAccountId", "providerAccount"],
    "member_id": ["member", "nextAttemptAt"],
    "due_at": ["nextAttemptAt"],
    "batch_at": ["nextAttemptAt"],
}
# What is not shown as it is stored.
_SHOWS: Mapping[str, Callable[[documents.Delivery], Any]] = {
    "id": shown_id("id"),
    "communication_id": shown_id("communication_id"),
    "recipients": Shown("recipients", lambda several: [RecipientState.of(one) for one in several]),
    "attempts": Shown("attempts", lambda several: [DeliveryAttempt.of(one) for one in several]),
    "provider_account_id": shown_id("account_id"),
    "message_id": Shown("provider_id", str),
    "member_id": shown_id("member_id"),
    "next_attempt_at": lambda row: row.due_at if row.member_id is None else row.batch_at,
}


@kind(
    documents.Delivery,
    find=resolvers.deliveries_with_ids,
    heavy=every(documents.Delivery, _STORED),
)
@strawberry.type(
    description=(
        "One envelope that is handed to a provider: a mail to all its addresses, or list mail to "
        "one member. A mail that is sent again has another one."
    )
)
class Delivery(ShownLazily, Node):
    id: strawberry.ID = strawberry.field(description="Id of the delivery.")
    communication_id: strawberry.ID = strawberry.field(description="The mail in it.")
    sending: int = strawberry.field(description="Which sending of the mail it is of, from 1.")
    status: DeliveryStatus = strawberry.field(description="Where it stands.")
    recipients: list[RecipientState] = strawberry.field(
        description="What became of the mail at each of its addresses.",
        directives=[ListSize(assumed_size=3)],
    )
    attempts: list[DeliveryAttempt] = strawberry.field(
        description="The hand-overs that were tried, oldest first.",
        directives=[ListSize(assumed_size=3)],
    )
    provider_account_id: strawberry.ID | None = strawberry.field(
        description=(
            "The account of the latest hand-over; null for the service's own relay, and before it."
        )
    )
    message_id: str | None = strawberry.field(description="The provider's id, once it is sent.")
    internet_message_id: str | None = strawberry.field(
        description="The Message-ID header, once it is sent."
    )
    member_id: strawberry.ID | None = strawberry.field(
        description="Of list mail, the member that it goes to."
    )
    locale: str | None = strawberry.field(
        description="Of list mail from a template, the language that the member gets it in."
    )
    next_attempt_at: datetime | None = strawberry.field(
        description=(
            "When it is tried next, or, in the hands of a worker, when another one may take it; "
            "null once it is settled."
        )
    )
    created: datetime = strawberry.field(description="When it was made.")
    communication: (
        Annotated["Communication", strawberry.lazy("graphql_schema.types.communications")] | None
    ) = to_one(communications.Communication, "communication_id", "The mail in it.")
    provider_account: (
        Annotated["ProviderAccount", strawberry.lazy("graphql_schema.types.provider_accounts")]
        | None
    ) = to_one(
        provider_accounts.ProviderAccount,
        "provider_account_id",
        "The account of the latest hand-over; null for the service's own relay.",
    )
    member: Annotated["ListMember", strawberry.lazy("graphql_schema.types.list_members")] | None = (
        to_one(
            list_members.ListMember,
            "member_id",
            "Of list mail, the member that it goes to; null when it was removed.",
        )
    )

    document = documents.Delivery
    shows = _SHOWS
