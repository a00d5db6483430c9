"""Mail that one can leave: both doors alike."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from app.context import Deps
from app.documents.preferences import Preference
from app.errors import ErrorCode
from app.services import delivery
from tests.doors import Door
from tests.fakes.relay import Relay

PUBLIC = "http://mail.example.test"
ONE_ADDRESS = "is for mail to one address, or to a list: each recipient has a link of its own"
NOT_THERE = "unsubscribe_url and preferences_url are only in mail that one can unsubscribe from"
Footprint = Callable[[], Awaitable[dict[str, Any]]]


async def test_the_field_of_a_mail_unsubscribes_and_the_next_one_stays(
    door: Door, deps: Deps, mail: dict[str, Any], relay: Relay, anonymous: httpx2.AsyncClient
) -> None:
    asked = {**mail, "unsubscribable": True}
    first = (await door.send(asked)).record
    await delivery.dispatch(deps, first["id"])
    url = str(relay.taken[0].message["List-Unsubscribe"]).strip("<>")
    assert url.startswith(f"{PUBLIC}/u/")

    form = {"List-Unsubscribe": "One-Click"}
    posted = await anonymous.post(url.removeprefix(PUBLIC), data=form)
    second = (await door.send(asked)).record
    await delivery.dispatch(deps, second["id"])
    third = (await door.send(mail)).record
    await delivery.dispatch(deps, third["id"])

    assert posted.status_code == 200
    [said] = await Preference.of_address("acme", "jan@customer.test")
    assert str(said.communication_id) == first["id"]
    refused = (await door.find(second["id"])).record
    assert refused["status"] == "FAILED"
    assert refused["errorMessage"] == (
        "jan@customer.test: unsubscribed from all mail on 2026-11-24 by one click; "
        "no address is left to send to"
    )
    # Mail that one cannot leave, such as an invoice, goes on.
    assert (await door.find(third["id"])).record["status"] == "SENT"
    assert len(relay.taken) == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"unsubscribable": True, "cc": ["piet@customer.test"]},
            f"unsubscribable: {ONE_ADDRESS}",
        ),
        (
            {"body": "<p>{{ unsubscribe_url }}</p>", "variables": {}},
            f"body: missing variables: unsubscribe_url; {NOT_THERE}",
        ),
    ],
)
async def test_what_cannot_be_is_refused_alike(
    door: Door, mail: dict[str, Any], footprint: Footprint, changes: dict[str, Any], reason: str
) -> None:
    before = await footprint()

    answer = await door.send({**mail, **changes})

    assert (answer.code, answer.detail) == (ErrorCode.BAD_USER_INPUT, reason)
    assert await footprint() == before
