"""Who may do what on every route, and what HTTP itself asks of it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from starlette.routing import BaseRoute, Match, Mount, Route

from app.context import Caller, Deps, Scope
from app.main import create_app
from app.services import api_keys
from app.services.api_keys import CreateApiKey
from app.settings import Settings
from tests.rest_compat.route_table import (
    ASSETS,
    BASE,
    GUARDED,
    OTHERS,
    READING,
    ROWS,
    WITH_IDS,
    Row,
    name,
)
from tests.world import World, acme_in, build_world

PATHS = sorted({row.path for row in ROWS} | {path for _, path in OTHERS})
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"]
ASSET = f"{ASSETS}/swagger-ui.css"
PROBLEM = {"title", "detail", "time"}
Footprint = Callable[[], Awaitable[dict[str, Any]]]


@pytest.fixture
async def world(deps: Deps, caller: Caller) -> World:
    return await build_world(deps, caller)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def routes(settings: Settings) -> list[BaseRoute]:
    return list(create_app(settings).routes)


def test_every_route_has_its_row(base_settings: Settings) -> None:
    routed = {
        (method, route.path)
        for route in routes(base_settings)
        if isinstance(route, Route)
        # /graphql takes every method, to refuse the others in its own form.
        for method in (route.methods or {"GET", "POST"}) - {"HEAD"}
    }
    mounted = [route.path for route in routes(base_settings) if isinstance(route, Mount)]

    assert sorted([(row.method, row.path) for row in ROWS] + list(OTHERS)) == sorted(routed)
    assert mounted == [ASSETS]


@pytest.mark.parametrize("row", ROWS, ids=name)
async def test_the_right_scope_alone_will_do(
    row: Row, world: World, anonymous: httpx2.AsyncClient, token: Callable[..., str]
) -> None:
    if row.scope is not None:
        anonymous.headers.update(bearer(token(scopes=[row.scope])))

    response = await anonymous.request(**row.asked(world))

    assert response.status_code == row.status


@pytest.mark.parametrize("row", GUARDED, ids=name)
async def test_without_a_token_nothing_is_told_or_done(
    row: Row, world: World, anonymous: httpx2.AsyncClient, footprint: Footprint
) -> None:
    before = await footprint()

    response = await anonymous.request(**row.asked(world))

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json().keys() == PROBLEM
    assert await footprint() == before


@pytest.mark.parametrize("row", GUARDED, ids=name)
async def test_all_scopes_but_the_right_one_do_nothing(
    row: Row,
    world: World,
    anonymous: httpx2.AsyncClient,
    token: Callable[..., str],
    footprint: Footprint,
) -> None:
    anonymous.headers.update(bearer(token(scopes=set(Scope) - {row.scope})))
    before = await footprint()

    response = await anonymous.request(**row.asked(world))

    assert response.status_code == 403
    assert response.json().keys() == PROBLEM
    assert str(row.scope) in response.json()["detail"]
    assert await footprint() == before


@pytest.mark.parametrize("row", GUARDED, ids=name)
async def test_another_tenants_ids_are_unknown(
    row: Row,
    world: World,
    anonymous: httpx2.AsyncClient,
    token: Callable[..., str],
    footprint: Footprint,
) -> None:
    anonymous.headers.update(bearer(token(tenant="rival")))
    before = await footprint()

    response = await anonymous.request(**row.asked(world))

    after = await footprint()
    assert response.status_code == row.theirs
    assert all(id_ not in response.text for id_ in vars(world).values())
    assert acme_in(after) == acme_in(before)
    if row.scope is not Scope.INBOUND_WRITE:
        # A message that is handed in carries no id: it becomes the other tenant's own.
        assert after == before


async def test_an_api_key_opens_what_its_scopes_do(
    world: World,
    anonymous: httpx2.AsyncClient,
    deps: Deps,
    caller: Caller,
    footprint: Footprint,
) -> None:
    async def key(of: Caller, scopes: set[Scope]) -> dict[str, str]:
        command = CreateApiKey.model_validate({"name": "Key", "scopes": scopes})
        return bearer((await api_keys.create(deps, of, command)).secret)

    theirs = await key(replace(caller, tenant="rival"), set(Scope))
    for row in GUARDED:
        scope = Scope(str(row.scope))
        right, wrong = await key(caller, {scope}), await key(caller, set(Scope) - {scope})
        asked = row.asked(world)
        for headers in (right, wrong, theirs):
            # The first use is noted; those of the next minute are not.
            await anonymous.get(f"{BASE}/find-all", headers=headers)
        before = await footprint()

        refused = await anonymous.request(**_with(asked, wrong))
        assert refused.status_code == 403, row.path
        assert refused.headers["www-authenticate"] == 'Bearer error="insufficient_scope"', row.path
        if row.scope is not Scope.INBOUND_WRITE:
            foreign = await anonymous.request(**_with(asked, theirs))
            assert foreign.status_code == row.theirs, row.path
        assert await footprint() == before, row.path
        if row in READING:
            done = await anonymous.request(**_with(asked, right))
            assert done.status_code == row.status, row.path


def _with(asked: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    return {**asked, "headers": {**asked.get("headers", {}), **headers}}


@pytest.mark.parametrize("row", READING, ids=name)
async def test_head_answers_as_get_does_without_body_and_counts_nothing(
    row: Row, world: World, client: httpx2.AsyncClient, footprint: Footprint
) -> None:
    before = await footprint()

    head = await client.request(**{**row.asked(world), "method": "HEAD"})

    # Of what mail clients fetch it is kept that a machine looked at it.
    assert row.of == "tracking" or await footprint() == before
    get = await client.request(**row.asked(world))
    assert head.status_code == get.status_code == row.status
    assert head.headers == get.headers
    assert head.content == b""


@pytest.mark.parametrize("path", [*PATHS, ASSET])
async def test_options_tells_anyone_the_methods(path: str, anonymous: httpx2.AsyncClient) -> None:
    response = await anonymous.options(path)

    rows = {(row.method, row.path) for row in ROWS} | OTHERS | {("GET", ASSET)}
    methods = {method for method, served in rows if served == path} | {"OPTIONS"}
    methods |= {"HEAD"} if "GET" in methods else set()
    assert response.status_code == 204
    assert response.headers["allow"] == ", ".join(sorted(methods))
    assert response.content == b""


@pytest.mark.parametrize("path", [*PATHS, ASSET])
async def test_another_method_is_refused_in_the_documented_form(
    path: str, client: httpx2.AsyncClient, base_settings: Settings, footprint: Footprint
) -> None:
    served = routes(base_settings)
    before = await footprint()

    for method in METHODS:
        scope = {"type": "http", "path": path, "method": method}
        if any(
            isinstance(route, Route) and route.matches(scope)[0] is Match.FULL for route in served
        ) or (path.startswith(ASSETS) and method in {"GET", "HEAD"}):
            continue
        response = await client.request(method, path)
        assert response.status_code == 405
        assert method not in response.headers["allow"].split(", ")
        if method != "HEAD":
            assert response.json().keys() == PROBLEM
            assert response.headers["allow"] in response.json()["detail"]
    assert await footprint() == before


@pytest.mark.parametrize(
    "path",
    [
        "/", "/api", "/api/v1", "/api/v1/", "/api/v1/communications", "/api/v2/communications/page",
        "/api/v1/communications/page/", "/api/v1/communications//page", "/api/v1/docs/",
        "/api/v1/Communications/page", "/healthz/", "/.env", "/%00", "/%ED%A0%80",
        "/api/v1/docs/assets", "/api/v1/docs/assets/", "/api/v1/docs/assets/nothing.js",
        "/api/v1/docs/assets/%00", "/api/v1/docs/assets/%2e%2e/%2e%2e/routes.py",
        f"/api/v1/docs/assets/{'a' * 10_000}", "/api/v1/docs/assets/%2Fetc/passwd",
        "/api/v1/docs/assets/%ED%A0%80",
    ],
)  # fmt: skip
async def test_an_unknown_path_is_refused_in_the_documented_form(
    client: httpx2.AsyncClient, path: str
) -> None:
    response = await client.get(path)

    assert response.status_code == 404
    assert response.headers["content-type"] == "application/json"
    assert response.json().keys() == PROBLEM


ODD_IDS = {
    "NUL": "%00",
    # Bare dots never leave a client: it folds them away.
    "dots": "%2E%2E",
    "long": "a" * 10_000,
    "emoji": "%F0%9F%92%8C",
    "operator": "$where",
    "operator in braces": "%7B%22$ne%22:1%7D",
    "zeros": "0" * 24,
    "upper case": "6B050E9454D4A1B9322B3EAA",
    "slash": "6b050e9454d4%2Fa1b9322b3eaa",
    "lone surrogate": "%ED%A0%80",
    "no UTF-8": "%FF%FE",
    "line break": "a%0D%0ASet-Cookie:%20x",
    "brackets": "[]",
    "percent": "%25",
    "words that are paths": "find",
}


@pytest.mark.parametrize("id_", ODD_IDS.values(), ids=ODD_IDS)
@pytest.mark.parametrize("row", WITH_IDS, ids=name)
async def test_an_odd_id_is_unknown(
    row: Row, id_: str, world: World, client: httpx2.AsyncClient, footprint: Footprint
) -> None:
    before = await footprint()

    response = await client.request(**row.request(id_))

    # A picture always comes back, but an encoded slash makes another path.
    pictured = row.path.endswith("/track/{id}") and "%2F" not in id_
    assert response.status_code == (200 if pictured else 404)
    # An encoded slash makes another path.
    if row.is_page and "%2F" not in id_:
        assert "<title>This link does not work</title>" in response.text
    else:
        assert pictured or response.json().keys() == PROBLEM
    assert await footprint() == before


@pytest.mark.parametrize("spelt", ["{}%20", "%20{}", "{}%0A", "{}%00", "{}.", "+{}"])
@pytest.mark.parametrize("row", WITH_IDS, ids=name)
async def test_an_id_with_something_around_it_is_another(
    row: Row, spelt: str, world: World, client: httpx2.AsyncClient, footprint: Footprint
) -> None:
    before = await footprint()

    response = await client.request(**row.request(spelt.format(getattr(world, row.of))))

    assert response.status_code == (200 if row.path.endswith("/track/{id}") else 404)
    assert await footprint() == before
