"""Communications as a list without end: filtered, ordered, and read part by part."""

from typing import Annotated, Any

from pydantic import Field

from app.context import Caller
from app.documents import communication_lists as documents
from app.documents import listing
from app.documents.communications import Communication
from app.documents.criteria import AllOf
from app.documents.fields import FIELDS
from app.documents.listing import Row
from app.documents.vocabulary import CommunicationOrderField, OrderDirection
from app.services.connections import Part, PartCommand, Source, part_of
from app.services.expressions import read_expression
from app.services.inputs import Command

ORDERS_LIMIT = 3


class CommunicationOrder(Command):
    field: CommunicationOrderField
    direction: OrderDirection


class ListCommunications(PartCommand):
    """`filter` is what `expressions.read_expression` reads, by documented names."""

    filter: dict[str, Any] | None = None
    order_by: Annotated[list[CommunicationOrder], Field(max_length=ORDERS_LIMIT)] | None = None


async def communications_of(
    caller: Caller,
    command: ListCommunications,
    *,
    without: frozenset[str] = frozenset(),
    wanted: bool = True,
) -> Part[Communication]:
    """Give a part of the caller's records that match, newest first unless an order is named.

    The heavy fields `without` are left empty; with `wanted` false there are no records. Raises
    InvalidInputError for a filter, an order or a cursor that is not allowed.
    """
    expression = AllOf([]) if command.filter is None else read_expression(FIELDS, command.filter)
    order: dict[CommunicationOrderField, bool] = {}
    for one in command.order_by or ():
        # The first that names a field holds, as further ones change nothing.
        order.setdefault(one.field, one.direction is OrderDirection.ASC)
    listed = documents.listed(expression, list(order.items()), without=without)
    source = Source("communications", listed, _shown)
    return await part_of(caller, source, command, wanted=wanted)


async def _shown(row: Row) -> Communication:
    record: Communication = Communication.model_validate(await listing.whole(row))
    return record
