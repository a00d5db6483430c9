import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.list_members import ListMember
from app.documents.recipient_lists import RecipientList
from app.errors import ConflictError, InvalidInputError, NotFoundError
from app.services import list_members, recipient_lists
from app.services.connections import ListCommand
from app.services.inputs import parse
from app.services.list_members import UpdateMember
from app.services.recipient_lists import (
    CreateRecipientList,
    UpdateRecipientList,
)

MakeList = Callable[..., Awaitable[RecipientList]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]


async def emails(caller: Caller, list_id: PydanticObjectId) -> list[str]:
    page = await list_members.members_of(caller, str(list_id), ListCommand())
    return [member.email for member in page.nodes]


async def test_a_list_has_a_name_that_no_other_has(
    deps: Deps, caller: Caller, make_list: MakeList, footprint: Footprint
) -> None:
    await make_list(name="Customers")
    before = await footprint()

    with pytest.raises(ConflictError, match=r"^name: is the name of another list$"):
        await make_list(name="customers")

    assert await footprint() == before


async def test_lists_come_by_name(caller: Caller, make_list: MakeList) -> None:
    for name in ("beta", "Alpha", "a.b"):
        await make_list(name=name)

    async def names(name: str) -> list[str]:
        command = parse(ListCommand, {"filter": {"name": {"contains": name}}})
        return [one.name for one in (await recipient_lists.lists_of(caller, command)).nodes]

    every = await recipient_lists.lists_of(caller, ListCommand())
    behind = parse(ListCommand, {"after": every.edges[0].cursor})
    assert [one.name for one in every.nodes] == ["a.b", "Alpha", "beta"]
    assert (await recipient_lists.lists_of(caller, behind)).nodes == every.nodes[1:]
    assert await names("A") == ["a.b", "Alpha", "beta"]
    assert await names("a.b") == ["a.b"]


@pytest.mark.parametrize(
    ("size", "place", "end"), [("first", "after", -1), ("last", "before", 0)], ids=["to", "fro"]
)
async def test_names_in_any_letters_are_walked_once(
    caller: Caller, make_list: MakeList, size: str, place: str, end: int
) -> None:
    for name in ("beta", "Alpha", "ALPHABET", "Ébène", "ebenen", "Zz", "é", "10", "9", "z z"):
        await make_list(name=name)
    whole = (await recipient_lists.lists_of(caller, ListCommand())).nodes
    walked: list[RecipientList] = []
    cursor = None

    for _ in range(4):
        command = parse(ListCommand, {size: 3, place: cursor})
        part = await recipient_lists.lists_of(caller, command)
        walked = [*walked, *part.nodes] if size == "first" else [*part.nodes, *walked]
        cursor = part.edges[end].cursor

    assert len(whole) == 10
    assert walked == whole


async def test_a_change_leaves_the_rest(deps: Deps, caller: Caller, make_list: MakeList) -> None:
    made = await make_list(name="Customers", description="Who bought")
    await make_list(name="Partners")

    renamed = await recipient_lists.update(
        deps, caller, str(made.id), parse(UpdateRecipientList, {"name": "Clients"})
    )
    bare = await recipient_lists.update(
        deps, caller, str(made.id), parse(UpdateRecipientList, {"description": None})
    )
    with pytest.raises(ConflictError):
        await recipient_lists.update(
            deps, caller, str(made.id), parse(UpdateRecipientList, {"name": "PARTNERS"})
        )

    assert (renamed.name, renamed.description) == ("Clients", "Who bought")
    assert (bare.name, bare.description) == ("Clients", None)


async def test_a_deleted_list_is_gone_and_its_members_with_the_purge(
    deps: Deps, caller: Caller, make_list: MakeList
) -> None:
    made = await make_list({"email": "jan@c.test"})
    kept = await make_list({"email": "jan@c.test"}, name="Kept")
    page = await list_members.members_of(caller, str(made.id), ListCommand())
    await recipient_lists.delete(deps, caller, str(made.id))

    with pytest.raises(NotFoundError):
        await recipient_lists.delete(deps, caller, str(made.id))
    with pytest.raises(NotFoundError):
        await recipient_lists.list_of(caller, str(made.id))
    with pytest.raises(NotFoundError):
        await list_members.update(deps, caller, str(page.nodes[0].id), UpdateMember())
    await make_list(name="Customers")
    assert await recipient_lists.purge(deps) == 1
    assert await ListMember.count_of("acme", made.id) == 0
    assert await ListMember.count_of("acme", kept.id) == 1
    assert await recipient_lists.purge(deps) == 0


async def test_rows_are_added_each_by_itself(
    deps: Deps, caller: Caller, make_list: MakeList
) -> None:
    made = await make_list({"email": "old@c.test", "name": "Old"})

    added = await list_members.add(
        deps,
        caller,
        str(made.id),
        [
            {"email": "Jan de Vries <Jan@Customer.TEST>", "variables": {"city": "Ede"}},
            {"email": "jan@customer.test"},
            {"email": "no address"},
            {"email": "OLD@c.test", "name": "New"},
            {},
            {"email": "piet@c.test", "variables": {"big": "x" * 20_000}},
            {"email": "J. <j@münchen.test>", "name": "Jules"},
            "no object",
        ],
    )

    assert [(one.duplicate, one.error) for one in added] == [
        (False, None),
        (True, None),
        (False, "email: The address has no @-sign."),
        (True, None),
        (False, "email: is required"),
        (False, "variables: must be at most 16384 octets of JSON"),
        (False, None),
        (False, "request: must be a JSON object"),
    ]
    jan, jules = added[0].member, added[6].member
    assert jan is not None
    assert jules is not None
    assert (jan.email, jan.name, jan.variables) == (
        "jan@customer.test",
        "Jan de Vries",
        {"city": "Ede"},
    )
    assert (jules.email, jules.name) == ("j@xn--mnchen-3ya.test", "Jules")
    assert await emails(caller, made.id) == [
        "old@c.test",
        "jan@customer.test",
        "j@xn--mnchen-3ya.test",
    ]


async def test_too_many_rows_or_ids_add_and_remove_nothing(
    deps: Deps, caller: Caller, make_list: MakeList, footprint: Footprint
) -> None:
    made = await make_list({"email": "jan@c.test"})
    before = await footprint()

    with pytest.raises(InvalidInputError, match="members: must have at most 5000 entries"):
        await list_members.add(deps, caller, str(made.id), [{}] * 5001)
    with pytest.raises(InvalidInputError, match="ids: must have at most 5000 entries"):
        await list_members.remove(caller, str(made.id), ["x"] * 5001)

    assert await footprint() == before


async def test_a_full_list_takes_no_more(
    deps: Deps, caller: Caller, make_list: MakeList, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await make_list({"email": "jan@c.test"})
    monkeypatch.setattr(list_members, "LIST_LIMIT", 2)

    await list_members.add(deps, caller, str(made.id), [{"email": "piet@c.test"}])
    with pytest.raises(InvalidInputError, match="at most 2 members"):
        await list_members.add(deps, caller, str(made.id), [{"email": "kees@c.test"}])


async def test_a_member_changes(deps: Deps, caller: Caller, make_list: MakeList) -> None:
    made = await make_list(
        {"email": "jan@c.test", "name": "Jan", "variables": {"city": "Ede"}},
        {"email": "piet@c.test"},
    )
    page = await list_members.members_of(caller, str(made.id), ListCommand())
    jan, _ = page.nodes

    async def change(changes: dict[str, Any]) -> ListMember:
        command = parse(UpdateMember, changes)
        return await list_members.update(deps, caller, str(jan.id), command)

    moved = await change({"email": "Jan@New.TEST"})
    other = await change({"variables": {"city": "Urk"}})
    bare = await change({"name": None, "variables": None})
    with pytest.raises(ConflictError, match=r"^email: is another member of this list$"):
        await change({"email": "PIET@c.test"})
    with pytest.raises(InvalidInputError, match="email"):
        await change({"email": "nobody"})
    assert (moved.email, moved.name, moved.variables) == ("jan@new.test", "Jan", {"city": "Ede"})
    assert other.variables == {"city": "Urk"}
    assert (bare.email, bare.name, bare.variables) == ("jan@new.test", None, {})


async def test_only_members_of_the_list_are_removed(
    deps: Deps, caller: Caller, make_list: MakeList
) -> None:
    made = await make_list({"email": "jan@c.test"}, {"email": "piet@c.test"})
    other = await make_list({"email": "kees@c.test"}, name="Other")
    (jan, _) = (await list_members.members_of(caller, str(made.id), ListCommand())).nodes
    (kees,) = (await list_members.members_of(caller, str(other.id), ListCommand())).nodes

    removed = await list_members.remove(
        caller, str(made.id), [str(jan.id), str(kees.id), "nonsense", str(PydanticObjectId())]
    )

    assert removed == [str(jan.id)]
    assert await emails(caller, made.id) == ["piet@c.test"]
    assert await emails(caller, other.id) == ["kees@c.test"]


async def test_pages_of_members(caller: Caller, make_list: MakeList) -> None:
    rows = [{"email": f"m{n}@c.test", "name": f"Member {n}"} for n in range(5)]
    made = await make_list(*rows)

    seen, after = [], None
    for _ in range(3):
        command = parse(ListCommand, {"first": 2, "after": after})
        page = await list_members.members_of(caller, str(made.id), command)
        seen.append([member.email for member in page.nodes])
        after = page.edges[-1].cursor
    searched = parse(ListCommand, {"filter": {"name": {"contains": "BER 3"}}})
    found = await list_members.members_of(caller, str(made.id), searched)

    assert seen == [["m0@c.test", "m1@c.test"], ["m2@c.test", "m3@c.test"], ["m4@c.test"]]
    assert not await page.has_next()
    assert [member.email for member in found.nodes] == ["m3@c.test"]
    with pytest.raises(InvalidInputError, match="after: is no cursor that this list gave"):
        await list_members.members_of(caller, str(made.id), parse(ListCommand, {"after": "x"}))


async def test_other_tenants_lists_are_unknown(
    deps: Deps, other_tenant: Caller, make_list: MakeList, footprint: Footprint
) -> None:
    made = await make_list({"email": "jan@c.test"})
    before = await footprint()
    id_ = str(made.id)

    for refused in (
        recipient_lists.list_of(other_tenant, id_),
        recipient_lists.update(deps, other_tenant, id_, parse(UpdateRecipientList, {"name": "X"})),
        recipient_lists.delete(deps, other_tenant, id_),
        list_members.members_of(other_tenant, id_, ListCommand()),
        list_members.add(deps, other_tenant, id_, [{"email": "x@c.test"}]),
        list_members.remove(other_tenant, id_, []),
    ):
        with pytest.raises(NotFoundError):
            await refused
    assert (await recipient_lists.lists_of(other_tenant, ListCommand())).nodes == []
    await recipient_lists.create(
        deps, other_tenant, parse(CreateRecipientList, {"name": "Customers"})
    )
    after = await footprint()
    assert after["listMembers"] == before["listMembers"]


async def test_a_list_of_a_hundred_thousand(
    deps: Deps, caller: Caller, make_list: MakeList
) -> None:
    made = await make_list()
    now = deps.now()
    rows = [
        {"tenantId": "acme", "listId": made.id, "email": f"m{n}@c.test", "created": now,
         "updated": now}
        for n in range(100_000)
    ]  # fmt: skip
    await ListMember.get_motor_collection().insert_many(rows, ordered=False)
    begun = time.perf_counter()

    counts = await recipient_lists.count_members(caller, [str(made.id)])
    last = parse(ListCommand, {"last": 200})
    page = await list_members.members_of(caller, str(made.id), last)
    searched = parse(ListCommand, {"filter": {"email": {"contains": "m99999@"}}})
    found = await list_members.members_of(caller, str(made.id), searched)
    [doubled, added] = await list_members.add(
        deps, caller, str(made.id), [{"email": "M5@c.test"}, {"email": "new@c.test"}]
    )

    assert time.perf_counter() - begun < 10
    assert counts == {str(made.id): 100_000}
    assert [one.email for one in page.nodes] == [f"m{n}@c.test" for n in range(99_800, 100_000)]
    assert [member.email for member in found.nodes] == ["m99999@c.test"]
    assert (doubled.duplicate, added.error) == (True, None)
