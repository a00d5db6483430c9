"""What only the GraphQL door of received mail has: reading messages as such."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from beanie import PydanticObjectId

from app.context import Caller, Context, Deps, Scope
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.documents.origins import Origin
from app.documents.vocabulary import InboundStatus, ProviderType
from app.services import delivery, sending
from app.services.inbound import ingest
from app.services.inputs import parse
from tests.doors import INBOUND_SELECTION, GraphqlDoor
from tests.fakes.clock import Clock
from tests.fakes.messages import message
from tests.fakes.mongo_calls import MongoCalls
from tests.world import MAIL

LIST = "query($first: Int, $last: Int, $after: String, $filter: InboundMessageFilter, $orderBy: [InboundMessageOrder!]) { answer: inboundMessages(first: $first, last: $last, after: $after, filter: $filter, orderBy: $orderBy) { nodes { id } pageInfo { endCursor hasNextPage } } }"  # noqa: E501
ONE = f"query($id: ID!) {{ answer: inboundMessage(id: $id) {{ {INBOUND_SELECTION} }} }}"
UNKNOWN = "6b050e9454d4a1b9322b3eaa"


@pytest.fixture
def ask(client: httpx2.AsyncClient) -> Callable[..., Awaitable[dict[str, Any]]]:
    async def post(query: str, **variables: Any) -> dict[str, Any]:
        body = {"query": query, "variables": variables}
        answer: dict[str, Any] = (await client.post("/graphql", json=body)).json()
        return answer

    return post


Ask = Callable[..., Awaitable[dict[str, Any]]]


async def test_messages_are_listed_newest_first(
    client: httpx2.AsyncClient, ask: Ask, context: Context, clock: Clock
) -> None:
    ids = []
    for number in range(3):
        ids.append((await GraphqlDoor(client).ingest(message(f"<{number}@c.test>"))).record["id"])
        clock.advance(timedelta(seconds=1))
    await InboundMessage.get_motor_collection().update_one(
        {"key": "<1@c.test>"}, {"$set": {"status": InboundStatus.READ}}
    )

    async def listed(**asked: Any) -> list[str]:
        return [one["id"] for one in (await ask(LIST, **asked))["data"]["answer"]["nodes"]]

    page = (await ask(LIST, first=1))["data"]["answer"]["pageInfo"]
    assert await listed() == ids[::-1]
    assert await listed(first=1) == [ids[2]]
    assert await listed(last=1) == [ids[0]]
    assert page["hasNextPage"]
    assert await listed(after=page["endCursor"]) == ids[1::-1]
    assert await listed(orderBy=[{"field": "CREATED", "direction": "ASC"}]) == ids
    assert await listed(filter={"status": {"eq": "NEW"}}) == [ids[2], ids[0]]
    assert await listed(filter={"kind": {"eq": "PERSONAL"}}) == ids[::-1]
    assert await listed(filter={"kind": {"in": ["BULK", "AUTO_REPLY"]}}) == []
    assert await listed(filter={"status": {"eq": "ARCHIVED"}}) == []
    assert await listed(filter={"receivedAt": {"isNull": True}}) == []
    assert await listed(filter={"parentCommunicationId": {"isNull": True}}) == ids[::-1]


async def test_one_message_is_read_as_it_was_answered(client: httpx2.AsyncClient, ask: Ask) -> None:
    kept = (await GraphqlDoor(client).ingest(message())).record

    assert (await ask(ONE, id=kept["id"]))["data"]["answer"] == kept


async def test_another_tenant_reads_none(
    client: httpx2.AsyncClient, ask: Ask, token: Callable[..., str]
) -> None:
    kept = (await GraphqlDoor(client).ingest(message())).record
    client.headers["Authorization"] = f"Bearer {token(tenant='rival')}"

    assert (await ask(LIST))["data"]["answer"]["nodes"] == []
    assert (await ask(ONE, id=kept["id"]))["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert (await ask(ONE, id="x"))["errors"][0]["extensions"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize("scopes", [[], [Scope.INBOUND_WRITE]])
async def test_reading_needs_its_scope(
    client: httpx2.AsyncClient, ask: Ask, token: Callable[..., str], scopes: list[str]
) -> None:
    client.headers["Authorization"] = f"Bearer {token(scopes=scopes)}"

    for answer in (await ask(LIST), await ask(ONE, id=UNKNOWN)):
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize("raw", ["not base64!", "QUJ", "é"])
async def test_what_is_no_base64_is_refused(ask: Ask, raw: str) -> None:
    query = "mutation($raw: String!) { ingestMime(raw: $raw) { id } }"

    error = (await ask(query, raw=raw))["errors"][0]

    assert error["extensions"]["fields"] == [{"path": "raw", "message": "must be base64"}]
    assert await InboundMessage.count() == 0


async def test_base64_may_come_in_lines(ask: Ask) -> None:
    query = "mutation($raw: String!) { answer: ingestMime(raw: $raw) { bodyText } }"

    answer = await ask(query, raw="Cgp\r\nIaQ==\r\n")

    assert answer["data"]["answer"] == {"bodyText": "\nHi"}


async def test_a_message_tells_which_way_it_came(ask: Ask, context: Context) -> None:
    origin = Origin(
        provider=ProviderType.RESEND,
        provider_id="56761188",
        account_id=PydanticObjectId(UNKNOWN),
        recipients=("sales@acme.test",),
        fetch_error="Resend does not have it any more",
    )
    door = Caller.of_door("acme", f"account:{UNKNOWN}")
    kept = await ingest(context.deps, door, message(), origin=origin)
    handed_in = await ingest(context.deps, door, message("<1@c.test>"))
    fields = "envelopeRecipients fetchError providerType providerMessageId providerAccountId"
    query = f"query($id: ID!) {{ answer: inboundMessage(id: $id) {{ {fields} }} }}"

    assert (await ask(query, id=str(kept.id)))["data"]["answer"] == {
        "envelopeRecipients": ["sales@acme.test"],
        "fetchError": "Resend does not have it any more",
        "providerType": "RESEND",
        "providerMessageId": "56761188",
        "providerAccountId": UNKNOWN,
    }
    assert (await ask(query, id=str(handed_in.id)))["data"]["answer"] == {
        "envelopeRecipients": [],
        "fetchError": None,
        "providerType": None,
        "providerMessageId": None,
        "providerAccountId": None,
    }


async def test_it_is_told_what_wrote_it(client: httpx2.AsyncClient, ask: Ask) -> None:
    raw = b"Auto-Submitted: auto-replied\r\n" + message()
    received = (await GraphqlDoor(client).ingest(raw)).record

    answer = await ask(
        "query($id: ID!) { answer: inboundMessage(id: $id) { kind } }", id=received["id"]
    )

    assert answer["data"]["answer"] == {"kind": "AUTO_REPLY"}


async def test_messages_are_found_by_the_way_they_came(ask: Ask, context: Context) -> None:
    door = Caller.of_door("acme", "smtp")
    smtp = Origin(provider=ProviderType.SMTP, recipients=("sales@acme.test", "a@acme.test"))
    lost = Origin(ProviderType.RESEND, "1", fetch_error="Resend does not have it any more")
    first = str((await ingest(context.deps, door, message("<1@c.test>"), origin=smtp)).id)
    second = str((await ingest(context.deps, door, message("<2@c.test>"), origin=lost)).id)
    third = str((await ingest(context.deps, door, message("<3@c.test>"))).id)

    async def found(**filter_: Any) -> list[str]:
        answer = await ask(LIST, filter=filter_)
        return sorted(one["id"] for one in answer["data"]["answer"]["nodes"])

    assert await found(envelopeRecipients={"has": "sales@acme.test"}) == [first]
    assert await found(envelopeRecipients={"isNull": True}) == sorted([second, third])
    assert await found(providerType={"in": ["RESEND", "GRAPH"]}) == [second]
    assert await found(fetchError={"isNull": False}) == [second]


async def test_a_record_tells_that_it_was_answered(ask: Ask, deps: Deps, caller: Caller) -> None:
    query = "query($id: ID!) { answer: communication(id: $id) { replied repliedAt replyCount } }"
    record = await sending.accept(deps, caller, parse(sending.SendCommunication, MAIL))
    await delivery.dispatch(deps, str(record.id))
    sent = await Communication.get(record.id)
    assert sent is not None
    before = await ask(query, id=str(record.id))

    await ingest(deps, caller, message(in_reply_to=sent.internet_message_id))

    nothing = {"replied": False, "repliedAt": None, "replyCount": 0}
    assert before["data"]["answer"] == nothing
    answered = (await ask(query, id=str(record.id)))["data"]["answer"]
    assert answered == {"replied": True, "repliedAt": "2026-11-24T09:30:00Z", "replyCount": 1}
    totals = "{ answer: analytics { totalReplied replyRate series { days { replied } } } }"
    counted = (await ask(totals))["data"]["answer"]
    assert counted == {"totalReplied": 1, "replyRate": 1.0, "series": {"days": [{"replied": 1}]}}


async def test_what_is_new_in_an_answer_is_told(client: httpx2.AsyncClient, ask: Ask) -> None:
    raw = message(text="Fine!\n\nOn Tuesday Acme wrote:\n> Hello\n")
    received = (await GraphqlDoor(client).ingest(raw)).record
    alone = "query($id: ID!) { answer: inboundMessage(id: $id) { replyText } }"

    one = await ask(alone, id=received["id"])
    several = await ask("{ answer: inboundMessages { nodes { replyText } } }")

    assert one["data"]["answer"] == {"replyText": "Fine!"}
    assert several["data"]["answer"]["nodes"] == [{"replyText": "Fine!"}]


async def test_what_could_not_be_read_is_told_and_found(
    ask: Ask, deps: Deps, caller: Caller
) -> None:
    bomb = b"Subject: Bomb\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 1001
    kept = await ingest(deps, caller, bomb)
    whole = await ingest(deps, caller, message())

    one = "query($id: ID!) { answer: inboundMessage(id: $id) { parseFault } }"
    told = [(await ask(one, id=str(message_.id)))["data"]["answer"] for message_ in (kept, whole)]
    found = await ask(LIST, filter={"parseFault": {"isNull": False}})

    assert told == [{"parseFault": kept.parse_fault}, {"parseFault": None}]
    assert (kept.parse_fault or "").startswith("It has more than 1000 parts, ")
    assert found["data"]["answer"]["nodes"] == [{"id": str(kept.id)}]


async def test_of_ten_thousand_recipients_the_first_are_kept_and_all_counted(
    ask: Ask, deps: Deps, caller: Caller, mongo_calls: MongoCalls
) -> None:
    await ingest(deps, caller, message("<first@c.test>"))
    to = ",\r\n ".join(f"Person {number} <p{number}@x.test>" for number in range(10_000))
    mongo_calls.clear()

    kept = await ingest(deps, caller, f"To: {to}\r\nCc: c@x.test\r\n".encode() + message())

    # None for each of them; whoever puts a file away first makes the indexes for all.
    assert len(mongo_calls.commands) < 30
    query = "query($id: ID!) { answer: inboundMessage(id: $id) { recipientCount recipients cc } }"
    shown = (await ask(query, id=str(kept.id)))["data"]["answer"]
    assert shown["recipientCount"] == 10_003
    assert shown["recipients"] == [f"p{number}@x.test" for number in range(1000)]
    assert shown["cc"] == ["c@x.test", "piet@customer.test"]


async def test_without_more_recipients_those_kept_are_counted(
    ask: Ask, deps: Deps, caller: Caller
) -> None:
    kept = await ingest(deps, caller, message())

    query = "query($id: ID!) { answer: inboundMessage(id: $id) { recipientCount } }"
    assert (await ask(query, id=str(kept.id)))["data"]["answer"] == {"recipientCount": 2}


async def test_what_is_new_in_a_long_answer_is_told(client: httpx2.AsyncClient, ask: Ask) -> None:
    new = "\n".join(["Fine!"] * 4000)
    received = (await GraphqlDoor(client).ingest(message(text=f"{new}\n\n> Hello\n"))).record
    both = "query($id: ID!) { answer: inboundMessage(id: $id) { replyText bodyText } }"

    answer = (await ask(both, id=received["id"]))["data"]["answer"]

    assert answer == {"replyText": new, "bodyText": f"{new}\n\n> Hello\n"}


async def test_nothing_is_new_in_a_message_without_a_text(
    client: httpx2.AsyncClient, ask: Ask
) -> None:
    raw = b"From: a@b.test\nContent-Type: application/pdf\n\n%PDF"
    received = (await GraphqlDoor(client).ingest(raw)).record
    alone = "query($id: ID!) { answer: inboundMessage(id: $id) { replyText } }"

    assert (await ask(alone, id=received["id"]))["data"]["answer"] == {"replyText": None}
