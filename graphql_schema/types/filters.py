"""What may be asked of a field in a filter; operators beside each other are AND."""

from datetime import datetime

import strawberry
from strawberry import UNSET

_EQ = "It is this."
_NE = "It is not this, or missing."
_IN = "It is one of these, at most 1,000."
_NOT_IN = "It is none of these, at most 1,000, or missing."
_NULL = "Whether it is missing."


@strawberry.input(
    description="What is asked of a text. Operators that are null count as not given."
)
class TextFilter:
    eq: str | None = strawberry.field(default=UNSET, description=_EQ)
    ne: str | None = strawberry.field(default=UNSET, description=_NE)
    in_: list[str] | None = strawberry.field(name="in", default=UNSET, description=_IN)
    not_in: list[str] | None = strawberry.field(default=UNSET, description=_NOT_IN)
    contains: str | None = strawberry.field(
        default=UNSET, description="It has this in it, in any case; at most 200 characters."
    )
    is_null: bool | None = strawberry.field(default=UNSET, description=_NULL)


@strawberry.input(description="What is asked of an id. Operators that are null count as not given.")
class IdFilter:
    eq: strawberry.ID | None = strawberry.field(default=UNSET, description=_EQ)
    ne: strawberry.ID | None = strawberry.field(default=UNSET, description=_NE)
    in_: list[strawberry.ID] | None = strawberry.field(name="in", default=UNSET, description=_IN)
    not_in: list[strawberry.ID] | None = strawberry.field(default=UNSET, description=_NOT_IN)
    is_null: bool | None = strawberry.field(default=UNSET, description=_NULL)


@strawberry.input(
    description="What is asked of a list of addresses. Operators that are null count as not given."
)
class AddressesFilter:
    has: str | None = strawberry.field(
        default=UNSET, description="This one is among them, written as the record shows it."
    )
    has_any: list[str] | None = strawberry.field(
        default=UNSET, description="At least one of these, at most 1,000, is among them."
    )
    contains: str | None = strawberry.field(
        default=UNSET,
        description="One of them has this in it, in any case; at most 200 characters.",
    )
    is_null: bool | None = strawberry.field(default=UNSET, description="Whether there are none.")


@strawberry.input(
    description="What is asked of a number. Operators that are null count as not given."
)
class IntFilter:
    eq: int | None = strawberry.field(default=UNSET, description=_EQ)
    ne: int | None = strawberry.field(default=UNSET, description=_NE)
    gt: int | None = strawberry.field(default=UNSET, description="It is greater.")
    gte: int | None = strawberry.field(default=UNSET, description="It is this or greater.")
    lt: int | None = strawberry.field(default=UNSET, description="It is less.")
    lte: int | None = strawberry.field(default=UNSET, description="It is this or less.")


@strawberry.input(
    description="What is asked of a moment. Operators that are null count as not given."
)
class DateTimeFilter:
    gt: datetime | None = strawberry.field(default=UNSET, description="It is later.")
    gte: datetime | None = strawberry.field(default=UNSET, description="It is then or later.")
    lt: datetime | None = strawberry.field(default=UNSET, description="It is earlier.")
    lte: datetime | None = strawberry.field(default=UNSET, description="It is then or earlier.")
    is_null: bool | None = strawberry.field(default=UNSET, description=_NULL)
