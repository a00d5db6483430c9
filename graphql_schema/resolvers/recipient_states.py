"""Who may see what became of a mail: who may, then one call."""

from app.context import Context, Scope
from app.documents.deliveries import DeliveryRecipient
from app.services import recipient_states as services
from app.services.connections import Needs, Part
from app.services.recipient_states import ListRecipientStates


async def recipient_states(
    context: Context, id_: str, command: ListRecipientStates, needs: Needs
) -> Part[DeliveryRecipient]:
    """Give a part of the addresses of the caller's record. Raises what `states_of` raises."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await services.states_of(caller, id_, command, needs)
