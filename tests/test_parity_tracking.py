"""Opens and clicks at both doors: people's are counted alike, and machines' at neither."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from app.context import Deps
from app.documents.engagement.hits import Engagement
from app.services import delivery, records
from tests.doors import Door
from tests.fakes.clock import Clock
from tests.fakes.visits import APPLE, BARRACUDA, CHROME, GMAIL
from tests.fetching import count_all

BODY = '<p><a href="https://acme.test/0">a</a> <a href="https://acme.test/1">b</a></p>'
BASE = "http://mail.example.test"
COUNTED = ("opened", "openCount", "openedAt", "lastOpenedAt", "clickedLinks", "events", "updated")


class Client:
    """Fetches what a sent mail points at, as programs that call themselves so; it is counted."""

    def __init__(self, deps: Deps, client: httpx2.AsyncClient, record: dict[str, Any]) -> None:
        self._deps = deps
        start = record["body"].index(f"{BASE}/api/v1/communications/track/")
        self.picture = record["body"][start : record["body"].index('"', start)].removeprefix(BASE)
        self.links = [one["url"].removeprefix(BASE) for one in record["clickedLinks"]]
        self._client = client

    async def fetch(self, path: str, agent: str) -> int:
        response = await self._client.get(path, headers={"User-Agent": agent})
        await count_all(self._deps)
        return response.status_code


@pytest.fixture
async def sent(door: Door, mail: dict[str, Any], deps: Deps) -> dict[str, Any]:
    accepted = await door.send({**mail, "body": BODY})
    await delivery.dispatch(deps, accepted.record["id"])
    record: dict[str, Any] = (await door.find(accepted.record["id"])).record
    return record


async def test_machines_change_nothing_of_what_is_documented(
    door: Door, sent: dict[str, Any], client: httpx2.AsyncClient, deps: Deps, clock: Clock
) -> None:
    fetched = Client(deps, client, sent)
    clock.advance(timedelta(minutes=1))

    codes = [
        await fetched.fetch(fetched.picture, APPLE),
        await fetched.fetch(fetched.picture, BARRACUDA),
        *[await fetched.fetch(link, BARRACUDA) for link in fetched.links],
    ]

    assert codes == [200, 200, 302, 302]
    assert await Engagement.count() == 4
    assert (await door.find(sent["id"])).record == sent


async def test_people_are_counted_once_for_each_look(
    door: Door, sent: dict[str, Any], client: httpx2.AsyncClient, deps: Deps, clock: Clock
) -> None:
    fetched = Client(deps, client, sent)
    clock.advance(timedelta(minutes=1))
    opened = clock.now()
    await fetched.fetch(fetched.picture, GMAIL)
    await fetched.fetch(fetched.picture, GMAIL)
    clock.advance(timedelta(minutes=1))
    await fetched.fetch(fetched.links[1], CHROME)

    record = (await door.find(sent["id"])).record

    assert (record["opened"], record["openCount"]) == (True, 1)
    assert [link["clickCount"] for link in record["clickedLinks"]] == [0, 1]
    assert [event["type"] for event in record["events"][-2:]] == ["OPEN", "CLICK"]
    assert record["events"][-2]["date"] == opened.isoformat().replace("+00:00", "Z")
    changed = {name for name, value in record.items() if value != sent[name]}
    assert changed <= set(COUNTED)


async def test_a_burst_is_taken_back_at_both_doors(
    door: Door, sent: dict[str, Any], client: httpx2.AsyncClient, deps: Deps, clock: Clock
) -> None:
    fetched = Client(deps, client, sent)
    clock.advance(timedelta(minutes=1))
    await fetched.fetch(fetched.links[0], CHROME)
    first = (await door.find(sent["id"])).record
    clock.advance(timedelta(seconds=0.5))
    await fetched.fetch(fetched.links[1], CHROME)

    record = (await door.find(sent["id"])).record

    assert [link["clickCount"] for link in first["clickedLinks"]] == [1, 0]
    assert record["clickedLinks"] == sent["clickedLinks"]
    assert record["events"] == sent["events"]
    rates = (await door.analytics()).record
    assert (rates["totalSent"], rates["totalClicked"], rates["clickRate"]) == (1, 0, 0)


async def test_hits_of_a_deleted_mail_go_with_it(
    door: Door, sent: dict[str, Any], client: httpx2.AsyncClient, deps: Deps, clock: Clock
) -> None:
    fetched = Client(deps, client, sent)
    await fetched.fetch(fetched.picture, CHROME)
    other = await door.send({"subject": "Other", "body": "<p>b</p>", "recipients": ["a@b.test"]})
    await delivery.dispatch(deps, other.record["id"])
    beside = Client(deps, client, (await door.find(other.record["id"])).record)
    await beside.fetch(beside.picture, CHROME)

    await door.delete(sent["id"])
    late = await fetched.fetch(fetched.picture, CHROME)
    kept = await Engagement.count()
    clock.advance(deps.settings.retention)
    await records.purge(deps)
    gone = await fetched.fetch(fetched.picture, CHROME)

    assert (late, kept, gone) == (200, 3, 200)
    left = await Engagement.find_all().to_list()
    assert [str(one.communication_id) for one in left] == [other.record["id"]]
    assert (await door.find(other.record["id"])).record["openCount"] == 1
