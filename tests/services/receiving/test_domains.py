"""Whose mail it is that comes for an address."""

import pytest

from app.context import Deps
from app.documents.inbound_domains import InboundDomain
from app.errors import ConflictError, InvalidInputError, NotFoundError
from app.services.receiving import domains


async def test_the_closest_name_counts(deps: Deps) -> None:
    await domains.add(deps, "acme", "Acme.TEST")
    await domains.add(deps, "globex", "Shared@acme.test")
    await domains.add(deps, "initech", "shared+vip@acme.test")

    found = {
        address: await domains.tenant_of(address)
        for address in (
            "anyone@acme.test", "ANYONE+tag@ACME.test", "shared@Acme.Test", "shared+x@acme.test",
            "Shared+VIP@acme.test", '"shared"@acme.test', "x@sub.acme.test", "acme.test",
        )
    }  # fmt: skip

    assert found == {
        "anyone@acme.test": "acme",
        "ANYONE+tag@ACME.test": "acme",
        "shared@Acme.Test": "globex",
        "shared+x@acme.test": "globex",
        "Shared+VIP@acme.test": "initech",
        '"shared"@acme.test': "globex",
        "x@sub.acme.test": None,
        "acme.test": None,
    }


async def test_no_two_tenants_have_the_same_name(deps: Deps) -> None:
    first = await domains.add(deps, "acme", "bücher.test")

    again = await domains.add(deps, "acme", "XN--BCHER-KVA.test")
    with pytest.raises(ConflictError, match=r"xn--bcher-kva.test is the tenant acme's"):
        await domains.add(deps, "globex", "Bücher.test")

    assert again == first
    assert await InboundDomain.count() == 1


@pytest.mark.parametrize(
    ("tenant", "name", "path"),
    [
        ("", "acme.test", "tenant"),
        (" acme", "acme.test", "tenant"),
        ("x" * 201, "acme.test", "tenant"),
        ("acme", "", "name"),
        ("acme", "localhost", "name"),
        ("acme", "*.acme.test", "name"),
        ("acme", "@acme.test", "name"),
        ("acme", "a b@acme.test", "name"),
        ("acme", "x" * 201 + "@acme.test", "name"),
        ("acme", "x@[127.0.0.1]", "name"),
    ],
)
async def test_what_is_no_name_is_refused(deps: Deps, tenant: str, name: str, path: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await domains.add(deps, tenant, name)

    assert [fault.path for fault in refused.value.fields] == [path]
    assert await InboundDomain.count() == 0


async def test_they_are_listed_and_taken_away(deps: Deps) -> None:
    for tenant, name in (("acme", "b.test"), ("globex", "c.test"), ("acme", "a.test")):
        await domains.add(deps, tenant, name)

    assert [one.name for one in await domains.listed(None)] == ["a.test", "b.test", "c.test"]
    assert [one.name for one in await domains.listed("acme")] == ["a.test", "b.test"]
    await domains.remove("A.test")
    assert await domains.tenant_of("x@a.test") is None
    with pytest.raises(NotFoundError, match=r"No tenant has a\.test"):
        await domains.remove("a.test")
