"""What callers may know of a mail's addresses: who may, then one call."""

from app.context import Context, Scope
from app.documents.deliveries import DeliveryRecipient
from app.services import recipient_states as services
from app.services.recipient_states import ListRecipientStates


async def recipient_states(
    context: Context, id_: str, command: ListRecipientStates
) -> list[DeliveryRecipient]:
    """Tell what became of the caller's mail at each address. Raises NotFoundError."""
    return await services.states_of(context.require(Scope.COMMUNICATIONS_READ), id_, command)
