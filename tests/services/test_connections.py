"""Parts of a list: where they begin and end, and what holds while records come and go."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Caller
from app.documents.communications import Communication
from app.errors import InvalidInputError
from app.services.communication_lists import communications_of
from app.services.connections import ListCommand, Part
from app.services.inputs import parse
from tests.services.listed import PATHS, Records

Send = Callable[..., Awaitable[Communication]]
Walk = Callable[..., Awaitable[Part[Communication]]]
ORDERS = [
    [],
    [("CREATED", "ASC")],
    [("SENT_AT", "DESC")],
    [("SENT_AT", "ASC")],
    [("TYPE", "ASC"), ("SENT_AT", "DESC")],
    [("STATUS", "DESC"), ("OPEN_COUNT", "ASC"), ("SUBJECT", "DESC")],
    [("SCHEDULED_AT", "DESC"), ("CREATED", "ASC")],
]


@pytest.fixture
async def template(send: Send) -> dict[str, Any]:
    """A record as it is stored, without what the orders are made of; none is left there."""
    record = await send()
    collection = Communication.get_motor_collection()
    row: dict[str, Any] = await collection.find_one({"_id": record.id}) or {}
    await collection.delete_many({})
    return {name: value for name, value in row.items() if name not in PATHS.values()}


@pytest.fixture
def walk(caller: Caller) -> Walk:
    """Reads a part as the arguments of a connection ask for it."""

    async def read(order: list[tuple[str, str]], **arguments: Any) -> Part[Communication]:
        order_by = [{"field": field, "direction": direction} for field, direction in order]
        command = parse(ListCommand, {**arguments, "orderBy": order_by})
        return await communications_of(caller, command)

    return read


def ids_of(part: Part[Communication]) -> list[PydanticObjectId]:
    return [edge.node.id for edge in part.edges]


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("forward", [True, False], ids=["forward", "backward"])
async def test_what_is_there_throughout_is_met_once_and_in_order(
    template: dict[str, Any], walk: Walk, order: list[tuple[str, str]], *, forward: bool
) -> None:
    records = Records(template, f"{order} {forward}")
    chance = records.chance
    await records.add(40)
    throughout = set(records.rows)
    size, place = ("first", "after") if forward else ("last", "before")
    met: list[PydanticObjectId] = []
    arguments: dict[str, Any] = {}
    while True:
        part = await walk(order, **arguments, **{size: chance.randrange(1, 8)})
        found = ids_of(part)
        met = [*met, *found] if forward else [*found, *met]
        there = records.ordered(order)
        start = there.index(found[0])
        assert found == there[start : start + len(found)]
        assert await part.has_previous() == (start > 0)
        assert await part.has_next() == (start + len(found) < len(there))
        if not await (part.has_next() if forward else part.has_previous()):
            break
        arguments = {place: part.edges[-1 if forward else 0].cursor}
        await records.add(chance.randrange(3))
        await records.remove(chance.randrange(3))
        throughout &= set(records.rows)

    assert len(met) == len(set(met))
    expected = [id_ for id_ in records.ordered(order) if id_ in throughout]
    assert [id_ for id_ in met if id_ in throughout] == expected


@pytest.mark.parametrize("order", [[], [("SENT_AT", "ASC")]], ids=str)
async def test_every_part_knows_what_stands_beside_it(
    template: dict[str, Any], walk: Walk, order: list[tuple[str, str]]
) -> None:
    records = Records(template, "5")
    await records.add(5)
    there = records.ordered(order)
    cursors = [edge.cursor for edge in (await walk(order)).edges]
    places = [None, *range(5)]
    for after in places:
        for before in places:
            inside = there[
                0 if after is None else after + 1 : 5 if before is None else max(before, 0)
            ]
            bounds = {
                "after": None if after is None else cursors[after],
                "before": None if before is None else cursors[before],
            }
            for count in (0, 1, 3):
                first = await walk(order, **bounds, first=count)
                last = await walk(order, **bounds, last=count)

                assert ids_of(first) == inside[:count]
                assert ids_of(last) == (inside[-count:] if count else [])
                assert await first.has_next() == (len(inside) > count or before is not None)
                assert await first.has_previous() == (after is not None)
                assert await last.has_previous() == (len(inside) > count or after is not None)
                assert await last.has_next() == (before is not None)


async def test_a_list_that_lost_all_of_it_ends(template: dict[str, Any], walk: Walk) -> None:
    records = Records(template, "1")
    await records.add(3)
    cursor = (await walk([], first=2)).edges[-1].cursor
    await records.remove(3)

    part = await walk([], after=cursor)

    assert part.edges == []
    assert not await part.has_next()
    assert not await part.has_previous()
    assert await part.count() == 0


async def test_without_a_size_it_is_fifty(template: dict[str, Any], walk: Walk) -> None:
    records = Records(template, "1")
    await records.add(51)

    assert ids_of(await walk([])) == records.ordered([])[:50]
    assert len((await walk([], first=200)).edges) == 51


async def test_a_field_that_orders_nothing_is_refused(walk: Walk) -> None:
    with pytest.raises(InvalidInputError, match=r"orderBy\[0\].field: is no field to order by; al"):
        await walk([("created", "ASC")])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"first": -1}, "first: must be 0 to 200"),
        ({"last": 201}, "last: must be 0 to 200"),
        ({"first": 1, "last": 1}, "last: cannot be given together with first"),
        ({"after": "x"}, "after: is no cursor that this list gave"),
        ({"after": "", "before": "x"}, "after: is no cursor that this list gave; before: is no"),
        ({"first": True}, "first"),
    ],
    ids=str,
)
async def test_what_makes_no_part_is_refused(
    walk: Walk, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        await walk([], **arguments)


async def test_a_cursor_of_another_order_is_refused(template: dict[str, Any], walk: Walk) -> None:
    await Records(template, "1").add(1)
    cursor = (await walk([])).edges[0].cursor

    with pytest.raises(InvalidInputError, match="of another order of this one: begin without it"):
        await walk([("SENT_AT", "ASC")], after=cursor)


async def test_at_most_three_orders(walk: Walk) -> None:
    with pytest.raises(InvalidInputError, match="orderBy: must have at most 3 entries"):
        await walk([("CREATED", "ASC")] * 4)


async def test_a_field_named_twice_goes_the_first_way(template: dict[str, Any], walk: Walk) -> None:
    records = Records(template, "1")
    await records.add(9)

    part = await walk([("CREATED", "ASC"), ("CREATED", "DESC")])

    assert ids_of(part) == records.ordered([("CREATED", "ASC")])
