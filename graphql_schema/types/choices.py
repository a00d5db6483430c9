"""What may be asked of a field that holds one of a few words."""

from typing import Generic, TypeVar

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

GIVEN = "Operators that are null count as not given."


Choice = TypeVar("Choice")


@strawberry.input
class ChoiceFilter(Generic[Choice]):
    """What may be asked of a field that always holds a word."""

    eq: Choice | None = strawberry.field(default=UNSET, description="It is this.")
    ne: Choice | None = strawberry.field(default=UNSET, description="It is not this.")
    in_: list[Choice] | None = strawberry.field(
        name="in", default=UNSET, description="It is one of these."
    )
    not_in: list[Choice] | None = strawberry.field(
        default=UNSET, description="It is none of these."
    )


@strawberry.input(description=f"What is asked of a status. {GIVEN}")
class CommunicationStatusFilter(ChoiceFilter[CommunicationStatus]):
    pass


@strawberry.input(description=f"What is asked of a communication's type. {GIVEN}")
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


@strawberry.input(description=f"What is asked of the kind of provider. {GIVEN}")
class ProviderTypeFilter(ChoiceFilter[ProviderType]):
    pass


@strawberry.input(description=f"What is asked of a received message's status. {GIVEN}")
class InboundStatusFilter(ChoiceFilter[InboundStatus]):
    pass


@strawberry.input(description=f"What is asked of a received message's kind. {GIVEN}")
class InboundKindFilter(ChoiceFilter[InboundKind]):
    pass


@strawberry.input(description=f"What is asked of the reason of a suppression. {GIVEN}")
class SuppressionReasonFilter(ChoiceFilter[SuppressionReason]):
    pass
