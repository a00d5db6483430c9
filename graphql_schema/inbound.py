from typing import Annotated

import strawberry

from graphql_schema.context import Info
from graphql_schema.inputs import read_base64
from graphql_schema.resolvers import inbound as resolvers
from graphql_schema.types.enums import InboundStatus
from graphql_schema.types.inbound import InboundMessage


async def _inbound_message(
    info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Id of the message.")]
) -> InboundMessage | None:
    return InboundMessage.of(await resolvers.inbound_message(info.context, id))


async def _inbound_messages(
    info: Info,
    status: Annotated[
        InboundStatus | None, strawberry.argument(description="Only those of this status.")
    ] = None,
    limit: Annotated[int, strawberry.argument(description="How many at most: 1 to 200.")] = 50,
) -> list[InboundMessage]:
    found = await resolvers.inbound_messages(info.context, status, limit)
    return [InboundMessage.of(message) for message in found]


async def _ingest_mime(
    info: Info,
    raw: Annotated[
        str,
        strawberry.argument(
            description="The message (RFC 822) in base64 (RFC 4648, section 4), at most 25 MB."
        ),
    ],
) -> InboundMessage:
    return InboundMessage.of(await resolvers.ingest_mime(info.context, read_base64("raw", raw)))


@strawberry.type
class InboundQuery:
    inbound_message: InboundMessage | None = strawberry.field(
        resolver=_inbound_message, description="The received message with this id."
    )
    inbound_messages: list[InboundMessage] = strawberry.field(
        resolver=_inbound_messages,
        description="Received messages, newest first, whether they answer something or not.",
    )


@strawberry.type
class InboundMutation:
    ingest_mime: InboundMessage = strawberry.mutation(
        resolver=_ingest_mime,
        description=(
            "Hand in a received message. It is matched to its conversation; one that was handed "
            "in before is answered as it is kept."
        ),
    )
