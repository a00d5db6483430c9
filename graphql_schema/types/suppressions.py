from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from app.documents import communications
from app.documents import suppressions as documents
from graphql_schema.links import to_one
from graphql_schema.resolvers import suppressions as resolvers
from graphql_schema.types.enums import SuppressionReason
from graphql_schema.types.nodes import Node, kind

if TYPE_CHECKING:
    from graphql_schema.types.communications import Communication


@kind(documents.Suppression, find=resolvers.suppressions_with_ids)
@strawberry.type(description="An address that gets no mail of this tenant any more.")
class Suppression(Node):
    id: strawberry.ID = strawberry.field(description="Id of the suppression.")
    address: str = strawberry.field(description="The address, in lower case.")
    reason: SuppressionReason = strawberry.field(description="Why it gets no mail.")
    detail: str | None = strawberry.field(
        description="What its server said, or the user who added it."
    )
    communication_id: strawberry.ID | None = strawberry.field(
        description="The communication that led to it."
    )
    created: datetime = strawberry.field(description="When it was added.")
    created_by: str | None = strawberry.field(
        description="The user who added it; null where the service did."
    )
    communication: (
        Annotated["Communication", strawberry.lazy("graphql_schema.types.communications")] | None
    ) = to_one(
        communications.Communication,
        "communication_id",
        "The communication that led to it; null when it was deleted.",
    )

    @classmethod
    def of(cls, suppression: documents.Suppression) -> Self:
        communication = suppression.communication_id
        return cls(
            id=strawberry.ID(str(suppression.id)),
            address=suppression.address,
            reason=suppression.reason,
            detail=suppression.detail,
            communication_id=None if communication is None else strawberry.ID(str(communication)),
            created=suppression.created,
            created_by=suppression.created_by,
        )


@strawberry.input(description="An address that is to get no mail any more.")
class AddSuppressionInput:
    address: str = strawberry.field(description="The address, in any case.")
    detail: str | None = strawberry.field(
        default=None, description="Why, in one line of at most 320 characters."
    )
