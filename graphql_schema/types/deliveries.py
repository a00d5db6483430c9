"""Envelopes as GraphQL shows them: how often each was handed over, and what came of it."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from app.documents import communications, list_members, provider_accounts
from app.documents import deliveries as documents
from graphql_schema.limits import ListSize
from graphql_schema.links import to_one
from graphql_schema.resolvers import deliveries as resolvers
from graphql_schema.types.enums import AttemptOutcome, DeliveryStatus
from graphql_schema.types.nodes import Node, kind
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


@kind(documents.Delivery, find=resolvers.deliveries_with_ids)
@strawberry.type(
    description=(
        "One envelope that is handed to a provider: a mail to all its addresses, or list mail to "
        "one member. A mail that is sent again has another one."
    )
)
class Delivery(Node):
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

    @classmethod
    def of(cls, row: documents.Delivery) -> Self:
        account, member = row.account_id, row.member_id
        return cls(
            id=strawberry.ID(str(row.id)),
            communication_id=strawberry.ID(str(row.communication_id)),
            sending=row.sending,
            status=row.status,
            recipients=[RecipientState.of(one) for one in row.recipients],
            attempts=[DeliveryAttempt.of(one) for one in row.attempts],
            provider_account_id=None if account is None else strawberry.ID(str(account)),
            message_id=row.provider_id,
            internet_message_id=row.internet_message_id,
            member_id=None if member is None else strawberry.ID(str(member)),
            locale=row.locale,
            next_attempt_at=row.due_at if member is None else row.batch_at,
            created=row.created,
        )
