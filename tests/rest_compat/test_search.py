"""What only REST has of finding: parameters, streams, methods."""

import csv
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from beanie import PydanticObjectId
from starlette.types import ASGIApp

from app.documents.communications import Communication
from tests.fakes import serving
from tests.fakes.clock import Clock

BASE = "/api/v1/communications"
ROUTES = ["/find", "/find-list", "/find-all", "/page", "/dynamic-search", "/csv-export"]
Send = Callable[..., Awaitable[Communication]]


@pytest.fixture
async def served(app: ASGIApp, client: httpx2.AsyncClient) -> AsyncIterator[httpx2.AsyncClient]:
    """The same application behind a real socket."""
    headers = {"Authorization": client.headers["Authorization"]}
    async with (
        serving.served(app) as url,
        httpx2.AsyncClient(base_url=f"{url}{BASE}", headers=headers, timeout=30) as remote,
    ):
        yield remote


async def copies(record: Communication, count: int, **fields: Any) -> None:
    row = await record.get_motor_collection().find_one({"_id": record.id})
    rows = [{**(row or {}), **fields, "_id": PydanticObjectId()} for _ in range(count)]
    await record.get_motor_collection().insert_many(rows)


@pytest.mark.parametrize("path", ["/find", "/find-list"])
async def test_ids_come_with_commas_or_repeated(
    client: httpx2.AsyncClient, send: Send, path: str
) -> None:
    a, b, c = [str((await send()).id) for _ in range(3)]

    response = await client.get(f"{BASE}{path}", params={"ids": [f"{c}, {a},", b]})

    assert [record["id"] for record in response.json()] == [c, a, b]
    assert (await client.get(f"{BASE}{path}")).json() == []
    assert (await client.get(f"{BASE}{path}?ids=")).json() == []
    assert (await client.get(f"{BASE}{path}?ids=%00,%ED%A0%80,..,%24where")).json() == []


async def test_an_address_with_thousands_of_ids_is_read(
    served: httpx2.AsyncClient, send: Send
) -> None:
    id_ = str((await send()).id)
    ids = ",".join([*(f"{number:024x}" for number in range(2000)), id_])

    response = await served.get("/find", params={"ids": ids})

    assert [record["id"] for record in response.json()] == [id_]


@pytest.mark.parametrize(
    ("params", "subjects"),
    [
        ({}, ["b", "c", "a"]),
        ({"sortBy": "subject"}, ["a", "b", "c"]),
        ({"sortBy": "subject", "direction": "desc"}, ["c", "b", "a"]),
        ({"sortBy": "subject", "direction": "ASC"}, ["a", "b", "c"]),
        ({"sortBy": "", "direction": ""}, ["b", "c", "a"]),
        ({"direction": "ASC"}, ["a", "c", "b"]),
    ],
)
async def test_a_page_is_sorted_by_one_field(
    client: httpx2.AsyncClient, send: Send, clock: Clock, params: dict[str, str], subjects: Any
) -> None:
    for subject in ("a", "c", "b"):
        await send({"subject": subject})
        clock.advance(timedelta(seconds=1))

    page = (await client.get(f"{BASE}/page", params=params)).json()

    assert [record["subject"] for record in page["content"]] == subjects


@pytest.mark.parametrize("params", [{"sortBy": "colour"}, {"sortBy": "id", "direction": "up"},
                                    {"sortBy": "$where"}, {"sortBy": "\0"}])  # fmt: skip
async def test_a_page_refuses_another_order(
    client: httpx2.AsyncClient, params: dict[str, str]
) -> None:
    response = await client.get(f"{BASE}/page", params=params)

    assert response.status_code == 400
    assert response.json().keys() == {"title", "detail", "time"}


async def test_a_search_by_parameters_is_that_by_body(
    client: httpx2.AsyncClient, send: Send
) -> None:
    for subject, entity in (("qq a", "1"), ("qq b", "2"), ("qq b", "1"), ("y", "1")):
        await send({"subject": subject, "relatedEntityId": entity})
    filters = {"relatedEntityId": ["1", "2"], "sentAt": None}

    by_parameters = await client.get(
        f"{BASE}/dynamic-search",
        params={
            "filters": json.dumps(filters),
            "search": ["QQ", "customer"],
            "sort": ["subject,desc", "relatedEntityId"],
            "size": "5",
        },
    )
    by_body = await client.post(
        f"{BASE}/dynamic-search",
        json={
            "filters": filters,
            "search": ["QQ", "customer"],
            "sort": [{"field": "subject", "ascending": False}, {"field": "relatedEntityId"}],
            "size": 5,
        },
    )

    found = [(one["subject"], one["relatedEntityId"]) for one in by_body.json()["content"]]
    assert found == [("qq b", "1"), ("qq b", "2"), ("qq a", "1")]
    assert by_parameters.json() == by_body.json()


@pytest.mark.parametrize("filters", ["{", "[]", '"status"', "1", "{'a': 1}", '{"a": NaN}', "{a:1}",
                                     '{"subject": "\\ud800"}', '{"$where": "1"}',
                                     '{"a":' * 2000 + "1" + "}" * 2000])  # fmt: skip
async def test_filters_that_are_no_json_object_are_refused(
    client: httpx2.AsyncClient, filters: str
) -> None:
    response = await client.get(f"{BASE}/dynamic-search", params={"filters": filters})

    assert response.status_code == 400
    assert "filters" in response.json()["detail"]


async def test_of_a_name_given_twice_the_last_holds(client: httpx2.AsyncClient, send: Send) -> None:
    await send({"subject": "b"})

    response = await client.post(
        f"{BASE}/dynamic-search",
        content='{"filters": {"subject": "a", "subject": "b"}}',
        headers={"Content-Type": "application/json"},
    )

    assert response.json()["totalElements"] == 1


@pytest.mark.parametrize("body", ["[]", "{", "1", '{"filters": 1}', '{"sort": [{}]}',
                                  '{"sort": "subject"}', '{"search": "x"}', '{"search": [1]}',
                                  '{"sort": [{"field": "id", "ascending": 1}]}'])  # fmt: skip
async def test_a_wrong_body_is_refused(client: httpx2.AsyncClient, body: str) -> None:
    response = await client.post(
        f"{BASE}/dynamic-search", content=body, headers={"Content-Type": "application/json"}
    )

    assert response.status_code == 400


async def test_all_records_are_one_json_list(client: httpx2.AsyncClient, send: Send) -> None:
    assert (await client.get(f"{BASE}/find-all")).json() == []
    record = await send()
    await copies(record, 449)

    response = await client.get(f"{BASE}/find-all")

    assert response.headers["content-type"] == "application/json"
    assert len({one["id"] for one in response.json()}) == 450


@pytest.mark.parametrize("path", ["/find-all", "/csv-export"])
async def test_a_fault_on_the_way_breaks_the_connection(
    served: httpx2.AsyncClient, send: Send, path: str
) -> None:
    record = await send()
    await copies(record, 400)
    lost = {"created": record.created - timedelta(days=1), "contentId": PydanticObjectId()}
    await copies(record, 1, body="", **lost)

    with pytest.raises(httpx2.RemoteProtocolError):
        await served.get(path)


@pytest.mark.parametrize("path", ["/find-all", "/csv-export", "/page"])
async def test_a_fault_at_once_is_a_plain_500(
    client: httpx2.AsyncClient, send: Send, path: str
) -> None:
    await copies(await send(), 1, body="", contentId=PydanticObjectId())

    response = await client.get(f"{BASE}{path}")

    assert response.status_code == 500
    assert response.json()["title"] == "Internal Server Error"


async def test_bodies_too_large_for_a_document_are_filled_in(
    client: httpx2.AsyncClient, send: Send
) -> None:
    body = "<p>Zebra</p>" + "x" * 5_000_000
    record = await send({"body": body, "trackingEnabled": False})

    listed = (await client.get(f"{BASE}/find-all")).json()
    named = (await client.get(f"{BASE}/find", params={"ids": str(record.id)})).json()
    found = (await client.get(f"{BASE}/dynamic-search", params={"search": "zebra"})).json()
    exported = (await client.get(f"{BASE}/csv-export")).text

    for one in (*listed, *named, *found["content"]):
        assert one["body"] == one["originalBody"] == body
    assert exported.count(body) == 2


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "text/csv; charset=utf-8"),
        ("text/csv", "text/csv; charset=utf-8"),
        ("*/*", "text/csv; charset=utf-8"),
        ("application/json, text/plain, */*", "text/csv; charset=utf-8"),
        ("application/json;q=0.9, text/csv", "text/csv; charset=utf-8"),
        ("application/xml", "text/csv; charset=utf-8"),
        ("application/json", "application/json"),
        ("text/html, Application/JSON;q=0.8", "application/json"),
    ],
)
async def test_who_accepts_only_json_gets_the_csv_as_a_string(
    client: httpx2.AsyncClient, send: Send, accept: str | None, media_type: str
) -> None:
    await send({"subject": 'é "quoted"'})
    headers = {} if accept is None else {"Accept": accept}

    response = await client.get(f"{BASE}/csv-export", headers=headers)

    text = response.json() if media_type == "application/json" else response.text
    header, row = csv.reader(io.StringIO(text, newline=""))
    assert response.headers["content-type"] == media_type
    assert response.headers["content-disposition"].startswith("attachment; filename=")
    assert response.headers["vary"] == "Accept"
    assert row[header.index("subject")] == 'é "quoted"'


@pytest.mark.parametrize("path", ROUTES)
async def test_head_gives_the_headers_of_get(
    served: httpx2.AsyncClient, send: Send, path: str
) -> None:
    await send()

    got, head = await served.get(path), await served.head(path)

    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-type"] == got.headers["content-type"]
