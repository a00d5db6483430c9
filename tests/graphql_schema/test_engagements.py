"""Opens and clicks, people's and machines', as a CRM reads them."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from app.context import Deps
from app.documents.communications import Communication
from app.mail.engagement.rules import VERSION
from app.services import delivery
from tests import fetching
from tests.fakes.clock import Clock
from tests.fakes.visits import BY_APPLE, BY_BARRACUDA, BY_GMAIL, GMAIL, ON_PHONE, PERSON
from tests.graphql_schema.conftest import Ask

Send = Callable[..., Awaitable[Communication]]

HIT = (
    "id communicationId deliveryId kind source verdict rule rulesVersion counted recipient link "
    "url method userAgent address sinceDelivery created communication { id }"
)
FIGURES = (
    "query($id: ID!) { communication(id: $id) { opened openCount machineOpenCount "
    "clickedLinks { clickCount machineClickCount } events { type } } }"
)


def listed(arguments: str = "") -> str:
    return (
        f"query($id: ID!) {{ communication(id: $id) {{ engagements{arguments} "
        f"{{ totalCount nodes {{ {HIT} }} }} }} }}"
    )


@pytest.fixture
async def visited(deps: Deps, send: Send, clock: Clock) -> str:
    """The id of a mail that two machines and then two people looked at, one a minute."""
    record = await send()
    await delivery.dispatch(deps, str(record.id))
    clock.advance(timedelta(seconds=1))
    await fetching.record_open(deps, record.tracking_id, BY_APPLE)
    await fetching.follow_link(deps, record.tracking_id, 0, BY_BARRACUDA)
    for visit in (BY_GMAIL, PERSON, PERSON):
        clock.advance(timedelta(seconds=29.5 if visit is PERSON else 59))
        await fetching.record_open(deps, record.tracking_id, visit)
    await fetching.record_open(deps, record.tracking_id, PERSON)
    clock.advance(timedelta(seconds=60))
    await fetching.follow_link(deps, record.tracking_id, 0, ON_PHONE)
    return str(record.id)


async def test_the_figures_of_people_stand_beside_those_of_machines(
    visited: str, query: Ask
) -> None:
    answer = await query(FIGURES, id=visited)

    assert answer["data"]["communication"] == {
        "opened": True,
        "openCount": 3,
        "machineOpenCount": 1,
        "clickedLinks": [{"clickCount": 1, "machineClickCount": 1}],
        "events": [{"type": one} for one in ("CREATE", "SEND", "OPEN", "CLICK")],
    }


async def test_each_hit_is_shown_as_it_came_latest_first(visited: str, query: Ask) -> None:
    answer = await query(listed(), id=visited)

    found = answer["data"]["communication"]["engagements"]
    assert found["totalCount"] == len(found["nodes"]) == 7
    assert [(one["kind"], one["verdict"], one["rule"], one["counted"]) for one in found["nodes"]][
        :1
    ] == [("CLICK", "HUMAN", "person", True)]
    gmail = found["nodes"][4]
    assert gmail == {
        "id": gmail["id"],
        "communicationId": visited,
        "deliveryId": gmail["deliveryId"],
        "kind": "OPEN",
        "source": "OWN",
        "verdict": "PROXY",
        "rule": "gmail-proxy",
        "rulesVersion": VERSION,
        "counted": True,
        "recipient": "jan@customer.test",
        "link": None,
        "url": None,
        "method": "GET",
        "userAgent": GMAIL,
        "address": "66.249.93.0/24",
        "sinceDelivery": 60.0,
        "created": "2026-11-24T09:31:00Z",
        "communication": {"id": visited},
    }
    assert [one["counted"] for one in found["nodes"]].count(False) == 1
    click = found["nodes"][0]
    assert (click["link"], click["url"]) == (0, "https://acme.test/offer?id=1&x=2")


@pytest.mark.parametrize(
    ("arguments", "rules"),
    [
        ("(kind: CLICK)", ["person", "scanner-agent"]),
        ("(verdict: [PREFETCH, SCANNER, SCANNER])", ["scanner-agent", "apple-privacy"]),
        ("(kind: OPEN, verdict: [PROXY])", ["gmail-proxy"]),
        ("(kind: OPEN, verdict: [SCANNER])", []),
        ("(verdict: [])", []),
        ("(last: 2)", ["scanner-agent", "apple-privacy"]),
    ],
)
async def test_some_are_picked_by_kind_and_verdict(
    visited: str, query: Ask, arguments: str, rules: list[str]
) -> None:
    answer = await query(listed(arguments), id=visited)

    found: dict[str, Any] = answer["data"]["communication"]["engagements"]
    assert [one["rule"] for one in found["nodes"]] == rules
    assert found["totalCount"] == (7 if "last" in arguments else len(rules))


async def test_analytics_count_people_and_machines_beside_them(visited: str, query: Ask) -> None:
    answer = await query(
        "query { analytics { totalSent totalOpened totalClicked totalMachineOpened "
        "totalMachineClicked series { days { opened clicked machineOpened machineClicked } } } }"
    )

    day = {"opened": 1, "clicked": 1, "machineOpened": 1, "machineClicked": 1}
    assert answer["data"]["analytics"] == {
        "totalSent": 1,
        "totalOpened": 1,
        "totalClicked": 1,
        "totalMachineOpened": 1,
        "totalMachineClicked": 1,
        "series": {"days": [day]},
    }
