from datetime import datetime
from typing import Self

import strawberry

from app.documents.deliveries import DeliveryRecipient
from graphql_schema.types.enums import RecipientStatus


@strawberry.type(description="What became of a mail at one address.")
class RecipientState:
    address: str = strawberry.field(description="The address, as it stands in the envelope.")
    status: RecipientStatus = strawberry.field(description="How far the mail came.")
    detail: str | None = strawberry.field(
        description="What the provider or the recipient's server said."
    )
    date: datetime | None = strawberry.field(
        description="When that happened, where it was told after the mail went out."
    )
    permanent: bool | None = strawberry.field(
        description="Of a bounce: whether the address is wrong for good."
    )

    @classmethod
    def of(cls, recipient: DeliveryRecipient) -> Self:
        return cls(
            address=recipient.address,
            status=recipient.status,
            detail=recipient.reply,
            date=recipient.date,
            permanent=recipient.permanent,
        )
