"""What became of each mail of a batch, as GraphQL shows it."""

from typing import Self

import strawberry

from app import errors
from app.documents import communications as documents
from graphql_schema.limits import ListSize
from graphql_schema.types.communications import Communication


@strawberry.type(description="What is wrong with one field of a mail.")
class SendBatchFault:
    path: str = strawberry.field(description="The field as documented, e.g. `recipients[1]`.")
    message: str = strawberry.field(description="What is wrong with it.")

    @classmethod
    def of(cls, fault: errors.FieldError) -> Self:
        return cls(path=fault.path, message=fault.message)


@strawberry.type(
    description="Why a mail of a batch was not accepted; of the others `onError` decides."
)
class SendBatchError:
    code: str = strawberry.field(
        description=(
            "As `extensions.code` of an error, e.g. `BAD_USER_INPUT`; `NOT_ATTEMPTED` for a mail "
            "that was left because another was refused."
        )
    )
    message: str = strawberry.field(description="What is wrong, in words.")
    fields: list[SendBatchFault] = strawberry.field(
        directives=[ListSize(assumed_size=3)], description="The fields at fault."
    )

    @classmethod
    def of(cls, error: errors.AppError) -> Self:
        faults = [SendBatchFault.of(fault) for fault in error.fields]
        return cls(code=error.code.value, message=error.detail, fields=faults)


@strawberry.type(description="What became of one mail of a batch: either of the two is there.")
class SendBatchItem:
    communication: Communication | None = strawberry.field(
        description="The record, where the mail was accepted."
    )
    error: SendBatchError | None = strawberry.field(description="Why it was not, where not.")

    @classmethod
    def of(cls, result: documents.Communication | errors.AppError) -> Self:
        if isinstance(result, errors.AppError):
            return cls(communication=None, error=SendBatchError.of(result))
        return cls(communication=Communication.of(result), error=None)
