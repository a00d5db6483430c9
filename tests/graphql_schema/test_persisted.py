"""Documents named instead of sent: Apollo's protocol, `documentId`, and trusted ones only."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis

from app.persisted_documents import TENANT_LENGTH
from app.trusted_documents import sha256_of

DOCUMENT = "query A { __typename } query B { b: __typename }"
HASH = sha256_of(DOCUMENT)
RESPONSE = "application/graphql-response+json"
ClientUnder = Callable[..., httpx2.AsyncClient]


def named(text: str = DOCUMENT, **more: Any) -> dict[str, Any]:
    """The request of an Apollo client for this document."""
    return {
        "operationName": "B",
        "extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha256_of(text)}},
        **more,
    }


def code_of(answer: dict[str, Any]) -> str:
    assert "data" not in answer
    [error] = answer["errors"]
    return str(error["extensions"]["code"])


@pytest.fixture(autouse=True)
async def nothing_kept(redis: Redis) -> None:
    await redis.flushdb()


async def test_a_document_is_sent_once_and_named_from_then_on(client: httpx2.AsyncClient) -> None:
    unknown = await client.post("/graphql", json=named())
    sent = await client.post("/graphql", json=named(query=DOCUMENT))
    known = await client.post("/graphql", json=named())

    assert unknown.status_code == 200
    assert unknown.json()["errors"] == [
        {
            "message": "PersistedQueryNotFound",
            "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"},
        }
    ]
    assert sent.json()["data"] == known.json()["data"] == {"b": "Query"}


async def test_an_unknown_hash_is_a_400_where_the_type_tells_it_apart(
    client: httpx2.AsyncClient,
) -> None:
    response = await client.post("/graphql", json=named(), headers={"Accept": RESPONSE})

    assert response.status_code == 400
    assert code_of(response.json()) == "PERSISTED_QUERY_NOT_FOUND"
    assert response.headers["cache-control"] == "no-store"


async def test_a_kept_document_may_be_asked_for_by_get_and_by_its_id(
    client: httpx2.AsyncClient,
) -> None:
    await client.post("/graphql", json=named(query=DOCUMENT))
    extensions = json.dumps(named()["extensions"])

    by_hash = await client.get("/graphql", params={"operationName": "A", "extensions": extensions})
    by_id = await client.get(
        "/graphql", params={"operationName": "A", "documentId": f"sha256:{HASH}"}
    )
    by_bare_id = await client.post("/graphql", json={"operationName": "A", "documentId": HASH})

    for response in (by_hash, by_id, by_bare_id):
        assert response.json()["data"] == {"__typename": "Query"}


async def test_a_named_mutation_does_not_run_by_get(client: httpx2.AsyncClient) -> None:
    document = "mutation { __typename }"
    await client.post("/graphql", json=named(document, query=document, operationName=None))

    response = await client.get("/graphql", params={"documentId": f"sha256:{sha256_of(document)}"})

    assert (response.status_code, response.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("document_id", ["sha256:" + "0" * 64, "x-own:a", "a_custom.id~-"])
async def test_an_unknown_id_is_one_error(client: httpx2.AsyncClient, document_id: str) -> None:
    response = await client.post("/graphql", json={"documentId": document_id})

    assert code_of(response.json()) == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize(
    ("request_", "path"),
    [
        (named(query="{ __typename }"), "extensions.persistedQuery.sha256Hash"),
        (named(query=DOCUMENT + " "), "extensions.persistedQuery.sha256Hash"),
        ({"query": DOCUMENT, "documentId": "sha256:" + "0" * 64}, "documentId"),
        ({"query": DOCUMENT, "documentId": "0" * 64}, "documentId"),
        ({"documentId": "sha256:" + "G" * 64}, "documentId"),
        ({"documentId": "sha256:" + HASH.upper()}, "documentId"),
        ({"documentId": ""}, "documentId"),
        ({"documentId": "a b"}, "documentId"),
        ({"documentId": "a:b:c"}, "documentId"),
        ({"documentId": "a" * 201}, "documentId"),
        ({"documentId": 1}, "documentId"),
        ({"documentId": ["a"]}, "documentId"),
        (named(documentId="a"), "documentId"),
        ({"extensions": {"persistedQuery": 1}}, "extensions.persistedQuery"),
        ({"extensions": {"persistedQuery": {}}}, "extensions.persistedQuery"),
        ({"extensions": {"persistedQuery": {"version": 2, "sha256Hash": HASH}}},
         "extensions.persistedQuery"),
        ({"extensions": {"persistedQuery": {"version": 1}}},
         "extensions.persistedQuery.sha256Hash"),
        ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "a"}}},
         "extensions.persistedQuery.sha256Hash"),
        ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": 1}}},
         "extensions.persistedQuery.sha256Hash"),
        ({"extensions": {"persistedQuery": None}}, "query"),
        ({"query": "", "documentId": "a"}, "query"),
    ],
)  # fmt: skip
async def test_a_name_that_is_none_or_of_another_document_is_refused(
    client: httpx2.AsyncClient, redis: Redis, request_: dict[str, Any], path: str
) -> None:
    response = await client.post("/graphql", json=request_)

    assert response.status_code == 400
    assert code_of(response.json()) == "BAD_USER_INPUT"
    [error] = response.json()["errors"]
    assert [field["path"] for field in error["extensions"]["fields"]] == [path]
    assert await redis.keys("letterbox:document*") == []


async def test_a_document_expires_after_its_last_use(
    client_under: ClientUnder, redis: Redis
) -> None:
    client = client_under(graphql_apq_lifetime=100)
    key = f"letterbox:document:{HASH}"
    await client.post("/graphql", json=named(query=DOCUMENT))
    first = await redis.ttl(key)
    await redis.expire(key, 10)

    await client.post("/graphql", json=named())

    assert 10 < first <= 100
    assert 10 < await redis.ttl(key) <= 100
    assert await redis.delete(key) == 1
    assert code_of((await client.post("/graphql", json=named())).json()) == (
        "PERSISTED_QUERY_NOT_FOUND"
    )


@pytest.mark.parametrize("document", ["{", "{ __typename", "fragment A on Query { __typename }"])
async def test_what_cannot_run_is_not_kept(
    client: httpx2.AsyncClient, redis: Redis, document: str
) -> None:
    await client.post("/graphql", json=named(document, query=document))

    assert await redis.keys("letterbox:document*") == []


async def test_documents_of_nobody_run_and_are_not_kept(
    anonymous: httpx2.AsyncClient, redis: Redis
) -> None:
    response = await anonymous.post("/graphql", json=named(query=DOCUMENT))

    assert response.json()["data"] == {"b": "Query"}
    assert await redis.keys("letterbox:document*") == []


async def test_an_own_name_keeps_nothing(client: httpx2.AsyncClient, redis: Redis) -> None:
    request = {"query": DOCUMENT, "documentId": "mine", "operationName": "B"}

    response = await client.post("/graphql", json=request)

    assert response.json()["data"] == {"b": "Query"}
    assert await redis.keys("letterbox:document*") == []


async def test_a_tenant_has_no_more_kept_than_its_share(
    client: httpx2.AsyncClient, redis: Redis
) -> None:
    await redis.set("letterbox:documents:of:acme", TENANT_LENGTH - len(DOCUMENT))

    first = await client.post("/graphql", json=named(query=DOCUMENT))
    other = "{ __typename } # of another length"
    second = await client.post("/graphql", json=named(other, query=other, operationName=None))

    assert first.json()["data"] == {"b": "Query"}
    assert second.json()["data"] == {"__typename": "Query"}
    assert await redis.keys("letterbox:document:*") == [f"letterbox:document:{HASH}".encode()]


async def test_without_redis_documents_run_and_none_is_known(client_under: ClientUnder) -> None:
    client = client_under(redis_url="redis://127.0.0.1:1/0")

    sent = await client.post("/graphql", json=named(query=DOCUMENT))
    unknown = await client.post("/graphql", json=named())

    assert sent.json()["data"] == {"b": "Query"}
    assert code_of(unknown.json()) == "PERSISTED_QUERY_NOT_FOUND"


async def test_it_can_be_switched_off(client_under: ClientUnder, redis: Redis) -> None:
    client = client_under(graphql_apq=False)

    sent = await client.post("/graphql", json=named(query=DOCUMENT))
    unknown = await client.post("/graphql", json=named())

    assert sent.json()["data"] == {"b": "Query"}
    assert unknown.json()["errors"][0]["message"] == "PersistedQueryNotSupported"
    assert code_of(unknown.json()) == "PERSISTED_QUERY_NOT_SUPPORTED"
    assert await redis.keys("letterbox:document*") == []


async def test_of_trusted_documents_no_others_run(
    client_under: ClientUnder, redis: Redis, tmp_path: Path
) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"an-id": DOCUMENT}))
    client = client_under(trusted_documents=manifest)
    other = "{ __typename }"
    good: list[dict[str, Any]] = [
        {"documentId": "an-id"},
        {"documentId": f"sha256:{HASH}"},
        {"query": DOCUMENT},
        named(),
        named(query=DOCUMENT),
    ]
    bad: list[dict[str, Any]] = [
        {"documentId": "another-id"},
        {"query": other},
        {"query": DOCUMENT + " "},
        {"query": other, "documentId": "an-id"},
        named(other),
        named(other, query=other),
    ]

    for request in good:
        response = await client.post("/graphql", json={**request, "operationName": "B"})
        assert response.json()["data"] == {"b": "Query"}
    for request in bad:
        response = await client.post("/graphql", json={**request, "operationName": None})
        assert code_of(response.json()) == "DOCUMENT_NOT_TRUSTED"
    assert await redis.keys("letterbox:document*") == []


async def test_named_documents_may_come_in_a_batch(client: httpx2.AsyncClient) -> None:
    batch = [named(query=DOCUMENT), named(), {"documentId": "none"}]

    first, second, third = (await client.post("/graphql", json=batch)).json()

    assert first["data"] == second["data"] == {"b": "Query"}
    assert code_of(third) == "PERSISTED_QUERY_NOT_FOUND"
