"""No operation reads more than a process can hold, however little it costs."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from app.documents.communications import Communication

ClientUnder = Callable[..., httpx2.AsyncClient]
Send = Callable[..., Awaitable[Communication]]

MEGABYTE = 1024 * 1024
WORDS = "The answer would hold more than 1 MB: ask for fewer records at once, or for no bodies."
REFUSED = [("PAYLOAD_TOO_LARGE", WORDS)]
ONE = "communications(first: 1) { nodes { body } }"
BODIES = "communications(first: 10) { nodes { body } }"


@pytest.fixture
async def bounded(client_under: ClientUnder, send: Send) -> httpx2.AsyncClient:
    """May read a megabyte at once, of four mails that have more together."""
    mail = {"body": f"<p>{'x' * (MEGABYTE * 3 // 10)}</p>", "trackingEnabled": False}
    for _ in range(4):
        await send({**mail, "relatedEntityType": "deal", "relatedEntityId": "42"})
    return client_under(graphql_volume=MEGABYTE)


def refusals(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["extensions"]["code"], one["message"]) for one in answer["errors"]]


@pytest.mark.parametrize(
    "fields",
    [
        BODIES,
        "communications(first: 10) { nodes { originalBody } }",
        "communicationsPage(size: 10) { content { body } }",
        "allCommunications { body }",
        f"a: {ONE} b: {ONE} c: {ONE}",
    ],
)
async def test_bodies_without_end_are_refused(bounded: httpx2.AsyncClient, fields: str) -> None:
    answer = await bounded.post("/graphql", json={"query": f"{{ {fields} }}"})

    assert answer.status_code == 200
    assert refusals(answer.json())[:1] == REFUSED


async def test_records_without_their_bodies_are_not(bounded: httpx2.AsyncClient) -> None:
    query = "{ communications(first: 10) { nodes { id subject template { body } } } }"

    answer = await bounded.post("/graphql", json={"query": query})

    assert "errors" not in answer.json()
    assert len(answer.json()["data"]["communications"]["nodes"]) == 4


async def test_the_operations_of_a_batch_share_it(bounded: httpx2.AsyncClient) -> None:
    one = {"query": f"{{ {ONE} }}"}

    first, *others = (await bounded.post("/graphql", json=[one, one, one])).json()

    assert "errors" not in first
    assert refusals(others[-1]) == REFUSED


async def test_what_is_put_off_counts_as_well(bounded: httpx2.AsyncClient) -> None:
    query = f"{{ me {{ tenant }} ... @defer {{ {BODIES} }} }}"

    answer = await bounded.post(
        "/graphql", json={"query": query}, headers={"Accept": "multipart/mixed, application/json"}
    )

    assert '"tenant":"acme"' in answer.text
    assert WORDS in answer.text
