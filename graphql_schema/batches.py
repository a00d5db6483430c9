from typing import Annotated

import strawberry

from app.errors import AppError, InvalidInputError
from app.services.sending import SendCommunication
from graphql_schema.communications import IdempotencyKey, repeat_key
from graphql_schema.context import Info
from graphql_schema.inputs import read_command
from graphql_schema.resolvers import batches as resolvers
from graphql_schema.types.batches import SendBatchItem
from graphql_schema.types.communication_inputs import SendCommunicationInput
from graphql_schema.types.enums import BatchErrorPolicy


def _read(input_: SendCommunicationInput) -> SendCommunication | AppError:
    try:
        return read_command(input_, SendCommunication)
    except InvalidInputError as error:
        return error


async def _send_batch(
    info: Info,
    input: Annotated[
        list[SendCommunicationInput], strawberry.argument(description="The mails, 1 to 500.")
    ],
    on_error: Annotated[
        BatchErrorPolicy,
        strawberry.argument(description="What becomes of the others when a mail is refused."),
    ] = BatchErrorPolicy.CONTINUE,
    idempotency_key: IdempotencyKey = None,
) -> list[SendBatchItem]:
    results = await resolvers.send_batch(
        info.context,
        [_read(one) for one in input],
        policy=on_error,
        idempotency_key=repeat_key(info, idempotency_key),
    )
    return [SendBatchItem.of(result) for result in results]


@strawberry.type
class BatchMutation:
    send_batch: list[SendBatchItem] = strawberry.mutation(
        resolver=_send_batch,
        description=(
            "Send up to 500 mails at once; answers for each, in their order. Repeated with its "
            "key, it tries again what was refused, left or cut off, and sends nothing twice."
        ),
    )
