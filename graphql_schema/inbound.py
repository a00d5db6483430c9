from typing import Annotated

import strawberry

from app.documents import inbound_messages as documents
from graphql_schema.connections import After, Before, First, Last, connection
from graphql_schema.context import Info
from graphql_schema.inputs import read_base64
from graphql_schema.limits import ListSize
from graphql_schema.resolvers import inbound as resolvers
from graphql_schema.types.connections import Connection
from graphql_schema.types.inbound import InboundMessage
from graphql_schema.types.list_filters import InboundMessageFilter
from graphql_schema.types.orders import InboundMessageOrder


async def _inbound_message(
    info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Id of the message.")]
) -> InboundMessage | None:
    return InboundMessage.of(await resolvers.inbound_message(info.context, id))


async def _inbound_messages(  # noqa: PLR0917 - GraphQL gives arguments by name
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: Annotated[
        InboundMessageFilter | None,
        strawberry.argument(description="Which ones; all of them without it."),
    ] = None,
    order_by: Annotated[
        list[InboundMessageOrder] | None,
        strawberry.argument(description="At most three fields; the latest first without any."),
    ] = None,
) -> Connection[InboundMessage]:
    shown: Connection[InboundMessage] = await connection(
        info, resolvers.inbound_messages, documents.InboundMessage,
        first=first, after=after, last=last, before=before, filter=filter, order_by=order_by,
    )  # fmt: skip
    return shown


async def _ingest_mime(
    info: Info,
    raw: Annotated[
        str,
        strawberry.argument(
            description="The message (RFC 822) in base64 (RFC 4648, section 4), at most 25 MB."
        ),
    ],
    recipients: Annotated[
        list[str] | None,
        strawberry.argument(
            description=(
                "Whom the envelope named (RFC 5321), at most 1,000: an alias, a blind copy. They "
                "are added to those it is known to have been delivered to."
            )
        ),
    ] = None,
) -> InboundMessage:
    octets = read_base64("raw", raw)
    return InboundMessage.of(await resolvers.ingest_mime(info.context, octets, recipients or ()))


@strawberry.type
class InboundQuery:
    inbound_message: InboundMessage | None = strawberry.field(
        resolver=_inbound_message, description="The received message with this id."
    )
    inbound_messages: Connection[InboundMessage] = strawberry.field(
        directives=[ListSize(assumed_size=50)],
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
