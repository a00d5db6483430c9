from typing import Annotated

import strawberry

from app.services import replies as services
from graphql_schema.communications import IdempotencyKey, repeat_key
from graphql_schema.context import Info
from graphql_schema.inputs import read_command
from graphql_schema.resolvers import replies as resolvers
from graphql_schema.types.communications import Communication
from graphql_schema.types.replies import ReplyInput, ReplyTarget


async def _reply(
    info: Info,
    to: Annotated[ReplyTarget, strawberry.argument(description="The mail that is answered.")],
    input: Annotated[ReplyInput, strawberry.argument(description="The answer.")],
    idempotency_key: IdempotencyKey = None,
) -> Communication:
    target = read_command(to, services.ReplyTarget)
    command = read_command(input, services.Reply)
    key = repeat_key(info, idempotency_key)
    return Communication.of(
        await resolvers.reply(info.context, target, command, idempotency_key=key)
    )


@strawberry.type
class ReplyMutation:
    reply: Communication = strawberry.mutation(
        resolver=_reply,
        description="Send an answer in the conversation of a mail: to a message that was received, "
        "or after one that was sent.",
    )
