"""What may be asked of a field that holds one of a few words."""

import strawberry
from strawberry import UNSET

from graphql_schema.types.enums import (
    CommunicationStatus,
    CommunicationType,
    InboundKind,
    InboundStatus,
    ProviderType,
    SuppressionReason,
)

_GIVEN = "Operators that are null count as not given."


@strawberry.input(description=f"What is asked of a status. {_GIVEN}")
class CommunicationStatusFilter:
    eq: CommunicationStatus | None = strawberry.field(default=UNSET, description="It is this.")
    ne: CommunicationStatus | None = strawberry.field(default=UNSET, description="It is not this.")
    in_: list[CommunicationStatus] | None = strawberry.field(
        name="in", default=UNSET, description="It is one of these."
    )
    not_in: list[CommunicationStatus] | None = strawberry.field(
        default=UNSET, description="It is none of these."
    )


@strawberry.input(description=f"What is asked of a communication's type. {_GIVEN}")
class CommunicationTypeFilter:
    eq: CommunicationType | None = strawberry.field(default=UNSET, description="It is this.")
    ne: CommunicationType | None = strawberry.field(
        default=UNSET, description="It is not this, or missing."
    )
    in_: list[CommunicationType] | None = strawberry.field(
        name="in", default=UNSET, description="It is one of these."
    )
    not_in: list[CommunicationType] | None = strawberry.field(
        default=UNSET, description="It is none of these, or missing."
    )
    is_null: bool | None = strawberry.field(default=UNSET, description="Whether it is missing.")


@strawberry.input(description=f"What is asked of the kind of provider. {_GIVEN}")
class ProviderTypeFilter:
    eq: ProviderType | None = strawberry.field(default=UNSET, description="It is this.")
    ne: ProviderType | None = strawberry.field(default=UNSET, description="It is not this.")
    in_: list[ProviderType] | None = strawberry.field(
        name="in", default=UNSET, description="It is one of these."
    )
    not_in: list[ProviderType] | None = strawberry.field(
        default=UNSET, description="It is none of these."
    )


@strawberry.input(description=f"What is asked of a received message's status. {_GIVEN}")
class InboundStatusFilter:
    eq: InboundStatus | None = strawberry.field(default=UNSET, description="It is this.")
    ne: InboundStatus | None = strawberry.field(default=UNSET, description="It is not this.")
    in_: list[InboundStatus] | None = strawberry.field(
        name="in", default=UNSET, description="It is one of these."
    )
    not_in: list[InboundStatus] | None = strawberry.field(
        default=UNSET, description="It is none of these."
    )


@strawberry.input(description=f"What is asked of a received message's kind. {_GIVEN}")
class InboundKindFilter:
    eq: InboundKind | None = strawberry.field(default=UNSET, description="It is this.")
    ne: InboundKind | None = strawberry.field(default=UNSET, description="It is not this.")
    in_: list[InboundKind] | None = strawberry.field(
        name="in", default=UNSET, description="It is one of these."
    )
    not_in: list[InboundKind] | None = strawberry.field(
        default=UNSET, description="It is none of these."
    )


@strawberry.input(description=f"What is asked of the reason of a suppression. {_GIVEN}")
class SuppressionReasonFilter:
    eq: SuppressionReason | None = strawberry.field(default=UNSET, description="It is this.")
    ne: SuppressionReason | None = strawberry.field(default=UNSET, description="It is not this.")
    in_: list[SuppressionReason] | None = strawberry.field(
        name="in", default=UNSET, description="It is one of these."
    )
    not_in: list[SuppressionReason] | None = strawberry.field(
        default=UNSET, description="It is none of these."
    )
