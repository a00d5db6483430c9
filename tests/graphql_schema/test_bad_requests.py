import httpx2
import pytest

from tests.graphql_schema.bad_requests import BAD_REQUESTS, BadRequest

STRICT = {
    "Content-Type": "application/json",
    "Accept": "application/graphql-response+json",
}


@pytest.mark.parametrize("bad", BAD_REQUESTS, ids=lambda bad: bad.name)
async def test_it_is_refused_in_so_many_words(client: httpx2.AsyncClient, bad: BadRequest) -> None:
    answer = await client.post("/graphql", content=bad.body, headers=STRICT)

    error = answer.json()["errors"][0]
    assert error["message"].startswith(bad.message)
    assert error["extensions"]["code"] == bad.code
    assert answer.status_code == bad.status
    assert "data" not in answer.json()
    # What is refused is not told at length.
    assert len(answer.content) < 20_000
