from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Annotated, TypeVar

import strawberry

from app.documents import communications as documents
from app.documents import inbound_messages as inbound_documents
from app.services.changes import Entity, Target
from graphql_schema.context import Info
from graphql_schema.inputs import read_command
from graphql_schema.resolvers import changes as resolvers
from graphql_schema.selections import unasked
from graphql_schema.types.changes import CommunicationTarget, EntityInput
from graphql_schema.types.communications import Communication
from graphql_schema.types.inbound import InboundMessage
from graphql_schema.types.nodes import KINDS

Given = TypeVar("Given")
Shown = TypeVar("Shown")
Of = Annotated[
    CommunicationTarget, strawberry.argument(description="One record, or those of a CRM entity.")
]


# The resolvers are awaited for what they give: a refusal is an answer, no event.


async def _changed(info: Info, of: Of) -> AsyncGenerator[Communication, None]:
    without = unasked(info, KINDS[documents.Communication].heavy)
    records = await resolvers.changed_communications(
        info.context, read_command(of, Target), without=without
    )
    return _shown(records, Communication.of)


async def _deleted(info: Info, of: Of) -> AsyncGenerator[strawberry.ID, None]:
    ids = await resolvers.deleted_communications(info.context, read_command(of, Target))
    return _shown(ids, strawberry.ID)


async def _received(
    info: Info,
    entity: Annotated[
        EntityInput | None,
        strawberry.argument(description="Only what belongs to this CRM entity."),
    ] = None,
) -> AsyncGenerator[InboundMessage, None]:
    wanted = None if entity is None else read_command(entity, Entity)
    without = unasked(info, KINDS[inbound_documents.InboundMessage].heavy)
    messages = await resolvers.received_messages(info.context, wanted, without=without)
    return _shown(messages, InboundMessage.of)


async def _shown(
    events: AsyncGenerator[Given, None], shape: Callable[[Given], Shown]
) -> AsyncGenerator[Shown, None]:
    async with aclosing(events):
        async for event in events:
            yield shape(event)
            # It is not held until the next one comes.
            del event


@strawberry.type
class ChangeSubscription:
    communication_changed: AsyncGenerator[Communication, None] = strawberry.subscription(
        resolver=_changed,
        description=(
            "Each record as it is after a change; changes that follow each other fast are given "
            "as one. One record by its id is given at once, too; when it is deleted the stream "
            "is complete."
        ),
    )
    communication_deleted: AsyncGenerator[strawberry.ID, None] = strawberry.subscription(
        resolver=_deleted,
        description=(
            "The id of each record that is deleted; with the id of one record, the stream is "
            "complete then."
        ),
    )
    inbound_received: AsyncGenerator[InboundMessage, None] = strawberry.subscription(
        resolver=_received,
        description="Each message that comes in, whether it answers something or not.",
    )
