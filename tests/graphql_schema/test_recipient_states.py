"""What became of a mail at each of its addresses, as GraphQL shows it."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.vocabulary import NewsKind
from app.services import delivery, news, sending
from app.services.news import News
from tests.fakes.clock import Clock

QUERY = "query($id: ID!, $limit: Int! = 50, $offset: Int! = 0) { answer: recipientStates(id: $id, limit: $limit, offset: $offset) { address status detail date permanent } }"  # noqa: E501
JAN, PIET = "jan@customer.test", "piet@customer.test"
Ask = Callable[..., Awaitable[dict[str, Any]]]
Send = Callable[..., Awaitable[Communication]]


@pytest.fixture
def ask(client: httpx2.AsyncClient) -> Ask:
    async def post(record: Communication, **variables: Any) -> dict[str, Any]:
        body = {"query": QUERY, "variables": {"id": str(record.id), **variables}}
        answer: dict[str, Any] = (await client.post("/graphql", json=body)).json()
        return answer

    return post


def shown(address: str, status: str, **more: Any) -> dict[str, Any]:
    return {
        "address": address,
        "status": status,
        "detail": None,
        "date": None,
        "permanent": None,
        **more,
    }


async def test_each_address_is_told(ask: Ask, deps: Deps, send: Send, clock: Clock) -> None:
    record = await send({"cc": [PIET]})
    assert (await ask(record))["data"]["answer"] == []
    await delivery.dispatch(deps, str(record.id))
    row = await Delivery.of_communication(record.id, 1)
    assert row is not None

    await news.apply(deps, row, [News("1", NewsKind.BOUNCED, PIET, clock.now(), "550 gone")])

    bounced = {"detail": "550 gone", "date": "2026-11-24T09:30:00Z", "permanent": True}
    assert (await ask(record))["data"]["answer"] == [
        shown(JAN, "ACCEPTED"),
        shown(PIET, "BOUNCED", **bounced),
    ]
    assert (await ask(record, offset=1))["data"]["answer"] == []


async def test_of_a_mail_that_was_sent_again_the_new_sending_counts(
    ask: Ask, deps: Deps, caller: Caller, send: Send, clock: Clock
) -> None:
    record = await send()
    await delivery.dispatch(deps, str(record.id))
    row = await Delivery.of_communication(record.id, 1)
    assert row is not None
    await news.apply(deps, row, [News("1", NewsKind.DELIVERED, JAN, clock.now())])

    await sending.resend(deps, caller, str(record.id))

    assert (await ask(record))["data"]["answer"] == []
    await delivery.dispatch(deps, str(record.id))
    assert (await ask(record))["data"]["answer"] == [shown(JAN, "ACCEPTED")]


@pytest.mark.parametrize(
    ("variables", "path"), [({"limit": 0}, "limit"), ({"limit": 201}, "limit"),
                            ({"offset": -1}, "offset"), ({"offset": 1_000_001}, "offset")]
)  # fmt: skip
async def test_wrong_input_names_its_field(
    ask: Ask, send: Send, variables: dict[str, int], path: str
) -> None:
    [error] = (await ask(await send(), **variables))["errors"]

    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert [field["path"] for field in error["extensions"]["fields"]] == [path]
