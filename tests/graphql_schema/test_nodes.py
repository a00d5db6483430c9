"""Records of any kind by their ids, by the Global Object Identification specification."""

import base64
from collections.abc import Callable

from graphql import GraphQLInterfaceType, build_schema

from app.context import Scope
from graphql_schema.schema import schema
from graphql_schema.types.nodes import KINDS
from tests.fakes.mongo_calls import MongoCalls
from tests.graphql_schema.conftest import Ask, Graph

ONE = "query($id: ID!) { node(id: $id) { id __typename ... on Template { name } } }"
MANY = "query($ids: [ID!]!) { nodes(ids: $ids) { id __typename ... on Communication { subject } } }"
KIND = {
    "template": "Template",
    "version": "TemplateVersion",
    "list": "RecipientList",
    "member": "ListMember",
    "account": "ProviderAccount",
    "sent": "Communication",
    "received": "InboundMessage",
    "suppression": "Suppression",
    "topic": "Topic",
    "preference": "Preference",
    "key": "ApiKey",
    "envelope": "Delivery",
    "hit": "Engagement",
}
SCOPE = {
    "template": Scope.TEMPLATES_READ,
    "version": Scope.TEMPLATES_READ,
    "list": Scope.RECIPIENTS_READ,
    "member": Scope.RECIPIENTS_READ,
    "account": Scope.ACCOUNTS_READ,
    "sent": Scope.COMMUNICATIONS_READ,
    "received": Scope.COMMUNICATIONS_READ,
    "suppression": Scope.SUPPRESSIONS_READ,
    "topic": Scope.CONSENT_READ,
    "preference": Scope.CONSENT_READ,
    "key": Scope.KEYS_READ,
    "envelope": Scope.COMMUNICATIONS_READ,
    "hit": Scope.COMMUNICATIONS_READ,
}


def test_every_kind_that_is_a_node_is_found() -> None:
    served = build_schema(schema.as_str())
    node = served.get_type("Node")
    assert isinstance(node, GraphQLInterfaceType)
    types = served.get_possible_types(node)

    assert sorted(type_.name for type_ in types) == sorted(kind.name for kind in KINDS.values())


async def test_each_kind_by_its_plain_id_and_by_typed_ones(
    graph_of_acme: Graph, query: Ask
) -> None:
    for one, kind in KIND.items():
        id_ = getattr(graph_of_acme, one)
        typed = f"{kind}:{id_}"
        for spelling in (id_, id_.upper(), typed, base64.b64encode(typed.encode()).decode()):
            answer = await query("query($id: ID!) { node(id: $id) { id __typename } }", id=spelling)
            assert answer == {"data": {"node": {"id": id_, "__typename": kind}}}


async def test_each_kind_needs_its_own_scope(
    graph_of_acme: Graph, query: Ask, token: Callable[..., str]
) -> None:
    for one, kind in KIND.items():
        without = token(scopes=set(Scope) - {SCOPE[one]})
        id_ = getattr(graph_of_acme, one)
        for spelling in (id_, f"{kind}:{id_}"):
            answer = await query(ONE, id=spelling, token=without)
            [error] = answer["errors"]
            assert answer["data"] == {"node": None}
            assert (error["extensions"]["code"], error["path"]) == ("FORBIDDEN", ["node"])
            assert error["message"] == f"The token lacks the scope {SCOPE[one]}."


async def test_what_is_not_there_or_anothers_is_null(
    graph_of_acme: Graph, query: Ask, token: Callable[..., str]
) -> None:
    ids = [*vars(graph_of_acme).values(), *(f"{KIND[k]}:{vars(graph_of_acme)[k]}" for k in KIND)]
    unknown = ["", "x", "665f1c2e9b1e8a0012345678", "Pigeon:665f1c2e9b1e8a0012345678"]
    mistaken = f"Template:{graph_of_acme.sent}"

    theirs = await query(MANY, ids=ids, token=token(tenant="rival"))
    ours = await query(MANY, ids=[*unknown, mistaken], token=token())

    assert theirs == {"data": {"nodes": [None] * len(ids)}}
    assert ours == {"data": {"nodes": [None] * 5}}
    for id_ in (*unknown, mistaken):
        assert await query(ONE, id=id_) == {"data": {"node": None}}


async def test_many_come_in_their_order_in_a_few_calls(
    graph_of_acme: Graph, query: Ask, mongo_calls: MongoCalls
) -> None:
    world = graph_of_acme
    ids = [world.template, "x", world.sent, world.member, world.answered, world.sent]

    answer = await query(MANY, ids=ids)

    mail = {"__typename": "Communication", "subject": "Your offer"}
    assert answer["data"]["nodes"] == [
        {"id": world.template, "__typename": "Template"},
        None,
        {"id": world.sent, **mail},
        {"id": world.member, "__typename": "ListMember"},
        {"id": world.answered, **mail},
        {"id": world.sent, **mail},
    ]
    [look, *loads] = mongo_calls.names
    assert look.startswith("aggregate ")
    assert loads == [
        "find communications",
        "find listMembers",
        "find recipientLists",
        "find templates",
    ]


async def test_typed_ids_are_not_looked_for(
    graph_of_acme: Graph, query: Ask, mongo_calls: MongoCalls
) -> None:
    await query(ONE, id=f"Template:{graph_of_acme.template}")

    assert mongo_calls.names == ["find templates"]


async def test_one_that_is_forbidden_fails_alone(
    graph_of_acme: Graph, query: Ask, token: Callable[..., str]
) -> None:
    reader = token(scopes=[Scope.COMMUNICATIONS_READ])
    world = graph_of_acme

    answer = await query(MANY, ids=[world.template, world.sent, world.account], token=reader)

    assert [one and one["id"] for one in answer["data"]["nodes"]] == [None, world.sent, None]
    assert [(e["path"], e["extensions"]["code"]) for e in answer["errors"]] == [
        (["nodes", 0], "FORBIDDEN"),
        (["nodes", 2], "FORBIDDEN"),
    ]


async def test_at_most_a_hundred_at_once(query: Ask, mongo_calls: MongoCalls) -> None:
    full = await query(MANY, ids=["x"] * 100)
    assert full == {"data": {"nodes": [None] * 100}}
    mongo_calls.clear()

    answer = await query(MANY, ids=["x"] * 101)

    [error] = answer["errors"]
    assert (answer["data"], error["extensions"]["code"]) == (None, "BAD_USER_INPUT")
    assert error["extensions"]["fields"] == [
        {"path": "ids", "message": "must have at most 100 entries"}
    ]
    assert mongo_calls.names == []


async def test_what_was_deleted_is_no_node_any_more(graph_of_acme: Graph, query: Ask) -> None:
    world = graph_of_acme
    for name, id_ in (
        ("deleteCommunication", world.answered),
        ("deleteTemplate", world.template),
        ("deleteRecipientList", world.list),
    ):
        await query(f"mutation($id: ID!) {{ {name}(id: $id) }}", id=id_)

    ids = [world.answered, world.template, world.list, world.member]
    assert await query(MANY, ids=ids) == {"data": {"nodes": [None] * 4}}


async def test_typed_ids_do_wherever_an_id_does(graph_of_acme: Graph, query: Ask) -> None:
    world = graph_of_acme
    typed = f"Communication:{world.sent}"

    answer = await query(
        "query($id: ID!, $ids: [ID!]!) { communication(id: $id) { id } "
        f'inline: communication(id: "{typed}") {{ id }} '
        "communicationsByIds(ids: $ids) { id } }",
        id=base64.b64encode(typed.encode()).decode(),
        ids=[typed, world.answered],
    )
    mistaken = await query("query($id: ID!) { template(id: $id) { id } }", id=typed)

    assert answer["data"] == {
        "communication": {"id": world.sent},
        "inline": {"id": world.sent},
        "communicationsByIds": [{"id": world.sent}, {"id": world.answered}],
    }
    assert mistaken["errors"][0]["extensions"]["code"] == "NOT_FOUND"
