"""Conversations: what each is about, who takes part, and its messages part by part."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps, Scope
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.services import delivery, inbound, scheduling
from app.services.inputs import parse
from tests.fakes.clock import Clock
from tests.fakes.messages import message
from tests.fakes.mongo_calls import MongoCalls
from tests.graphql_schema.conftest import Ask, Graph

OVERVIEW = "id subject outboundCount inboundCount started latestActivity participants"
MESSAGES = (
    "totalCount nodes { __typename ... on Communication { id %s } "
    "... on InboundMessage { id %s } } edges { cursor node { __typename } } "
    "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
)
Send = Callable[..., Awaitable[Communication]]


@pytest.fixture
async def talk(deps: Deps, caller: Caller, send: Send, clock: Clock) -> list[str]:
    """Ids of a mail, an answer to it, one to that, and one that is to go out tomorrow."""
    first = await send({"recipients": ["Jan <jan@customer.test>"], "bcc": ["boss@acme.test"]})
    await delivery.dispatch(deps, str(first.id))
    out = await Communication.shown("acme", str(first.id))
    assert out is not None
    clock.advance(timedelta(hours=1))
    mime = message(in_reply_to=out.internet_message_id, received="Tue, 24 Nov 2026 10:30:00 +0000")
    received = await inbound.ingest(deps, caller, mime)
    clock.advance(timedelta(hours=1))
    second = await send({"conversationId": out.conversation_id, "cc": ["EVE@customer.test"]})
    later = parse(
        scheduling.ScheduleCommunication,
        {
            "subject": "Still there?",
            "body": "<p>Hello</p>",
            "recipients": ["jan@customer.test"],
            "conversationId": out.conversation_id,
            "scheduledAt": "2026-11-25T09:00:00Z",
        },
    )
    waiting = await scheduling.schedule(deps, caller, later)
    return [str(one.id) for one in (first, received, second, waiting)]


@pytest.fixture(params=[("body", "bodyText"), ("subject", "subject")], ids=["bodies", "none"])
def part(
    talk: list[str], query: Ask, request: pytest.FixtureRequest
) -> Callable[[str], Awaitable[Any]]:
    """The part of the talk for these arguments; with an error its code and fields.

    What is read with bodies and without must be the same messages.
    """
    messages = MESSAGES % request.param

    async def ask(arguments: str) -> Any:
        text = f"query($id: ID!) {{ communication(id: $id) {{ conversation {{ messages{arguments} {{ {messages} }} }} }} }}"  # noqa: E501
        answer = await query(text, id=talk[0])
        if "errors" in answer:
            extensions = answer["errors"][0]["extensions"]
            return extensions["code"], [field["path"] for field in extensions["fields"]]
        found = answer["data"]["communication"]["conversation"]["messages"]
        assert found["totalCount"] == 4
        cursors = [edge["cursor"] for edge in found["edges"]]
        info = found["pageInfo"]
        assert [info["startCursor"], info["endCursor"]] == (
            [cursors[0], cursors[-1]] if cursors else [None, None]
        )
        ids = [node["id"] for node in found["nodes"]]
        return ids, cursors, info["hasPreviousPage"], info["hasNextPage"]

    return ask


async def test_a_conversation_tells_what_it_is(talk: list[str], query: Ask) -> None:
    record = await Communication.of_tenant("acme", talk[0])
    assert record is not None
    messages = MESSAGES % ("body", "bodyText")

    answer = await query(
        f"query($id: ID!) {{ conversation(id: $id) {{ {OVERVIEW} messages {{ {messages} }} }} }}",
        id=record.conversation_id,
    )

    found = answer["data"]["conversation"]
    messages = found.pop("messages")
    assert found == {
        "id": record.conversation_id,
        "subject": "Your offer",
        "outboundCount": 3,
        "inboundCount": 1,
        "started": "2026-11-24T09:30:00Z",
        "latestActivity": "2026-11-24T11:30:00Z",
        "participants": [
            "crm@acme.test",
            "jan@customer.test",
            "piet@customer.test",
            "eve@customer.test",
        ],
    }
    kinds = ["Communication", "InboundMessage", "Communication", "Communication"]
    assert [(one["__typename"], one["id"]) for one in messages["nodes"]] == list(
        zip(kinds, talk, strict=True)
    )
    assert messages["nodes"][1]["bodyText"] == "Fine!"
    assert messages["nodes"][3]["body"].startswith("<p>Hello</p>")
    assert [one["node"]["__typename"] for one in messages["edges"]] == kinds


async def test_parts_forwards_and_backwards(
    talk: list[str], part: Callable[[str], Awaitable[Any]]
) -> None:
    ids, cursors, *bounds = await part("")
    assert (ids, bounds) == (talk, [False, False])
    first, third = cursors[0], cursors[2]

    assert await part("(first: 2)") == (talk[:2], cursors[:2], False, True)
    assert await part(f'(first: 2, after: "{first}")') == (talk[1:3], cursors[1:3], True, True)
    assert await part(f'(first: 2, after: "{third}")') == (talk[3:], cursors[3:], True, False)
    assert await part("(last: 2)") == (talk[2:], cursors[2:], True, False)
    assert await part(f'(last: 1, before: "{third}")') == (talk[1:2], cursors[1:2], True, True)
    between = f'(first: 9, after: "{first}", before: "{third}")'
    assert await part(between) == (talk[1:2], cursors[1:2], True, True)
    assert await part("(first: 0)") == ([], [], False, True)
    assert await part("(first: 201)") == ("BAD_USER_INPUT", ["first"])
    assert await part("(first: 1, last: 1)") == ("BAD_USER_INPUT", ["last"])
    assert await part('(after: "x", before: "y")') == ("BAD_USER_INPUT", ["after", "before"])


async def test_the_thread_of_a_record_is_the_latest_of_both_directions(
    talk: list[str], query: Ask
) -> None:
    text = "query($id: ID!) { communication(id: $id) { thread(last: 3) { outbound { id body } inbound { id bodyText } } } }"  # noqa: E501

    answer = await query(text, id=talk[0])
    refused = await query(text.replace("3", "201"), id=talk[0])

    thread = answer["data"]["communication"]["thread"]
    assert [one["id"] for one in thread["outbound"]] == talk[2:]
    assert [(one["id"], one["bodyText"]) for one in thread["inbound"]] == [(talk[1], "Fine!")]
    assert refused["errors"][0]["extensions"]["fields"][0]["path"] == "last"


async def test_a_thread_without_bodies_is_read_by_one_call(
    talk: list[str], query: Ask, mongo_calls: MongoCalls
) -> None:
    text = "query($id: ID!) { communication(id: $id) { thread(last: 3) { outbound { id subject sentAt } inbound { id subject recipientCount receivedAt } } } }"  # noqa: E501

    answer = await query(text, id=talk[0])

    assert mongo_calls.names == ["aggregate communications", "find communications"]
    thread = answer["data"]["communication"]["thread"]
    assert thread["outbound"] == [
        {"id": talk[2], "subject": "Your offer", "sentAt": None},
        {"id": talk[3], "subject": "Still there?", "sentAt": None},
    ]
    assert thread["inbound"] == [
        {
            "id": talk[1],
            "subject": "Re: Your offer",
            "recipientCount": 2,
            "receivedAt": "2026-11-24T10:30:00Z",
        }
    ]


async def test_a_received_message_leads_to_it_and_its_records_back(
    talk: list[str], query: Ask
) -> None:
    text = "query($id: ID!) { inboundMessage(id: $id) { conversation { id messages(first: 1) { nodes { ... on Communication { conversation { id } } } } } } }"  # noqa: E501

    answer = await query(text, id=talk[1])

    found = answer["data"]["inboundMessage"]["conversation"]
    assert found["messages"]["nodes"] == [{"conversation": {"id": found["id"]}}]


async def test_it_is_called_whatever_callers_call_it(send: Send, query: Ask) -> None:
    """Even as an id is written that tells its kind."""
    name = "Template:665f1c2e9b1e8a0012345678"
    await send({"conversationId": name})

    answer = await query("query($id: ID!) { conversation(id: $id) { id } }", id=name)

    assert answer == {"data": {"conversation": {"id": name}}}


async def test_one_without_a_message_is_none(
    talk: list[str], query: Ask, token: Callable[..., str]
) -> None:
    record = await Communication.of_tenant("acme", talk[0])
    assert record is not None
    text = "query($id: ID!) { conversation(id: $id) { id } }"
    unknown = await query(text, id="nobody")
    theirs = await query(text, id=record.conversation_id, token=token(tenant="rival"))

    for answer in (unknown, theirs):
        assert answer["data"] == {"conversation": None}
        assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_a_rival_with_the_same_conversation_sees_its_own_only(
    talk: list[str], send: Send, query: Ask, token: Callable[..., str], caller: Caller
) -> None:
    record = await Communication.of_tenant("acme", talk[0])
    assert record is not None
    rival = Caller(tenant="rival", user="mallory", scopes=caller.scopes)
    own = await send({"conversationId": record.conversation_id}, by=rival)

    answer = await query(
        "query($id: ID!) { communication(id: $id) { conversation { outboundCount inboundCount "
        "participants messages { nodes { __typename ... on Communication { id } } } } "
        "thread { outbound { id } inbound { id } } } }",
        id=str(own.id),
        token=token(tenant="rival"),
    )

    assert answer["data"]["communication"] == {
        "conversation": {
            "outboundCount": 1,
            "inboundCount": 0,
            "participants": ["crm@acme.test", "jan@customer.test"],
            "messages": {"nodes": [{"__typename": "Communication", "id": str(own.id)}]},
        },
        "thread": {"outbound": [{"id": str(own.id)}], "inbound": []},
    }


async def test_a_mutation_leads_to_none_without_the_scope(
    talk: list[str], query: Ask, token: Callable[..., str]
) -> None:
    answer = await query(
        'mutation($id: ID!) { commentCommunication(id: $id, text: "Hi") { id conversation { id } '
        "thread { outbound { id } } } }",
        id=talk[0],
        token=token(scopes=[Scope.COMMUNICATIONS_WRITE]),
    )

    assert answer["data"]["commentCommunication"] == {
        "id": talk[0],
        "conversation": None,
        "thread": None,
    }
    assert {one["extensions"]["code"] for one in answer["errors"]} == {"FORBIDDEN"}


async def test_what_was_deleted_is_out_of_it(talk: list[str], query: Ask) -> None:
    await query("mutation($id: ID!) { deleteCommunication(id: $id) }", id=talk[0])
    text = "query($id: ID!) { inboundMessage(id: $id) { conversation { subject outboundCount messages { nodes { ... on Communication { id } ... on InboundMessage { id } } } } } }"  # noqa: E501

    answer = await query(text, id=talk[1])

    found = answer["data"]["inboundMessage"]["conversation"]
    assert (found["subject"], found["outboundCount"]) == ("Re: Your offer", 2)
    assert [one["id"] for one in found["messages"]["nodes"]] == talk[1:]


async def test_a_hundred_conversations_cost_as_many_calls_as_one(
    graph_of_acme: Graph, query: Ask, mongo_calls: MongoCalls
) -> None:
    collection = Communication.get_motor_collection()
    row = await collection.find_one({"_id": PydanticObjectId(graph_of_acme.answered)})
    reply = await InboundMessage.get_motor_collection().find_one({})
    assert row is not None
    assert reply is not None
    for number in range(98):
        twin = PydanticObjectId()
        name = {"conversationId": f"talk {number}"}
        await collection.insert_one({**row, **name, "_id": twin, "trackingId": str(twin)})
        await InboundMessage.get_motor_collection().insert_one(
            {**reply, **name, "_id": PydanticObjectId(), "key": str(twin)}
        )
    mongo_calls.clear()

    answer = await query(
        "query { communications(first: 100) { nodes { conversation { subject participants "
        "messages(last: 2) { totalCount nodes { __typename ... on Communication { id subject } "
        "... on InboundMessage { id subject } } pageInfo { hasPreviousPage } } } } } }"
    )
    of_conversations, found = mongo_calls.names, answer["data"]["communications"]["nodes"]
    mongo_calls.clear()
    # By itself: beside the other, some of its calls are one with those, and some are not.
    threads = await query(
        "query { communications(first: 100) { nodes { thread(last: 2) { inbound { id } "
        "outbound { id } } } } }"
    )

    assert len(found) == 100
    assert sum(len(one["conversation"]["messages"]["nodes"]) for one in found) == 199
    inbound = [one["thread"]["inbound"] for one in threads["data"]["communications"]["nodes"]]
    assert sum(map(len, inbound)) == 99
    # The page, what conversations are, who takes part, and messages, with their records.
    finds = ["find communications", "find inboundMessages"]
    assert of_conversations == [*["aggregate communications"] * 4, *finds]
    assert mongo_calls.names == [*["aggregate communications"] * 2, *finds]
