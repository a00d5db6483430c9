"""What became of a mail at each of its addresses."""

from typing import Annotated

from pydantic import Field, StrictInt

from app.context import Caller
from app.documents.deliveries import Delivery, DeliveryRecipient
from app.services.inputs import Command
from app.services.records import record_of

LARGEST_LIMIT = 200
LARGEST_OFFSET = 1_000_000


class ListRecipientStates(Command):
    """Which of the envelopes: a mail has one, list mail one for each member."""

    limit: Annotated[StrictInt, Field(ge=1, le=LARGEST_LIMIT)] = 50
    offset: Annotated[StrictInt, Field(ge=0, le=LARGEST_OFFSET)] = 0


async def states_of(
    caller: Caller, id_: str, command: ListRecipientStates
) -> list[DeliveryRecipient]:
    """Give the addresses of a record's latest sending; none before it was begun.

    Raises NotFoundError.
    """
    record = await record_of(caller, id_)
    return await Delivery.recipients_of(
        record.id, record.sending, offset=command.offset, limit=command.limit
    )
