"""What became of a mail at each of its addresses, as GraphQL shows it."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from beanie import PydanticObjectId

from app.context import Caller, Context, Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.vocabulary import NewsKind
from app.services import delivery, news, sending
from app.services.connections import EVERYTHING
from app.services.inputs import parse
from app.services.news import News
from app.services.recipient_states import ListRecipientStates
from graphql_schema.resolvers.recipient_states import recipient_states
from tests.fakes.clock import Clock

QUERY = "query($id: ID!, $first: Int, $after: String, $last: Int, $before: String, $status: [RecipientStatus!]) { answer: recipientStates(id: $id, first: $first, after: $after, last: $last, before: $before, status: $status) { nodes { address status detail date permanent } totalCount pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } }"  # noqa: E501
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
    assert (await ask(record))["data"]["answer"]["nodes"] == []
    await delivery.dispatch(deps, str(record.id))
    row = await Delivery.of_communication(record.id, 1)
    assert row is not None

    await news.apply(deps, row, [News("1", NewsKind.BOUNCED, PIET, clock.now(), "550 gone")])

    bounced = {"detail": "550 gone", "date": "2026-11-24T09:30:00Z", "permanent": True}
    assert (await ask(record))["data"]["answer"]["nodes"] == [
        shown(JAN, "ACCEPTED"),
        shown(PIET, "BOUNCED", **bounced),
    ]
    page = (await ask(record, first=1))["data"]["answer"]
    behind = (await ask(record, after=page["pageInfo"]["endCursor"]))["data"]["answer"]
    before = (await ask(record, last=1, before=behind["pageInfo"]["startCursor"]))["data"]["answer"]
    found = (await ask(record, status=["BOUNCED", "REFUSED"]))["data"]["answer"]
    assert [one["address"] for one in page["nodes"]] == [JAN]
    assert page == before
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (2, True)
    assert [one["address"] for one in behind["nodes"]] == [PIET]
    assert behind["pageInfo"]["hasPreviousPage"]
    assert not behind["pageInfo"]["hasNextPage"]
    assert (found["nodes"], found["totalCount"]) == (behind["nodes"], 1)


async def test_of_a_mail_that_was_sent_again_the_new_sending_counts(
    ask: Ask, deps: Deps, caller: Caller, send: Send, clock: Clock
) -> None:
    record = await send()
    await delivery.dispatch(deps, str(record.id))
    row = await Delivery.of_communication(record.id, 1)
    assert row is not None
    await news.apply(deps, row, [News("1", NewsKind.DELIVERED, JAN, clock.now())])

    await sending.resend(deps, caller, str(record.id))

    assert (await ask(record))["data"]["answer"]["nodes"] == []
    await delivery.dispatch(deps, str(record.id))
    assert (await ask(record))["data"]["answer"]["nodes"] == [shown(JAN, "ACCEPTED")]


async def test_members_of_a_list_are_walked_either_way(
    ask: Ask, deps: Deps, send: Send, context: Context
) -> None:
    record = await send()
    states = ["SENT", "FAILED"]
    members = sorted(PydanticObjectId() for _ in range(7))
    await Delivery.get_motor_collection().insert_many(
        {
            "tenantId": "acme", "created": deps.now(), "communicationId": record.id, "sending": 1,
            "trackingId": f"t{number}", "messageId": f"<{number}@a.test>", "memberId": member,
            "recipients": [
                {"address": f"{number}-{copy}@c.test", "status": ("ACCEPTED", "BOUNCED")[copy]}
                for copy in range(2)
            ],
            "status": states[number % 2],
        }
        for number, member in reversed(list(enumerate(members)))
    )  # fmt: skip
    expected = [f"{number}-{copy}@c.test" for number in range(7) for copy in range(2)]

    async def walk(command: dict[str, Any], size: str, place: str) -> list[list[str]]:
        pages, cursor = [], None
        while True:
            asked = parse(ListRecipientStates, {**command, size: 3, place: cursor})
            part = await recipient_states(context, str(record.id), asked, EVERYTHING)
            pages.append([one.address for one in part.nodes])
            ahead = part.has_next if size == "first" else part.has_previous
            if not await ahead():
                return pages
            cursor = part.edges[-1 if size == "first" else 0].cursor

    forward = await walk({}, "first", "after")
    backward = await walk({}, "last", "before")
    bounced = await walk({"status": ["BOUNCED"]}, "first", "after")

    assert [one for page in forward for one in page] == expected
    assert [one for page in reversed(backward) for one in page] == expected
    assert [one for page in bounced for one in page] == expected[1::2]
    assert (await ask(record, status=["BOUNCED"]))["data"]["answer"]["totalCount"] == 7


@pytest.mark.parametrize(
    ("variables", "path"), [({"first": -1}, "first"), ({"last": 201}, "last"),
                            ({"after": "x"}, "after"), ({"first": 1, "last": 1}, "last")]
)  # fmt: skip
async def test_wrong_input_names_its_field(
    ask: Ask, send: Send, variables: dict[str, Any], path: str
) -> None:
    [error] = (await ask(await send(), **variables))["errors"]

    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert [field["path"] for field in error["extensions"]["fields"]] == [path]
