"""The lists that records have, nested in them: which part, to whom, and by how many calls."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Deps, Scope
from app.documents import list_deliveries
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.list_members import ListMember
from app.documents.recipient_lists import RecipientList
from app.documents.templates import Template
from app.services import delivery
from tests.fakes.clock import Clock
from tests.fakes.mongo_calls import MongoCalls
from tests.fakes.relay import Relay
from tests.graphql_schema.conftest import Ask, Graph

PART = "totalCount nodes { id } edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"  # noqa: E501
READ = Scope.COMMUNICATIONS_READ
# Of each list: whose it is, the field, the scope, and the record in the Graph that it holds.
LISTS = [
    ("template", "Template", "communications", READ, "sent"),
    ("template", "Template", "versions", Scope.TEMPLATES_READ, "version"),
    ("list", "RecipientList", "communications", READ, "sent"),
    ("list", "RecipientList", "members", Scope.RECIPIENTS_READ, "member"),
    ("answered", "Communication", "replies", READ, "received"),
    ("answered", "Communication", "deliveries", READ, None),
    ("sent", "Communication", "engagements", READ, "hit"),
]
Send = Callable[..., Awaitable[Communication]]


def asked(kind: str, field: str, arguments: str = "") -> str:
    shown = f"... on {kind} {{ list: {field}{arguments} {{ {PART} }} }}"
    return f"query($id: ID!) {{ node(id: $id) {{ id {shown} }} }}"


@pytest.fixture
async def crowd(graph_of_acme: Graph, deps: Deps) -> list[str]:
    """Ids of five members that the list has, in their order."""
    now = deps.now()
    members = [
        ListMember(
            tenant_id="acme",
            list_id=PydanticObjectId(graph_of_acme.list),
            email=f"m{number}@c.test",
            created=now,
            updated=now,
        )
        for number in range(4)
    ]
    await ListMember.add(members)
    return [graph_of_acme.member, *(str(member.id) for member in members)]


@pytest.fixture
def part(graph_of_acme: Graph, query: Ask) -> Callable[[str], Awaitable[Any]]:
    """The part of the crowd for these arguments; with an error its code and fields."""

    async def ask(arguments: str) -> Any:
        answer = await query(asked("RecipientList", "members", arguments), id=graph_of_acme.list)
        if "errors" in answer:
            extensions = answer["errors"][0]["extensions"]
            return extensions["code"], [field["path"] for field in extensions["fields"]]
        found = answer["data"]["node"]["list"]
        assert found["totalCount"] == 5
        assert [edge["node"] for edge in found["edges"]] == found["nodes"]
        cursors = [edge["cursor"] for edge in found["edges"]]
        info = found["pageInfo"]
        assert [info["startCursor"], info["endCursor"]] == (
            [cursors[0], cursors[-1]] if cursors else [None, None]
        )
        ids = [node["id"] for node in found["nodes"]]
        return ids, cursors, info["hasPreviousPage"], info["hasNextPage"]

    return ask


SHOWN = (
    "id __typename sending status created nextAttemptAt messageId internetMessageId memberId "
    "member { id } providerAccountId providerAccount { id } communicationId communication { id } "
    "attempts { date outcome detail } recipients { address status detail }"
)


async def test_each_list_holds_what_is_its(graph_of_acme: Graph, query: Ask) -> None:
    ids = vars(graph_of_acme)
    for owner, kind, field, _, held in LISTS:
        answer = await query(asked(kind, field), id=ids[owner])
        assert "errors" not in answer
        found = answer["data"]["node"]["list"]
        assert found["totalCount"] == 1
        if held is not None:
            assert found["nodes"] == [{"id": ids[held]}]
        assert found["pageInfo"]["hasNextPage"] is found["pageInfo"]["hasPreviousPage"] is False


async def test_each_needs_the_scope_of_what_it_holds(
    graph_of_acme: Graph, query: Ask, token: Callable[..., str]
) -> None:
    reads = {"template": Scope.TEMPLATES_READ, "list": Scope.RECIPIENTS_READ}
    for owner, kind, field, scope, _ in LISTS:
        if reads.get(owner, READ) is not scope:
            id_ = getattr(graph_of_acme, owner)
            answer = await query(asked(kind, field), id=id_, token=token(scopes=[reads[owner]]))
            assert answer["data"] == {"node": {"id": id_, "list": None}}
            [error] = answer["errors"]
            assert error["message"] == f"The token lacks the scope {scope}."


async def test_a_mutation_shows_no_list_that_its_scope_does_not(
    graph_of_acme: Graph, query: Ask, token: Callable[..., str]
) -> None:
    cases = [
        ("commentCommunication", "sent", Scope.COMMUNICATIONS_WRITE, "deliveries", 'text: "Hi"'),
        ("commentCommunication", "sent", Scope.COMMUNICATIONS_WRITE, "replies", 'text: "Hi"'),
        ("updateRecipientList", "list", Scope.RECIPIENTS_WRITE, "members", 'input: { name: "N" }'),
    ]
    for name, owner, scope, field, given in cases:
        answer = await query(
            f"mutation($id: ID!) {{ it: {name}(id: $id, {given}) {{ id {field} {{ totalCount nodes {{ id }} }} }} }}",  # noqa: E501
            id=getattr(graph_of_acme, owner),
            token=token(scopes=[scope]),
        )
        assert answer["data"]["it"] == {"id": getattr(graph_of_acme, owner), field: None}
        assert {error["extensions"]["code"] for error in answer["errors"]} == {"FORBIDDEN"}


async def test_none_holds_anything_of_another_tenant(
    graph_of_acme: Graph, query: Ask, token: Callable[..., str]
) -> None:
    """A rival's record with the very id by which acme's records name theirs."""
    ids = vars(graph_of_acme)
    theirs = token(tenant="rival")
    documents = {
        "Template": Template,
        "RecipientList": RecipientList,
        "Communication": Communication,
    }
    for owner, kind, field, _, _ in LISTS:
        collection = documents[kind].get_motor_collection()
        id_ = PydanticObjectId(ids[owner])
        await collection.update_one({"_id": id_}, {"$set": {"tenantId": "rival"}})
        answer = await query(asked(kind, field), id=ids[owner], token=theirs)
        found = answer["data"]["node"]["list"]
        assert (found["totalCount"], found["nodes"], found["edges"]) == (0, [], [])


async def test_parts_forwards_and_backwards(
    crowd: list[str], part: Callable[[str], Awaitable[Any]]
) -> None:
    ids, cursors, *bounds = await part("")
    assert (ids, bounds) == (crowd, [False, False])
    second, fourth = cursors[1], cursors[3]

    assert await part("(first: 2)") == (crowd[:2], cursors[:2], False, True)
    assert await part(f'(first: 2, after: "{second}")') == (crowd[2:4], cursors[2:4], True, True)
    assert await part(f'(first: 9, after: "{fourth}")') == (crowd[4:], cursors[4:], True, False)
    assert await part("(last: 2)") == (crowd[3:], cursors[3:], True, False)
    assert await part(f'(last: 2, before: "{fourth}")') == (crowd[1:3], cursors[1:3], True, True)
    between = f'(first: 9, after: "{second}", before: "{fourth}")'
    assert await part(between) == (crowd[2:3], cursors[2:3], True, True)
    assert await part("(first: 0)") == ([], [], False, True)


async def test_what_is_no_part_is_refused(part: Callable[[str], Awaitable[Any]]) -> None:
    assert await part("(first: 201)") == ("BAD_USER_INPUT", ["first"])
    assert await part("(last: -1)") == ("BAD_USER_INPUT", ["last"])
    assert await part("(first: 1, last: 1)") == ("BAD_USER_INPUT", ["last"])
    assert await part('(after: "x", before: "y")') == ("BAD_USER_INPUT", ["after", "before"])


async def test_a_hundred_records_cost_as_many_calls_as_one(
    graph_of_acme: Graph, query: Ask, mongo_calls: MongoCalls
) -> None:
    deep = (
        "query { communications(first: 200) { nodes { id "
        "template { id } recipientList { id members(first: 2) { nodes { id } } } "
        "replies(first: 3) { totalCount nodes { id } } "
        "deliveries(first: 2) { nodes { id recipients { address } providerAccount { id } "
        "communication { id } } pageInfo { hasNextPage } } } } }"
    )
    collection = Communication.get_motor_collection()
    rows = await collection.find().to_list(None)
    for _ in range(49):
        for row in rows:
            twin = PydanticObjectId()
            await collection.insert_one({**row, "_id": twin, "trackingId": str(twin)})
            await Delivery.get_motor_collection().insert_one(
                {
                    **DELIVERY,
                    "communicationId": twin,
                    "trackingId": str(twin),
                    "messageId": f"<{twin}@a>",
                    "created": row["created"],
                    "accountId": PydanticObjectId(graph_of_acme.account),
                }
            )
    mongo_calls.clear()

    answer = await query(deep)

    found = answer["data"]["communications"]["nodes"]
    assert len(found) == 100
    assert sum(len(one["deliveries"]["nodes"]) for one in found) == 100
    assert {
        one["deliveries"]["nodes"][0]["communication"]["id"] == one["id"]
        for one in found
        if one["deliveries"]["nodes"]
    } == {True}
    assert mongo_calls.names == [
        "aggregate communications",
        "aggregate deliveries",
        "aggregate inboundMessages",
        "aggregate inboundMessages",
        "aggregate listMembers",
        "find communications",
        "find providerAccounts",
        "find recipientLists",
        "find templates",
    ]


DELIVERY = {
    "tenantId": "acme",
    "sending": 1,
    "status": "SENT",
    "recipients": [{"address": "jan@customer.test", "status": "ACCEPTED"}],
}


async def test_pages_of_nested_lists_cost_as_many_calls_for_each(
    graph_of_acme: Graph, query: Ask, mongo_calls: MongoCalls
) -> None:
    """With a bound there may be something on either side, which is asked for all lists at once."""
    collection = Communication.get_motor_collection()
    row = await collection.find_one({"_id": PydanticObjectId(graph_of_acme.answered)})
    assert row is not None
    for _ in range(9):
        twin = PydanticObjectId()
        await collection.insert_one({**row, "_id": twin, "trackingId": str(twin)})
    one = await query(asked("Communication", "deliveries"), id=graph_of_acme.answered)
    cursor = one["data"]["node"]["list"]["edges"][0]["cursor"]
    mongo_calls.clear()

    answer = await query(
        "query($cursor: String!) { communications { nodes { id deliveries(after: $cursor, "
        "before: $cursor) { totalCount pageInfo { hasNextPage hasPreviousPage } } } } }",
        cursor=cursor,
    )

    found = {one["id"]: one["deliveries"] for one in answer["data"]["communications"]["nodes"]}
    assert len(found) == 11
    assert found[graph_of_acme.answered] == {
        "totalCount": 1,
        "pageInfo": {"hasNextPage": True, "hasPreviousPage": True},
    }
    assert mongo_calls.names == ["aggregate communications", *["aggregate deliveries"] * 4]


async def test_a_delivery_tells_of_each_attempt(
    deps: Deps, relay: Relay, send: Send, query: Ask, clock: Clock
) -> None:
    record = await send({"cc": ["piet@customer.test"]})
    text = f"query($id: ID!) {{ node(id: $id) {{ ... on Communication {{ deliveries {{ nodes {{ {SHOWN} }} }} }} }} }}"  # noqa: E501

    async def shown() -> dict[str, Any]:
        answer = await query(text, id=str(record.id))
        [found] = answer["data"]["node"]["deliveries"]["nodes"]
        one: dict[str, Any] = found
        return one

    relay.replies = {"jan@customer.test": "450 busy"}
    await delivery.dispatch(deps, str(record.id))
    waits = await shown()
    relay.replies = {}
    clock.advance(timedelta(hours=1))
    await delivery.deliver(deps, waits["id"])
    sent = await shown()

    begun = "2026-11-24T09:30:00Z"
    piet = {"address": "piet@customer.test", "status": "ACCEPTED", "detail": None}
    busy = {"date": begun, "outcome": "TRANSIENT", "detail": "450 busy"}
    assert waits == {
        "id": waits["id"],
        "__typename": "Delivery",
        "sending": 1,
        "status": "QUEUED",
        "created": begun,
        "nextAttemptAt": waits["nextAttemptAt"],
        "messageId": waits["messageId"],
        "internetMessageId": waits["internetMessageId"],
        "memberId": None,
        "member": None,
        "providerAccountId": None,
        "providerAccount": None,
        "communicationId": str(record.id),
        "communication": {"id": str(record.id)},
        "attempts": [busy],
        "recipients": [
            {"address": "jan@customer.test", "status": "PENDING", "detail": "450 busy"},
            piet,
        ],
    }
    assert begun < waits["nextAttemptAt"] < "2026-11-24T09:31:00Z"
    assert sent == {
        **waits,
        "status": "SENT",
        "nextAttemptAt": None,
        "messageId": sent["messageId"],
        "internetMessageId": f"<{sent['messageId']}>",
        "attempts": [busy, {"date": "2026-11-24T10:30:00Z", "outcome": "SENT", "detail": None}],
        "recipients": [
            {"address": "jan@customer.test", "status": "ACCEPTED", "detail": None},
            piet,
        ],
    }


async def test_list_mail_has_an_envelope_for_each_member(
    deps: Deps, crowd: list[str], graph_of_acme: Graph, query: Ask
) -> None:
    record = await Communication.of_tenant("acme", graph_of_acme.sent)
    assert record is not None
    pattern = Delivery(
        communication_id=record.id,
        tenant_id="acme",
        tracking_id="x",
        recipients=[],
        message_id="<x@a>",
        created=deps.now(),
    )
    again = pattern.model_copy(update={"sending": 2, "id": PydanticObjectId()})
    members = [(PydanticObjectId(id_), f"{id_}@c.test") for id_ in crowd]
    for one in (pattern, again):
        await list_deliveries.lay(one, members, domain="a")
    text = "query($id: ID!) { communication(id: $id) { deliveries(first: 6) { totalCount nodes { sending member { id } } } } }"  # noqa: E501

    answer = await query(text, id=graph_of_acme.sent)

    found = answer["data"]["communication"]["deliveries"]
    assert found["totalCount"] == 10
    assert [(one["sending"], one["member"]["id"]) for one in found["nodes"]] == [
        *((2, id_) for id_ in reversed(crowd)),
        (1, crowd[-1]),
    ]


async def test_an_envelope_is_gone_with_its_record(
    graph_of_acme: Graph, query: Ask, token: Callable[..., str]
) -> None:
    listed = await query(asked("Communication", "deliveries"), id=graph_of_acme.answered)
    [one] = listed["data"]["node"]["list"]["nodes"]
    text = "query($id: ID!) { node(id: $id) { id __typename } }"

    there = await query(text, id=one["id"])
    theirs = await query(text, id=one["id"], token=token(tenant="rival"))
    without = token(scopes=set(Scope) - {READ})
    forbidden = await query(text, id=one["id"], token=without)
    gone = "mutation($id: ID!) { deleteCommunication(id: $id) }"
    await query(gone, id=graph_of_acme.answered, token=token())

    assert there["data"] == {"node": {"id": one["id"], "__typename": "Delivery"}}
    assert theirs == {"data": {"node": None}}
    assert forbidden["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert await query(text, id=one["id"]) == {"data": {"node": None}}
