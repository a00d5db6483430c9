"""What the GraphQL door of API keys takes, shows and refuses."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from app.context import Scope
from tests.fakes.clock import Clock

FIELDS = (
    "id name prefix scopes created createdBy expiresAt lastUsedAt rotatedAt rotatedBy "
    "previousUntil revokedAt revokedBy"
)
ISSUED = f"{{ apiKey {{ {FIELDS} }} secret }}"
CREATE = f"mutation($input: CreateApiKeyInput!) {{ answer: createApiKey(input: $input) {ISSUED} }}"
ROTATE = (
    f"mutation($id: ID!, $overlap: Int! = 3600) "
    f"{{ answer: rotateApiKey(id: $id, overlap: $overlap) {ISSUED} }}"
)
REVOKE = f"mutation($id: ID!) {{ answer: revokeApiKey(id: $id) {{ {FIELDS} }} }}"
ONE = f"query($id: ID!) {{ answer: apiKey(id: $id) {{ {FIELDS} }} }}"
LIST = (
    "query($filter: ApiKeyFilter, $orderBy: [ApiKeyOrder!]) "
    "{ answer: apiKeys(filter: $filter, orderBy: $orderBy) "
    f"{{ nodes {{ {FIELDS} }} totalCount }} }}"
)
ME = "{ answer: me { tenant user scopes expiresAt apiKey { id name expiresAt } } }"
Ask = Callable[..., Awaitable[dict[str, Any]]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]
SHOP = {"name": "Shop", "scopes": ["COMMUNICATIONS_SEND", "COMMUNICATIONS_READ"]}


@pytest.fixture
def ask(anonymous: httpx2.AsyncClient, token: Callable[..., str]) -> Ask:
    """Asks with this key or token, by default alice's; the whole answer."""

    async def post(query: str, bearer: str | None = None, **variables: Any) -> dict[str, Any]:
        response = await anonymous.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"Authorization": f"Bearer {bearer or token()}"},
        )
        answer: dict[str, Any] = response.json()
        return answer

    return post


@pytest.fixture
async def issued(ask: Ask) -> dict[str, Any]:
    answer: dict[str, Any] = (await ask(CREATE, input=SHOP))["data"]["answer"]
    return answer


async def test_a_secret_is_shown_once(ask: Ask, issued: dict[str, Any]) -> None:
    key, secret = issued["apiKey"], issued["secret"]

    one = (await ask(ONE, id=key["id"]))["data"]["answer"]
    listed = (await ask(LIST))["data"]["answer"]["nodes"]

    assert key == {
        "id": key["id"],
        "name": "Shop",
        "prefix": secret[:9],
        "scopes": ["COMMUNICATIONS_READ", "COMMUNICATIONS_SEND"],
        "created": "2026-11-24T09:30:00Z",
        "createdBy": "alice",
        "expiresAt": None,
        "lastUsedAt": None,
        "rotatedAt": None,
        "rotatedBy": None,
        "previousUntil": None,
        "revokedAt": None,
        "revokedBy": None,
    }
    assert one == key
    assert listed == [key]


async def test_a_key_is_rotated_and_revoked(ask: Ask, issued: dict[str, Any]) -> None:
    key = issued["apiKey"]

    rotated = (await ask(ROTATE, id=key["id"]))["data"]["answer"]
    revoked = (await ask(REVOKE, id=key["id"]))["data"]["answer"]

    assert rotated["apiKey"] == {
        **key,
        "prefix": rotated["secret"][:9],
        "rotatedAt": "2026-11-24T09:30:00Z",
        "rotatedBy": "alice",
        "previousUntil": "2026-11-24T10:30:00Z",
    }
    assert revoked == {
        **rotated["apiKey"],
        "revokedAt": "2026-11-24T09:30:00Z",
        "revokedBy": "alice",
    }
    assert (await ask(LIST))["data"]["answer"] == {"nodes": [revoked], "totalCount": 1}


async def test_what_a_key_does_is_the_keys(
    ask: Ask, issued: dict[str, Any], mail: dict[str, Any]
) -> None:
    query = (
        "mutation($input: SendCommunicationInput!) { answer: sendCommunication(input: $input) "
        "{ createdBy updatedBy events { type authorId } } }"
    )

    sent = (await ask(query, issued["secret"], input=mail))["data"]["answer"]

    author = f"key:{issued['apiKey']['id']}"
    assert sent == {
        "createdBy": author,
        "updatedBy": author,
        "events": [{"type": "CREATE", "authorId": author}],
    }
    [shown] = (await ask(LIST))["data"]["answer"]["nodes"]
    assert shown["lastUsedAt"] == "2026-11-24T09:30:00Z"


async def test_keys_are_found_and_ordered(ask: Ask, clock: Clock) -> None:
    made = {}
    for name in ("b", "a", "c"):
        given = {**SHOP, "name": name, "expiresAt": "2026-12-24T09:30:00Z"}
        made[name] = (await ask(CREATE, input=given))["data"]["answer"]
        clock.advance(timedelta(milliseconds=1))
    await ask(ME, made["b"]["secret"])
    await ask(REVOKE, id=made["a"]["apiKey"]["id"])

    async def names(**asked: Any) -> list[str]:
        found = (await ask(LIST, **asked))["data"]["answer"]["nodes"]
        return [key["name"] for key in found]

    assert await names() == ["c", "a", "b"]
    assert await names(orderBy=[{"field": "NAME", "direction": "DESC"}]) == ["c", "b", "a"]
    by_use = [{"field": "LAST_USED_AT", "direction": "DESC"}]
    assert (await names(orderBy=by_use))[0] == "b"
    assert await names(filter={"revokedAt": {"isNull": True}}) == ["c", "b"]
    assert await names(filter={"lastUsedAt": {"gte": "2026-11-24T09:30:00Z"}}) == ["b"]
    assert await names(filter={"expiresAt": {"lt": "2026-12-01T00:00:00Z"}}) == []
    for field, value in (("name", "a"), ("createdBy", "alice")):
        assert "a" in await names(filter={field: {"eq": value}})
    assert await names(filter={"id": {"eq": made["a"]["apiKey"]["id"]}}) == ["a"]
    assert await names(filter={"created": {"lte": "2026-11-24T09:30:00Z"}}) == ["b"]


@pytest.mark.parametrize(
    ("query", "variables", "path", "message"),
    [
        (CREATE, {"input": {"name": " ", "scopes": ["KEYS_READ"]}}, "name", "must not be blank"),
        (CREATE, {"input": {"name": "Shop", "scopes": []}}, "scopes", "must have at least 1"),
        (
            CREATE,
            {"input": {**SHOP, "expiresAt": "2026-11-24T09:30:00Z"}},
            "expiresAt",
            "must be in the future",
        ),
        (
            ROTATE,
            {"id": "x", "overlap": -1},
            "overlap",
            "Input should be greater than or equal to 0",
        ),
        (
            ROTATE,
            {"id": "x", "overlap": 604801},
            "overlap",
            "Input should be less than or equal to 604800",
        ),
    ],
)
async def test_bad_input_is_told_field_by_field(
    ask: Ask,
    query: str,
    variables: dict[str, Any],
    path: str,
    message: str,
    footprint: Footprint,
) -> None:
    before = await footprint()

    [error] = (await ask(query, **variables))["errors"]

    assert error["extensions"] == {
        "code": "BAD_USER_INPUT",
        "fields": [{"path": path, "message": message}],
    }
    assert await footprint() == before


async def test_a_scope_that_there_is_not_is_refused(ask: Ask, footprint: Footprint) -> None:
    before = await footprint()

    [error] = (await ask(CREATE, input={"name": "Shop", "scopes": ["EVERYTHING"]}))["errors"]

    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["extensions"]["fields"][0]["path"] == "scopes[0]"
    assert await footprint() == before


async def test_scopes_one_lacks_are_forbidden(
    ask: Ask, token: Callable[..., str], footprint: Footprint
) -> None:
    before = await footprint()

    [error] = (await ask(CREATE, token(scopes=[Scope.KEYS_WRITE]), input=SHOP))["errors"]

    assert error["extensions"]["code"] == "FORBIDDEN"
    assert "communications:read, communications:send" in error["message"]
    assert await footprint() == before


async def test_me_by_a_token(ask: Ask, token: Callable[..., str]) -> None:
    scopes = ["communications:send", "communications:read", "openid"]

    me = (await ask(ME, token(scopes=scopes, lifetime=timedelta(days=36500))))["data"]["answer"]

    assert me.pop("expiresAt") > "2100"
    assert me == {
        "tenant": "acme",
        "user": "alice",
        "scopes": ["COMMUNICATIONS_READ", "COMMUNICATIONS_SEND"],
        "apiKey": None,
    }


async def test_me_by_a_key(ask: Ask, issued: dict[str, Any]) -> None:
    key = issued["apiKey"]
    await ask(ROTATE, id=key["id"], overlap=60)

    me = (await ask(ME, issued["secret"]))["data"]["answer"]

    assert me == {
        "tenant": "acme",
        "user": f"key:{key['id']}",
        "scopes": ["COMMUNICATIONS_READ", "COMMUNICATIONS_SEND"],
        "expiresAt": "2026-11-24T09:31:00Z",
        "apiKey": {"id": key["id"], "name": "Shop", "expiresAt": None},
    }


@pytest.mark.parametrize("path", ["/graphql", "/api/v1/communications/find-all"])
async def test_a_key_that_ended_is_a_401_at_either_door(
    path: str, ask: Ask, issued: dict[str, Any], anonymous: httpx2.AsyncClient, clock: Clock
) -> None:
    headers = {"Authorization": f"Bearer {issued['secret']}"}
    options: dict[str, Any] = {"params": {"query": "{ me { user } }"}, "headers": headers}
    assert (await anonymous.get(path, **options)).status_code == 200
    await ask(REVOKE, id=issued["apiKey"]["id"])

    refused = await anonymous.get(path, **options)

    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert "unknown, expired or revoked" in refused.text
