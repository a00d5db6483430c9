from typing import Annotated

import strawberry

from app.services.sending import SendCommunication
from graphql_schema.context import Info
from graphql_schema.inputs import read_command
from graphql_schema.resolvers import communications as resolvers
from graphql_schema.types.communications import Communication, SendCommunicationInput


async def _communication(
    info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Id of the record.")]
) -> Communication | None:
    return Communication.of(await resolvers.communication(info.context, id))


async def _send_communication(
    info: Info,
    input: Annotated[SendCommunicationInput, strawberry.argument(description="The mail.")],
    idempotency_key: Annotated[
        str | None,
        strawberry.argument(
            description=(
                "Makes repeating safe for 24 hours: the same key and input give the first "
                "answer again. The header Idempotency-Key does the same."
            )
        ),
    ] = None,
) -> Communication:
    command = read_command(input, SendCommunication)
    record = await resolvers.send_communication(
        info.context, command, idempotency_key=idempotency_key
    )
    return Communication.of(record)


@strawberry.type
class CommunicationQuery:
    communication: Communication | None = strawberry.field(
        resolver=_communication, description="The communication with this id."
    )


@strawberry.type
class CommunicationMutation:
    send_communication: Communication = strawberry.mutation(
        resolver=_send_communication,
        description="Send a mail at once. It is accepted when this answers; a worker sends it.",
    )
