from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.context import Caller, Deps
from app.documents.list_members import ListMember
from app.documents.recipient_lists import RecipientList
from app.errors import InvalidInputError, NotFoundError
from app.services import list_imports
from app.services.connections import ListCommand
from app.services.list_imports import RowError
from app.services.list_members import members_of

MakeList = Callable[..., Awaitable[RecipientList]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]


async def test_a_file_with_good_and_bad_rows(
    deps: Deps, caller: Caller, make_list: MakeList
) -> None:
    made = await make_list({"email": "old@c.test"})
    csv = (
        "E-mail;Name;City\r\n"
        "Jan@C.test;Jan de Vries;Ede\r\n"
        ";Nobody;Urk\r\n"
        "OLD@c.test;Old;\r\n"
        "jan@c.test;Jan again;\r\n"
        "not an address;;\r\n"
        "Piet <piet@c.test>\r\n"
        "a@c.test;b;c;d\r\n"
    )

    done = await list_imports.import_members(deps, caller, str(made.id), csv)

    assert (done.added, done.duplicates, done.failed) == (2, 2, 3)
    assert done.variables == ["City"]
    assert done.errors == [
        RowError(3, "email: The address is empty."),
        RowError(6, "email: The address has no @-sign."),
        RowError(8, "has 4 cells, the header 3"),
    ]
    members = (await members_of(caller, str(made.id), ListCommand())).nodes
    assert [(m.email, m.name, m.variables) for m in members] == [
        ("old@c.test", None, {}),
        ("jan@c.test", "Jan de Vries", {"City": "Ede"}),
        ("piet@c.test", "Piet", {"City": ""}),
    ]


async def test_a_refused_file_adds_nothing(
    deps: Deps, caller: Caller, make_list: MakeList, footprint: Footprint
) -> None:
    made = await make_list()
    before = await footprint()
    rows = "".join(f"m{n}@c.test,x\n" for n in range(1500))

    for csv in (f'email,x\n{rows}z@c.test,"open', f"mailbox,x\n{rows}", ""):
        with pytest.raises(InvalidInputError):
            await list_imports.import_members(deps, caller, str(made.id), csv)
    with pytest.raises(NotFoundError):
        await list_imports.import_members(deps, caller, "nonsense", "email\na@c.test")

    assert await footprint() == before


async def test_an_import_done_again_adds_what_is_missing(
    deps: Deps, caller: Caller, make_list: MakeList
) -> None:
    made = await make_list()
    csv = "email\n" + "".join(f"m{n}@c.test\n" for n in range(2500))
    await list_imports.import_members(deps, caller, str(made.id), csv[: csv.index("m700@")])

    again = await list_imports.import_members(deps, caller, str(made.id), csv)

    assert (again.added, again.duplicates, again.failed) == (1800, 700, 0)
    assert await ListMember.count_of("acme", made.id) == 2500


async def test_the_first_thousand_faults_are_told(
    deps: Deps, caller: Caller, make_list: MakeList
) -> None:
    made = await make_list()

    done = await list_imports.import_members(
        deps, caller, str(made.id), "email\n" + "wrong\n" * 1100
    )

    assert (done.failed, len(done.errors), done.errors[-1].line) == (1100, 1000, 1001)
