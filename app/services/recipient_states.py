"""What became of a mail at each of its addresses."""

from app.context import Caller
from app.documents import recipient_states as documents
from app.documents.deliveries import DeliveryRecipient
from app.documents.recipient_states import RecipientStates
from app.documents.vocabulary import RecipientStatus
from app.services.connections import EVERYTHING, Needs, Part, PartCommand, part_by
from app.services.records import record_of


class ListRecipientStates(PartCommand):
    """Which part, of the addresses in any of `status`, or of all without it."""

    status: list[RecipientStatus] | None = None


async def states_of(
    caller: Caller, id_: str, command: ListRecipientStates, needs: Needs = EVERYTHING
) -> Part[DeliveryRecipient]:
    """Give a part of the addresses of a record's latest sending; none before it was begun.

    Raises NotFoundError, and InvalidInputError as `part_of` does.
    """
    record = await record_of(caller, id_)
    states = RecipientStates(record.id, record.sending, command.status or ())
    return await part_by(documents, caller, states, command, wanted=needs.nodes)
