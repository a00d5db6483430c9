from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError

from app.settings import Settings

CRM = "https://crm.example"
ASKED = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
}
PATHS = ["/graphql", "/api/v1/communications/send"]
Under = Callable[..., httpx2.AsyncClient]


def granted(answer: httpx2.Response) -> dict[str, str]:
    return {
        name: value
        for name, value in answer.headers.items()
        if name.startswith("access-control-allow")
    }


@pytest.mark.parametrize("path", PATHS)
async def test_no_other_site_may_call_unless_it_is_named(client_under: Under, path: str) -> None:
    for client in (client_under(), client_under(cors_origins="https://other.example")):
        preflight = await client.options(path, headers={"Origin": CRM, **ASKED})
        answer = await client.post(path, headers={"Origin": CRM}, json={})

        assert "access-control-allow-origin" not in preflight.headers
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", PATHS)
async def test_a_named_site_may_call(client_under: Under, path: str) -> None:
    client = client_under(cors_origins=f"https://a.example, {CRM}", cors_headers="X-Trace")

    headers = {"Origin": CRM, **ASKED}
    headers["Access-Control-Request-Headers"] += ",x-trace"
    preflight = await client.options(path, headers=headers)
    answer = await client.post(path, headers={"Origin": CRM}, json={})

    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == CRM
    assert preflight.headers["access-control-allow-methods"] == "GET, HEAD, POST, DELETE"
    assert answer.status_code == 400
    assert answer.headers["access-control-allow-origin"] == CRM
    assert answer.headers["access-control-expose-headers"] == (
        "RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate"
    )
    assert "access-control-allow-credentials" not in answer.headers


async def test_a_header_that_is_not_named_is_not_granted(client_under: Under) -> None:
    client = client_under(cors_origins=CRM)
    asked = {**ASKED, "Access-Control-Request-Headers": "x-trace"}

    preflight = await client.options("/graphql", headers={"Origin": CRM, **asked})

    assert preflight.status_code == 400


async def test_any_site_may_be_let_in(client_under: Under) -> None:
    answer = await client_under(cors_origins="*").get("/healthz", headers={"Origin": CRM})

    assert granted(answer) == {"access-control-allow-origin": "*"}


async def test_cookies_are_let_through_when_it_is_said(client_under: Under) -> None:
    client = client_under(cors_origins=CRM, cors_credentials=True)

    answer = await client.get("/healthz", headers={"Origin": CRM})

    assert granted(answer) == {
        "access-control-allow-origin": CRM,
        "access-control-allow-credentials": "true",
    }


@pytest.mark.parametrize(
    "settings",
    [
        {"cors_origins": "crm.example"},
        {"cors_origins": "https://crm.example/"},
        {"cors_origins": "https://crm.example,https://CRM.example"},
        {"cors_origins": "*", "cors_credentials": True},
    ],
)
def test_origins_are_written_as_browsers_do(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"scheme://host|by name"):
        Settings.model_validate(settings)
