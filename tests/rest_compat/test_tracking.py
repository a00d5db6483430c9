from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from beanie import PydanticObjectId
from structlog.testing import capture_logs

from app.context import Deps
from app.documents.communications import Communication
from app.embedded.ports import free_port
from app.services import delivery
from app.waiting_hits import WaitingHits
from rest_compat.tracking import PIXEL
from tests.conftest import web_application
from tests.fakes.clock import Clock
from tests.fakes.visits import CHROME
from tests.fetching import count_all

BASE = "/api/v1/communications"


@pytest.fixture
async def sent(client: httpx2.AsyncClient, mail: dict[str, Any], deps: Deps) -> dict[str, Any]:
    """A mail that went out, with two links; read by the client as the CRM."""
    body = mail["body"] + '<a href="http://acme.test/caf\u00e9?q=a b&amp;r=%20;s">menu</a>'
    accepted = (await client.post(f"{BASE}/send", json={**mail, "body": body})).json()
    await delivery.dispatch(deps, accepted["id"])
    record: dict[str, Any] = (await client.get(f"{BASE}/find/{accepted['id']}")).json()
    return record


@pytest.fixture
def pixel_path(sent: dict[str, Any]) -> str:
    start = sent["body"].index(f"{BASE}/track/")
    path: str = sent["body"][start : sent["body"].index('"', start)]
    return path


@pytest.fixture
def link_path(sent: dict[str, Any]) -> str:
    return str(sent["clickedLinks"][0]["url"]).removeprefix("http://mail.example.test")


async def test_the_picture_is_a_transparent_gif(
    anonymous: httpx2.AsyncClient, pixel_path: str
) -> None:
    response = await anonymous.get(pixel_path)

    assert response.status_code == 200
    assert response.headers["content-type"] == "image/gif"
    assert response.headers["cache-control"] == "no-store, max-age=0"
    assert response.content == PIXEL
    assert len(PIXEL) == 43
    assert PIXEL.startswith(b"GIF89a\x01\x00\x01\x00")


@pytest.fixture(autouse=True)
def by_a_browser(anonymous: httpx2.AsyncClient) -> None:
    """All is fetched as people's browsers fetch it."""
    anonymous.headers["User-Agent"] = CHROME


async def test_opens_are_counted_with_first_and_last_time(
    client: httpx2.AsyncClient, deps: Deps, sent: dict[str, Any], pixel_path: str, clock: Clock
) -> None:
    clock.advance(timedelta(minutes=1))
    await client.get(pixel_path)
    clock.advance(timedelta(minutes=1))
    await client.get(pixel_path)

    await count_all(deps)
    record = (await client.get(f"{BASE}/find/{sent['id']}")).json()
    assert (record["opened"], record["openCount"]) == (True, 2)
    assert record["openedAt"] == "2026-11-24T09:31:00Z"
    assert record["updated"] == "2026-11-24T09:32:00Z"
    assert [event["type"] for event in record["events"]] == ["CREATE", "SEND", "OPEN"]


async def test_clicks_are_counted_per_link_with_first_and_last_time(
    client: httpx2.AsyncClient, deps: Deps, sent: dict[str, Any], link_path: str, clock: Clock
) -> None:
    clock.advance(timedelta(minutes=1))
    first = await client.get(link_path)
    clock.advance(timedelta(minutes=1))
    await client.get(link_path)

    await count_all(deps)
    document = "query($id: ID!) { communication(id: $id) { opened clickedLinks { clickCount clickedAt lastClickedAt } events { type description } } }"  # noqa: E501 - one document
    answer = await client.post(
        "/graphql", json={"query": document, "variables": {"id": sent["id"]}}
    )
    record = answer.json()["data"]["communication"]
    assert first.status_code == 302
    assert first.headers["location"] == "https://acme.test/offer?id=1&x=2"
    assert record["clickedLinks"] == [
        {
            "clickCount": 2,
            "clickedAt": "2026-11-24T09:31:00Z",
            "lastClickedAt": "2026-11-24T09:32:00Z",
        },
        {"clickCount": 0, "clickedAt": None, "lastClickedAt": None},
    ]
    assert record["opened"] is False
    assert [event["type"] for event in record["events"]] == ["CREATE", "SEND", "CLICK"]
    assert record["events"][2]["description"] == "https://acme.test/offer?id=1&x=2"


async def test_an_address_is_escaped_where_a_header_needs_it_and_nowhere_else(
    client: httpx2.AsyncClient, link_path: str
) -> None:
    response = await client.get(link_path.removesuffix("0") + "1")

    assert response.headers["location"] == "http://acme.test/caf%C3%A9?q=a%20b&r=%20;s"


async def test_head_never_counts_as_a_persons(
    client: httpx2.AsyncClient, deps: Deps, sent: dict[str, Any], pixel_path: str, link_path: str
) -> None:
    picture = await client.head(pixel_path)
    redirect = await client.head(link_path)

    await count_all(deps)
    record = (await client.get(f"{BASE}/find/{sent['id']}")).json()
    assert picture.status_code == 200
    assert picture.content == b""
    assert redirect.status_code == 302
    assert record == sent


@pytest.mark.parametrize("path", ["track", "link"])
async def test_a_token_good_or_bad_plays_no_part(
    anonymous: httpx2.AsyncClient, pixel_path: str, link_path: str, path: str
) -> None:
    anonymous.headers["Authorization"] = "Bearer forged"

    response = await anonymous.get(pixel_path if path == "track" else link_path)

    assert response.status_code == (200 if path == "track" else 302)


@pytest.mark.parametrize("id_", ["unknown", "6b050e9454d4a1b9322b3eaa", "%00", "%F0%9F%92%8C"])
async def test_an_unknown_picture_is_a_picture_all_the_same(
    anonymous: httpx2.AsyncClient, id_: str
) -> None:
    response = await anonymous.get(f"{BASE}/track/{id_}")

    assert response.status_code == 200
    assert response.content == PIXEL


async def test_a_record_id_is_no_tracking_id(
    client: httpx2.AsyncClient, deps: Deps, sent: dict[str, Any]
) -> None:
    await client.get(f"{BASE}/track/{sent['id']}")
    response = await client.get(f"{BASE}/link/{sent['id']}/0")

    await count_all(deps)
    assert response.status_code == 404
    assert (await client.get(f"{BASE}/find/{sent['id']}")).json() == sent


@pytest.mark.parametrize(
    "index", ["2", "999999999", "9999999999999999999", "-1", "x", "0x0", "0.0", "\u0661", "%30%00"]
)
async def test_an_unknown_link_is_not_found_and_nothing_is_counted(
    client: httpx2.AsyncClient, deps: Deps, sent: dict[str, Any], link_path: str, index: str
) -> None:
    response = await client.get(link_path.removesuffix("0") + index)

    await count_all(deps)
    assert response.status_code == 404
    assert response.json().keys() == {"title", "detail", "time"}
    assert (await client.get(f"{BASE}/find/{sent['id']}")).json() == sent


async def test_a_mail_without_tracking_has_neither(
    client: httpx2.AsyncClient, mail: dict[str, Any]
) -> None:
    response = await client.post(f"{BASE}/send", json={**mail, "trackingEnabled": False})

    record = response.json()
    assert record["body"] == mail["body"]
    assert record["clickedLinks"] == []
    assert record["linkTrackingEnabled"] is False


@pytest.fixture
async def without_redis(deps: Deps) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser at an API that cannot reach Redis."""
    away = WaitingHits(f"redis://127.0.0.1:{free_port()}/0")
    app = web_application(replace(deps, waiting_hits=away))
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app),
        base_url="http://api.test",
        headers={"User-Agent": CHROME},
    ) as client:
        yield client
    await away.close()


async def test_without_redis_opens_and_clicks_are_counted_at_once(
    without_redis: httpx2.AsyncClient, client: httpx2.AsyncClient, sent: dict[str, Any],
    pixel_path: str, link_path: str, clock: Clock,
) -> None:  # fmt: skip
    clock.advance(timedelta(minutes=1))

    picture = await without_redis.get(pixel_path)
    redirect = await without_redis.get(link_path)

    record = (await client.get(f"{BASE}/find/{sent['id']}")).json()
    assert (picture.content, redirect.status_code) == (PIXEL, 302)
    assert (record["openCount"], record["clickedLinks"][0]["clickCount"]) == (1, 1)


async def test_a_fault_of_ours_is_logged_and_stands_in_nobodys_way(
    without_redis: httpx2.AsyncClient, sent: dict[str, Any], pixel_path: str, link_path: str
) -> None:
    collection = Communication.get_motor_collection()
    wrong = {"openCount": "no number", "clickedLinks.0.clickCount": "no number"}
    await collection.update_one({"_id": PydanticObjectId(sent["id"])}, {"$set": wrong})

    with capture_logs() as logs:
        picture = await without_redis.get(pixel_path)
        redirect = await without_redis.get(link_path)

    assert (picture.content, redirect.status_code) == (PIXEL, 302)
    names = [log["event"] for log in logs if log["log_level"] == "error"]
    assert names == ["track.fault", "click.fault"]


async def test_scripts_of_a_named_site_may_read_the_picture_each_time(
    client_under: Callable[..., httpx2.AsyncClient], pixel_path: str
) -> None:
    client = client_under(cors_origins="https://crm.example")

    answers = [
        await client.get(pixel_path, headers={"Origin": "https://crm.example"}) for _ in range(2)
    ]

    for answer in answers:
        assert answer.headers.get_list("access-control-allow-origin") == ["https://crm.example"]
    plain = await client.get(pixel_path)
    assert "access-control-allow-origin" not in plain.headers


@pytest.mark.parametrize("path", ["/", "//", "/a/b", "/a/"])
async def test_what_has_no_id_is_no_picture(anonymous: httpx2.AsyncClient, path: str) -> None:
    response = await anonymous.get(f"{BASE}/track{path}")

    assert response.status_code == 404
    assert response.json()["detail"] == f"Nothing is served at {BASE}/track{path}."


async def test_a_picture_is_only_fetched(anonymous: httpx2.AsyncClient, pixel_path: str) -> None:
    posted = await anonymous.post(pixel_path)
    asked = await anonymous.options(pixel_path)

    assert (posted.status_code, asked.status_code) == (405, 204)
    assert posted.headers["allow"] == asked.headers["allow"] == "GET, HEAD, OPTIONS"
