"""What the GraphQL door of suppressions takes, shows and refuses."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from app.context import Deps
from app.documents.suppressions import Suppression
from app.documents.vocabulary import SuppressionReason

FIELDS = "id address reason detail communicationId created createdBy"
ADD = f"mutation($input: AddSuppressionInput!) {{ answer: addSuppression(input: $input) {{ {FIELDS} }} }}"  # noqa: E501
LIST = f"query($first: Int, $filter: SuppressionFilter) {{ answer: suppressions(first: $first, filter: $filter) {{ nodes {{ {FIELDS} }} totalCount }} }}"  # noqa: E501
REMOVE = "mutation($id: ID!) { answer: removeSuppression(id: $id) }"
Ask = Callable[..., Awaitable[dict[str, Any]]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]


@pytest.fixture
def ask(client: httpx2.AsyncClient) -> Ask:
    async def post(query: str, **variables: Any) -> dict[str, Any]:
        body = {"query": query, "variables": variables}
        answer: dict[str, Any] = (await client.post("/graphql", json=body)).json()
        return answer

    return post


async def test_added_listed_and_removed(ask: Ask) -> None:
    added = (await ask(ADD, input={"address": "Jan@Customer.test"}))["data"]["answer"]
    listed = (await ask(LIST, filter={"address": {"contains": "JAN"}, "reason": {"eq": "MANUAL"}}))[
        "data"
    ]["answer"]
    removed = (await ask(REMOVE, id=added["id"]))["data"]["answer"]

    assert added == {
        "id": added["id"],
        "address": "jan@customer.test",
        "reason": "MANUAL",
        "detail": None,
        "communicationId": None,
        "created": "2026-11-24T09:30:00Z",
        "createdBy": "alice",
    }
    assert listed == {"nodes": [added], "totalCount": 1}
    assert removed == added["id"]
    assert (await ask(LIST))["data"]["answer"] == {"nodes": [], "totalCount": 0}


async def test_what_a_mail_taught_is_shown(ask: Ask, deps: Deps) -> None:
    learnt = Suppression(
        tenant_id="acme",
        address="jan@customer.test",
        reason=SuppressionReason.BOUNCE,
        detail="550 no such user",
        communication_id="6b050e9454d4a1b9322b3eaa",
        created=deps.now(),
    )
    await learnt.insert()

    [shown] = (await ask(LIST))["data"]["answer"]["nodes"]

    assert (shown["reason"], shown["detail"]) == ("BOUNCE", "550 no such user")
    assert (shown["communicationId"], shown["createdBy"]) == ("6b050e9454d4a1b9322b3eaa", None)


@pytest.mark.parametrize(
    ("query", "variables", "path", "message"),
    [
        (ADD, {"input": {"address": "jan"}}, "address", "The address has no @-sign."),
        (ADD, {"input": {"address": " "}}, "address", "The address is empty."),
        (
            ADD,
            {"input": {"address": "j@c.test", "detail": "x" * 321}},
            "detail",
            "must have at most 320 characters",
        ),
        (LIST, {"first": 201}, "first", "must be 0 to 200"),
        (LIST, {"filter": {"address": {"eq": "\0"}}}, "filter.address.eq", "must not contain NUL"),
    ],
)
async def test_wrong_input_names_its_field_and_changes_nothing(
    ask: Ask,
    footprint: Footprint,
    query: str,
    variables: dict[str, Any],
    path: str,
    message: str,
) -> None:
    before = await footprint()

    [error] = (await ask(query, **variables))["errors"]

    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    [field] = error["extensions"]["fields"]
    assert field["path"] == path
    assert field["message"].startswith(message)
    assert await footprint() == before


@pytest.mark.parametrize("id_", ["6b050e9454d4a1b9322b3eaa", "nonsense", "", "$where"])
async def test_an_unknown_id_is_not_removed(ask: Ask, id_: str) -> None:
    [error] = (await ask(REMOVE, id=id_))["errors"]

    assert error["extensions"]["code"] == "NOT_FOUND"
