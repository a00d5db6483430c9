"""Fields that lead from one record to another: what they show, to whom, and by how many calls."""

import asyncio
import base64
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from beanie import PydanticObjectId
from strawberry.types.graphql import OperationType

from app.context import Caller, Context, Deps, Scope
from app.documents.base import TenantDocument
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.engagement.hits import Engagement
from app.documents.inbound_messages import InboundMessage
from app.documents.list_members import ListMember
from app.documents.preferences import Preference
from app.documents.provider_accounts import ProviderAccount
from app.documents.suppressions import Suppression
from app.documents.template_versions import TemplateVersion
from app.documents.templates import Template
from app.services import records
from graphql_schema.execution import Operation, execute
from tests.fakes.messages import message
from tests.fakes.mongo_calls import MongoCalls
from tests.graphql_schema.conftest import Ask, Graph

READ = Scope.COMMUNICATIONS_READ
LISTS_READ = Scope.RECIPIENTS_READ


@dataclass(frozen=True)
class Link:
    """The record named `parent` of the Graph, read with `reads`, leads to the one named `to`."""

    document: type[TenantDocument]
    parent: str
    reads: Scope
    field: str
    to: str
    needs: Scope

    @property
    def asked(self) -> str:
        kind = self.document.__name__
        shown = f"... on {kind} {{ {self.field} {{ id }} }}"
        return f"query($id: ID!) {{ node(id: $id) {{ id {shown} }} }}"


LINKS = [
    Link(Communication, "sent", READ, "template", "template", Scope.TEMPLATES_READ),
    Link(Communication, "sent", READ, "usedVersion", "version", Scope.TEMPLATES_READ),
    Link(
        TemplateVersion,
        "version",
        Scope.TEMPLATES_READ,
        "template",
        "template",
        Scope.TEMPLATES_READ,
    ),
    Link(
        Template,
        "template",
        Scope.TEMPLATES_READ,
        "currentVersion",
        "version",
        Scope.TEMPLATES_READ,
    ),
    Link(Communication, "sent", READ, "recipientList", "list", LISTS_READ),
    Link(Communication, "sent", READ, "providerAccount", "account", Scope.ACCOUNTS_READ),
    Link(InboundMessage, "received", READ, "parentCommunication", "answered", READ),
    Link(ListMember, "member", LISTS_READ, "list", "list", LISTS_READ),
    Link(ProviderAccount, "spare", Scope.ACCOUNTS_READ, "fallback", "account", Scope.ACCOUNTS_READ),
    Link(Delivery, "envelope", READ, "communication", "sent", READ),
    Link(Engagement, "hit", READ, "communication", "sent", READ),
    Link(Delivery, "envelope", READ, "member", "member", LISTS_READ),
    Link(Delivery, "envelope", READ, "providerAccount", "account", Scope.ACCOUNTS_READ),
    Link(Preference, "preference", Scope.CONSENT_READ, "topic", "topic", Scope.CONSENT_READ),
    Link(Preference, "preference", Scope.CONSENT_READ, "communication", "answered", READ),
    Link(Suppression, "suppression", Scope.SUPPRESSIONS_READ, "communication", "answered", READ),
]
LISTED = {
    Communication: "communications",
    InboundMessage: "inboundMessages",
    ListMember: 'recipientListMembers(listId: "$list")',
    Preference: "preferences",
    ProviderAccount: "providerAccounts",
    Suppression: "suppressions",
}
DELETING = {
    "answered": "deleteCommunication",
    "template": "deleteTemplate",
    "list": "deleteRecipientList",
}
ALL = (
    "query($search: [String!]) { communicationsPage(search: $search, size: 2000) { content { id "
    "template { id } recipientList { id memberCount } providerAccount { id } } } }"
)
Send = Callable[..., Awaitable[Communication]]


async def test_each_leads_to_its_record(graph_of_acme: Graph, query: Ask) -> None:
    ids = vars(graph_of_acme)
    for link in LINKS:
        answer = await query(link.asked, id=ids[link.parent])
        assert answer == {
            "data": {"node": {"id": ids[link.parent], link.field: {"id": ids[link.to]}}}
        }


async def test_each_leads_there_when_nothing_else_is_asked_for(
    graph_of_acme: Graph, query: Ask
) -> None:
    """From a list, which leaves in MongoDB what is not needed."""
    ids = vars(graph_of_acme)
    for link in LINKS:
        if link.document not in LISTED:
            continue
        listed = LISTED[link.document].replace("$list", graph_of_acme.list)
        answer = await query(f"{{ {listed} {{ nodes {{ {link.field} {{ id }} }} }} }}")
        [name] = answer["data"]
        assert {link.field: {"id": ids[link.to]}} in answer["data"][name]["nodes"]


async def test_each_event_of_a_subscription_leads_on_as_records_are_by_then(
    graph_of_acme: Graph, query: Ask, deps: Deps, caller: Caller
) -> None:
    text = f'subscription {{ it: communicationChanged(of: {{ id: "{graph_of_acme.sent}" }}) {{ template {{ name }} }} }}'  # noqa: E501
    rename = 'mutation($id: ID!) { updateTemplate(id: $id, input: { name: "Other" }) { id } }'
    async with asyncio.timeout(40), deps.feed.follow("nobody", lambda change: False):
        results = await execute(
            Operation(text), Context(deps, caller), kinds={OperationType.SUBSCRIPTION}
        )
        assert isinstance(results, AsyncGenerator)
        async with aclosing(results) as events:
            first = await anext(events)
            await query(rename, id=graph_of_acme.template)
            await records.comment(deps, caller, graph_of_acme.sent, "Hello")
            second = await anext(events)

    assert first.data == {"it": {"template": {"name": "Offer"}}}
    assert second.data == {"it": {"template": {"name": "Other"}}}


async def test_each_needs_the_scope_of_what_it_leads_to(
    graph_of_acme: Graph, query: Ask, token: Callable[..., str]
) -> None:
    for link in LINKS:
        if link.reads is link.needs:
            continue
        id_ = getattr(graph_of_acme, link.parent)
        answer = await query(link.asked, id=id_, token=token(scopes=[link.reads]))
        [error] = answer["errors"]
        assert answer["data"] == {"node": {"id": id_, link.field: None}}
        assert (error["extensions"]["code"], error["path"]) == ("FORBIDDEN", ["node", link.field])
        assert error["message"] == f"The token lacks the scope {link.needs}."


async def test_what_a_mutation_answers_leads_no_further_than_its_scopes(
    graph_of_acme: Graph, query: Ask, token: Callable[..., str]
) -> None:
    """Where the record itself needs the same scope, a mutation shows it without."""
    member = await query(
        'mutation($id: ID!) { updateListMember(id: $id, input: { name: "Jan" }) '
        "{ name list { id } } }",
        id=graph_of_acme.member,
        token=token(scopes=[Scope.RECIPIENTS_WRITE]),
    )
    mail = await InboundMessage.of_tenant("acme", graph_of_acme.received)
    assert mail is not None
    raw = message("<other@customer.test>", in_reply_to=mail.in_reply_to)
    received = await query(
        "mutation($raw: String!) { ingestMime(raw: $raw) { fromName parentCommunication { id } } }",
        raw=base64.b64encode(raw).decode(),
        token=token(scopes=[Scope.INBOUND_WRITE]),
    )

    assert member["data"] == {"updateListMember": {"name": "Jan", "list": None}}
    assert member["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert received["data"] == {"ingestMime": {"fromName": "Jan", "parentCommunication": None}}
    assert received["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_none_leads_to_another_tenants_record(
    graph_of_acme: Graph, query: Ask, token: Callable[..., str]
) -> None:
    """A record of a rival that names one of acme's, however it came by that id."""
    ids = vars(graph_of_acme)
    theirs = token(tenant="rival")
    for number, link in enumerate(LINKS, 2):
        collection = link.document.get_motor_collection()
        row = await collection.find_one({"_id": PydanticObjectId(ids[link.parent])})
        assert row is not None
        other = PydanticObjectId()
        unique = {**dict.fromkeys(("key", "address", "name"), str(other)), "sending": number}
        await collection.insert_one({**row, **unique, "_id": other, "tenantId": "rival"})

        answer = await query(link.asked, id=str(other), token=theirs)

        # Without a list or a mail of the tenant there is no member, envelope or open of it.
        hidden = link.document in {ListMember, Delivery, Engagement}
        seen = None if hidden else {"id": str(other), link.field: None}
        assert answer == {"data": {"node": seen}}


async def test_what_was_deleted_is_led_to_no_more(graph_of_acme: Graph, query: Ask) -> None:
    ids = vars(graph_of_acme)
    for to, mutation in DELETING.items():
        await query(f"mutation($id: ID!) {{ {mutation}(id: $id) }}", id=ids[to])

    for link in LINKS:
        # Members and versions go with what they are of.
        if link.to in DELETING and link.document not in {ListMember, TemplateVersion}:
            answer = await query(link.asked, id=ids[link.parent])
            assert answer == {"data": {"node": {"id": ids[link.parent], link.field: None}}}


async def test_a_hundred_records_cost_as_many_calls_as_one(
    graph_of_acme: Graph, query: Ask, mongo_calls: MongoCalls
) -> None:
    collection = Communication.get_motor_collection()
    row = await collection.find_one({"_id": PydanticObjectId(graph_of_acme.sent)})
    assert row is not None
    await query(ALL)
    mongo_calls.clear()
    await query(ALL)
    one = mongo_calls.names
    twins: list[dict[str, Any]] = [
        {**row, "_id": PydanticObjectId(), "trackingId": str(number)} for number in range(99)
    ]
    await collection.insert_many(twins)
    mongo_calls.clear()

    answer = await query(ALL)

    leads = {
        "template": {"id": graph_of_acme.template},
        "recipientList": {"id": graph_of_acme.list, "memberCount": 1},
        "providerAccount": {"id": graph_of_acme.account},
    }
    shown = answer["data"]["communicationsPage"]["content"]
    assert [row for row in shown if row["id"] != graph_of_acme.answered] == [
        {"id": row["id"], **leads} for row in shown if row["id"] != graph_of_acme.answered
    ]
    assert len(shown) == 101
    assert (
        mongo_calls.names
        == one
        == [
            "aggregate listMembers",
            "find communications",
            "find providerAccounts",
            "find recipientLists",
            "find templates",
        ]
    )


async def test_what_is_long_is_read_when_it_is_asked_for(
    graph_of_acme: Graph, query: Ask, mongo_calls: MongoCalls
) -> None:
    shallow = "query($id: ID!) { communication(id: $id) { body template { name } } }"
    await query(shallow, id=graph_of_acme.sent)
    [left] = [c["projection"] for c in mongo_calls.commands if c.get("find") == "templates"]
    mongo_calls.clear()

    fragments = (
        "query($id: ID!) { communication(id: $id) { template { ...A } } } "
        "fragment A on Template { name ... { ...B } } fragment B on Template { long: body }"
    )
    answer = await query(fragments, id=graph_of_acme.sent)

    assert left == {"body": 0}
    assert answer["data"]["communication"]["template"]["long"] == "<p>Hello</p>"
    [read] = [c for c in mongo_calls.commands if c.get("find") == "templates"]
    assert "projection" not in read or read["projection"] == {}


async def test_bodies_that_stand_elsewhere_are_read_together(
    query: Ask, send: Send, mongo_calls: MongoCalls
) -> None:
    pattern, long = await send(), "<p>" + "x" * 4_200_000 + "</p>"
    ids = [PydanticObjectId() for _ in range(3)]
    for id_ in ids:
        await pattern.model_copy(update={"id": id_, "body": long}).store()
    lost = await Communication.of_tenant("acme", str(ids[1]))
    assert lost is not None
    database: Any = Communication.get_motor_collection().database
    chunks = database["communications.content.chunks"]
    await chunks.delete_many({"files_id": lost.content_id})
    text = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Communication { FIELD } } }"
    mongo_calls.clear()

    whole = await query(text.replace("FIELD", "body"), ids=list(map(str, ids)))
    read = mongo_calls.names
    mongo_calls.clear()
    short = await query(text.replace("FIELD", "subject"), ids=list(map(str, ids)))

    assert [one and one["body"] for one in whole["data"]["nodes"]] == [long, None, long]
    [error] = whole["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["nodes", 1], "INTERNAL")
    assert read[1:3] == ["find communications", "find communications.content.chunks"]
    assert set(read[3:]) <= {"getMore communications.content.chunks"}
    assert [one["subject"] for one in short["data"]["nodes"]] == ["Your offer"] * 3
    assert mongo_calls.names == read[:2]
