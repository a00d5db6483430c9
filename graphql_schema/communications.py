from datetime import datetime
from typing import Annotated

import strawberry
from graphql import FieldNode

from app.documents import communications as documents
from app.errors import FieldError, InvalidInputError
from app.services.inputs import parse
from app.services.scheduling import RescheduleCommunication, ScheduleCommunication
from app.services.sending import SendCommunication
from graphql_schema.context import Info
from graphql_schema.inputs import read_command
from graphql_schema.limits import ListSize
from graphql_schema.links import unasked_of
from graphql_schema.resolvers import communications as resolvers
from graphql_schema.search import collected
from graphql_schema.types.communication_inputs import (
    ScheduleCommunicationInput,
    SendCommunicationInput,
)
from graphql_schema.types.communications import Communication
from graphql_schema.types.pages import communication_of

RecordId = Annotated[strawberry.ID, strawberry.argument(description="Id of the record.")]
IdempotencyKey = Annotated[
    str | None,
    strawberry.argument(
        description=(
            "Makes repeating safe for 24 hours: the same key and input give the first answer "
            "again. The header Idempotency-Key does the same."
        )
    ),
]


def repeat_key(info: Info, argument: str | None) -> str | None:
    """Choose the argument over the header, which fits a document with one mutation only.

    Raises InvalidInputError for the header with several mutations, or a fragment that may hold
    several: they would share it.
    """
    if argument is not None or info.context.idempotency_key is None:
        return argument
    selected = info.operation.selection_set.selections
    if len(selected) > 1 or not isinstance(selected[0], FieldNode):
        reason = "fits one mutation; give each of several its argument idempotencyKey"
        raise InvalidInputError.of(FieldError("Idempotency-Key", reason))
    return info.context.idempotency_key


async def _communication(info: Info, id: RecordId) -> Communication | None:
    without = unasked_of(info, documents.Communication)
    return Communication.of(await resolvers.communication(info.context, id, without=without))


async def _scheduled(info: Info) -> list[Communication]:
    rows = await collected(await resolvers.scheduled_communications(info.context))
    return [communication_of(row) for row in rows]


async def _send(
    info: Info,
    input: Annotated[SendCommunicationInput, strawberry.argument(description="The mail.")],
    idempotency_key: IdempotencyKey = None,
) -> Communication:
    command = read_command(input, SendCommunication)
    return Communication.of(
        await resolvers.send_communication(
            info.context, command, idempotency_key=repeat_key(info, idempotency_key)
        )
    )


async def _schedule(
    info: Info,
    input: Annotated[ScheduleCommunicationInput, strawberry.argument(description="The mail.")],
    idempotency_key: IdempotencyKey = None,
) -> Communication:
    command = read_command(input, ScheduleCommunication)
    return Communication.of(
        await resolvers.schedule_communication(
            info.context, command, idempotency_key=repeat_key(info, idempotency_key)
        )
    )


async def _reschedule(
    info: Info,
    id: RecordId,
    scheduled_at: Annotated[
        datetime, strawberry.argument(description="When it is to go out now; in the future.")
    ],
) -> Communication:
    command = parse(RescheduleCommunication, {"scheduledAt": scheduled_at})
    return Communication.of(await resolvers.reschedule_communication(info.context, id, command))


async def _cancel(info: Info, id: RecordId) -> Communication:
    return Communication.of(await resolvers.cancel_communication(info.context, id))


async def _pause(info: Info, id: RecordId) -> Communication:
    return Communication.of(await resolvers.pause_communication(info.context, id))


async def _resume(info: Info, id: RecordId) -> Communication:
    return Communication.of(await resolvers.resume_communication(info.context, id))


async def _resend(
    info: Info, id: RecordId, idempotency_key: IdempotencyKey = None
) -> Communication:
    return Communication.of(
        await resolvers.resend_communication(
            info.context, id, idempotency_key=repeat_key(info, idempotency_key)
        )
    )


async def _comment(
    info: Info,
    id: RecordId,
    text: Annotated[str, strawberry.argument(description="The comment, 1 to 10,000 characters.")],
) -> Communication:
    return Communication.of(await resolvers.comment_communication(info.context, id, text))


async def _delete(info: Info, id: RecordId) -> strawberry.ID:
    await resolvers.delete_communication(info.context, id)
    return id


async def _delete_many(
    info: Info,
    ids: Annotated[
        list[strawberry.ID], strawberry.argument(description="Ids; unknown ones are passed over.")
    ],
) -> list[strawberry.ID]:
    deleted = await resolvers.delete_communications(info.context, ids)
    return [strawberry.ID(id_) for id_ in deleted]


@strawberry.type
class CommunicationQuery:
    communication: Communication | None = strawberry.field(
        resolver=_communication, description="The communication with this id."
    )
    scheduled_communications: list[Communication] = strawberry.field(
        directives=[ListSize(assumed_size=1_000)],
        resolver=_scheduled,
        description=(
            "Every communication that waits for its time, next first; refused when there are "
            "more than 10,000."
        ),
    )


@strawberry.type
class CommunicationMutation:
    send_communication: Communication = strawberry.mutation(
        resolver=_send,
        description="Send a mail at once. It is accepted when this answers; a worker sends it.",
    )
    schedule_communication: Communication = strawberry.mutation(
        resolver=_schedule, description="Send a mail at a later time."
    )
    reschedule_communication: Communication = strawberry.mutation(
        resolver=_reschedule, description="Give a mail that is SCHEDULED another time."
    )
    cancel_communication: Communication = strawberry.mutation(
        resolver=_cancel,
        description=(
            "Call off a mail that is SCHEDULED or PENDING. Mail to a list may be SENDING, too: "
            "what is out of it is out."
        ),
    )
    pause_communication: Communication = strawberry.mutation(
        resolver=_pause,
        description=(
            "Hold mail to a recipient list that is PENDING or SENDING: what is in hand goes out, "
            "and no more until it is resumed."
        ),
    )
    resume_communication: Communication = strawberry.mutation(
        resolver=_resume, description="Let paused mail to a recipient list go on."
    )
    resend_communication: Communication = strawberry.mutation(
        resolver=_resend,
        description="Send a mail that was sent or failed once more, with a Message-ID of its own.",
    )
    comment_communication: Communication = strawberry.mutation(
        resolver=_comment, description="Write a comment into the audit trail."
    )
    delete_communication: strawberry.ID = strawberry.mutation(
        resolver=_delete,
        description="Hide a record at once and purge it later; a mail that waits is called off.",
    )
    delete_communications: list[strawberry.ID] = strawberry.mutation(
        resolver=_delete_many, description="Delete several; answers the ids that were deleted."
    )
