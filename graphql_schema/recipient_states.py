from typing import Annotated

import strawberry

from app.services.inputs import parse
from app.services.recipient_states import ListRecipientStates
from graphql_schema.context import Info
from graphql_schema.resolvers import recipient_states as resolvers
from graphql_schema.types.recipient_states import RecipientState


async def _recipient_states(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="Id of the communication.")],
    limit: Annotated[
        int, strawberry.argument(description="Of list mail, how many members: 1 to 200.")
    ] = 50,
    offset: Annotated[
        int, strawberry.argument(description="Of list mail, how many members to pass over.")
    ] = 0,
) -> list[RecipientState]:
    command = parse(ListRecipientStates, {"limit": limit, "offset": offset})
    found = await resolvers.recipient_states(info.context, id, command)
    return [RecipientState.of(recipient) for recipient in found]


@strawberry.type
class RecipientStateQuery:
    recipient_states: list[RecipientState] = strawberry.field(
        resolver=_recipient_states,
        description=(
            "What became of a mail at each of its addresses, at its latest sending; empty before "
            "it is begun."
        ),
    )
