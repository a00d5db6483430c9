from typing import Annotated

import strawberry

from app.services.inputs import parse
from app.services.recipient_states import ListRecipientStates
from graphql_schema.connections import After, Before, First, Last, connection_of, needs_of
from graphql_schema.context import Info
from graphql_schema.limits import ListSize
from graphql_schema.resolvers import recipient_states as resolvers
from graphql_schema.types.connections import Connection
from graphql_schema.types.enums import RecipientStatus
from graphql_schema.types.recipient_states import RecipientState


async def _recipient_states(  # noqa: PLR0917 - GraphQL gives arguments by name
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="Id of the communication.")],
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    status: Annotated[
        list[RecipientStatus] | None,
        strawberry.argument(description="Only those that are in one of these."),
    ] = None,
) -> Connection[RecipientState]:
    asked = {"first": first, "after": after, "last": last, "before": before, "status": status}
    command = parse(ListRecipientStates, asked)
    part = await resolvers.recipient_states(info.context, id, command, needs_of(info, {}))
    return connection_of(part, RecipientState.of)


@strawberry.type
class RecipientStateQuery:
    recipient_states: Connection[RecipientState] = strawberry.field(
        directives=[ListSize(assumed_size=50)],
        resolver=_recipient_states,
        description=(
            "What became of a mail at each of its addresses, at its latest sending; empty before "
            "it is begun. Of list mail the addresses stand in the order of the list."
        ),
    )
