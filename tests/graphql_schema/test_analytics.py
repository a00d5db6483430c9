"""The days of the analytics as GraphQL shows them; the documented figures are tested as parity."""

from typing import Any

import httpx2

from app.context import Deps
from app.services import delivery
from tests.doors import GraphqlDoor

DAY = "date sent opened clicked delivered bounced complained failed"
QUERY = (
    "query($timezone: String) { analytics(timezone: $timezone) { totalSent series {"
    f" days {{ {DAY} }} byType {{ type days {{ {DAY} }} }}"
    f" byTemplate {{ templateId templateName days {{ {DAY} }} }} }} }} }}"
)


async def test_days_are_shown(client: httpx2.AsyncClient, deps: Deps, mail: dict[str, Any]) -> None:
    sent = await GraphqlDoor(client).send({**mail, "type": "OFFERTE"})
    await delivery.dispatch(deps, sent.record["id"])
    body = {"query": QUERY, "variables": {"timezone": "Europe/Amsterdam"}}

    answer = (await client.post("/graphql", json=body)).json()

    day = dict.fromkeys(DAY.split(), 0) | {"date": "2026-11-24", "sent": 1}
    assert answer["data"]["analytics"] == {
        "totalSent": 1,
        "series": {
            "days": [day],
            "byType": [{"type": "OFFERTE", "days": [day]}],
            "byTemplate": [],
        },
    }


async def test_an_unknown_time_zone_is_told(client: httpx2.AsyncClient) -> None:
    body = {"query": QUERY, "variables": {"timezone": "Mars/Base"}}

    [error] = (await client.post("/graphql", json=body)).json()["errors"]

    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["extensions"]["fields"][0]["path"] == "timezone"
