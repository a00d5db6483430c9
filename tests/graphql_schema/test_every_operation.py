"""Who may do what by every query and mutation."""

import base64
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import httpx2
import orjson
import pytest
from graphql import build_schema

from app.context import Caller, Deps, Scope
from app.documents.vocabulary import InboundStatus, PreferenceState, TopicDefault
from app.errors import ErrorCode
from app.services import api_keys
from app.services.api_keys import CreateApiKey
from graphql_schema.schema import schema
from tests.doors import RATES_SELECTION
from tests.fakes.messages import message
from tests.graphql_schema.subscription_table import ROWS as SUBSCRIPTIONS
from tests.world import LATER, MAIL, World, acme_in, build_world

READ, SEND = Scope.COMMUNICATIONS_READ, Scope.COMMUNICATIONS_SEND
WRITE, DELETE = Scope.COMMUNICATIONS_WRITE, Scope.COMMUNICATIONS_DELETE
TEMPLATES_READ, TEMPLATES_WRITE = Scope.TEMPLATES_READ, Scope.TEMPLATES_WRITE
SUPPRESSIONS_READ, SUPPRESSIONS_WRITE = Scope.SUPPRESSIONS_READ, Scope.SUPPRESSIONS_WRITE
ACCOUNTS_READ, ACCOUNTS_WRITE = Scope.ACCOUNTS_READ, Scope.ACCOUNTS_WRITE
LISTS_READ, LISTS_WRITE = Scope.RECIPIENTS_READ, Scope.RECIPIENTS_WRITE
CONSENT_READ, CONSENT_WRITE = Scope.CONSENT_READ, Scope.CONSENT_WRITE
KEYS_READ, KEYS_WRITE = Scope.KEYS_READ, Scope.KEYS_WRITE
TO = {"recipients": MAIL["recipients"]}
WORDS = {"name": "Bill", "subject": "Your bill", "body": "<p>Hello</p>"}
SOURCE = {"subject": "Your bill", "body": "<p>Hello</p>"}
RELAY = {"name": "Other relay", "settings": {"smtp": {"host": "127.0.0.1", "port": 2525}}}
NOT_FOUND, BAD = ErrorCode.NOT_FOUND, ErrorCode.BAD_USER_INPUT
Footprint = Callable[[], Awaitable[dict[str, Any]]]


@dataclass(frozen=True)
class Row:
    """One field of Query or Mutation.

    `scope` is None where any token will do. In `arguments` a value `$NAME` is that id of the World.
    `theirs` is what another tenant's ids are answered with: a code, or None where they are left
    out.
    """

    kind: str
    field: str
    scope: Scope | None
    arguments: Mapping[str, Any]
    selection: str = ""
    theirs: ErrorCode | None = None

    def asked(self, world: World) -> dict[str, str]:
        arguments = ", ".join(f"{name}: {_literal(v)}" for name, v in self.arguments.items())
        for name, id_ in vars(world).items():
            arguments = arguments.replace(f"${name}", id_)
        called = f"({arguments})" if arguments else ""
        return {"query": f"{self.kind} {{ answer: {self.field}{called} {self.selection} }}"}


def _literal(value: Any) -> str:
    """Write a value as GraphQL does: names bare, the rest as JSON."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_literal(v)}" for name, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return orjson.dumps(value).decode()


def _query(field: str, scope: Scope | None, selection: str = "", **options: Any) -> Row:
    theirs = options.pop("theirs", None)
    return Row("query", field, scope, options, selection, theirs)


def _mutation(field: str, scope: Scope | None, selection: str = "", **options: Any) -> Row:
    theirs = options.pop("theirs", None)
    return Row("mutation", field, scope, options, selection, theirs)


ROWS = [
    _query("node", READ, "{ id }", id="$sent"),
    _query("nodes", READ, "{ id }", ids=["$sent"]),
    _query("communication", READ, "{ id }", id="$sent", theirs=NOT_FOUND),
    _query("communications", READ, "{ nodes { id } totalCount }", filter={"search": ["offer"]}),
    _query("scheduled", READ, "{ edges { node { id } } totalCount }", first=10),
    _query("scheduledCommunications", READ, "{ id }"),
    _query("communicationsByIds", READ, "{ id }", ids=["$sent", "$waiting"]),
    _query("allCommunications", READ, "{ id }"),
    _query("communicationsPage", READ, "{ content { id } totalElements }", search=["offer"]),
    _query("communicationsCsv", READ),
    _query("thread", READ, "{ outbound { id } inbound { id } }", id="$sent", theirs=NOT_FOUND),
    _query("timeline", READ, "{ nodes { id } totalCount }", entityType="deal", entityId="42"),
    _query("conversation", READ, "{ id }", id="$conversation", theirs=NOT_FOUND),
    _query("conversations", READ, "{ nodes { id } totalCount }"),
    _query("inboundMessage", READ, "{ id }", id="$received", theirs=NOT_FOUND),
    _query("inboundMessages", READ, "{ nodes { id } totalCount }"),
    _query("analytics", READ, f"{{ {RATES_SELECTION} }}"),
    _query("template", TEMPLATES_READ, "{ id }", id="$template", theirs=NOT_FOUND),
    _query("templates", TEMPLATES_READ, "{ nodes { id } }"),
    _query("previewTemplate", TEMPLATES_READ, "{ html }", id="$template", theirs=NOT_FOUND),
    _query("validateTemplate", TEMPLATES_READ, "{ ok }", input=SOURCE),
    _query("validateTemplateDraft", TEMPLATES_READ, "{ ok }", id="$drafted", theirs=NOT_FOUND),
    _query("previewTemplateSource", TEMPLATES_READ, "{ html }", input=SOURCE),
    _query("templateVersion", TEMPLATES_READ, "{ id }", templateId="$template", number=1,
           theirs=NOT_FOUND),
    _query("recipientStates", READ, "{ nodes { address } }", id="$sent", theirs=NOT_FOUND),
    _query("suppressions", SUPPRESSIONS_READ, "{ nodes { id } totalCount }", first=9),
    _query("topic", CONSENT_READ, "{ id }", id="$topic", theirs=NOT_FOUND),
    _query("topics", CONSENT_READ, "{ nodes { id } totalCount }"),
    _query("preferences", CONSENT_READ, "{ nodes { id } totalCount }"),
    _query("consent", CONSENT_READ, "{ topics { receives } }", address="eve@customer.test"),
    _query("providerAccount", ACCOUNTS_READ, "{ id }", id="$account", theirs=NOT_FOUND),
    _query("providerAccounts", ACCOUNTS_READ, "{ nodes { id } }"),
    _query("recipientList", LISTS_READ, "{ id }", id="$list", theirs=NOT_FOUND),
    _query("recipientLists", LISTS_READ, "{ nodes { id memberCount } }"),
    _query("recipientListMembers", LISTS_READ, "{ nodes { id } }", listId="$list",
           theirs=NOT_FOUND),
    _query("apiKey", KEYS_READ, "{ id }", id="$key", theirs=NOT_FOUND),
    _query("apiKeys", KEYS_READ, "{ nodes { id } totalCount }"),
    _query("me", None, "{ tenant user scopes }"),
    _mutation("sendCommunication", SEND, "{ id }", input={**MAIL, "templateId": "$template"},
              theirs=BAD),
    _mutation("scheduleCommunication", SEND, "{ id }", theirs=BAD,
              input={**MAIL, "templateId": "$template", "scheduledAt": LATER}),
    _mutation("rescheduleCommunication", SEND, "{ id }", id="$waiting", scheduledAt=LATER,
              theirs=NOT_FOUND),
    _mutation("reply", SEND, "{ id }", to={"inboundMessageId": "$received"},
              input={"body": "Thanks"}, theirs=NOT_FOUND),
    _mutation("cancelCommunication", SEND, "{ id }", id="$waiting", theirs=NOT_FOUND),
    _mutation("pauseCommunication", SEND, "{ id }", id="$campaign", theirs=NOT_FOUND),
    _mutation("resumeCommunication", SEND, "{ id }", id="$paused", theirs=NOT_FOUND),
    _mutation("resendCommunication", SEND, "{ id }", id="$sent", theirs=NOT_FOUND),
    _mutation("commentCommunication", WRITE, "{ id }", id="$sent", text="Hi", theirs=NOT_FOUND),
    _mutation("deleteCommunication", DELETE, id="$sent", theirs=NOT_FOUND),
    _mutation("deleteCommunications", DELETE, ids=["$sent", "$waiting"]),
    _mutation("ingestMime", Scope.INBOUND_WRITE, "{ id }",
              raw=base64.b64encode(message()).decode()),
    _mutation("linkConversation", WRITE, "{ id }", id="$conversation", theirs=NOT_FOUND,
              input={"entityType": "deal", "entityId": "43"}),
    _mutation("mergeConversations", WRITE, "{ id }", id="$elsewhere", into="$conversation",
              theirs=NOT_FOUND),
    _mutation("splitConversation", WRITE, "{ id }", id="$talk", messageIds=["$received"],
              theirs=NOT_FOUND),
    _mutation("assignConversation", WRITE, "{ id }", id="$talk", assignee="bob",
              theirs=NOT_FOUND),
    _mutation("markConversation", WRITE, "{ id }", id="$conversation", status=InboundStatus.READ,
              theirs=NOT_FOUND),
    _mutation("markInboundMessages", WRITE, "{ id }", ids=["$received"],
              status=InboundStatus.READ),
    _mutation("createTemplate", TEMPLATES_WRITE, "{ id }", input=WORDS),
    _mutation("updateTemplate", TEMPLATES_WRITE, "{ id }", id="$template", input=WORDS,
              theirs=NOT_FOUND),
    _mutation("deleteTemplate", TEMPLATES_WRITE, id="$template", theirs=NOT_FOUND),
    _mutation("duplicateTemplate", TEMPLATES_WRITE, "{ id }", id="$template", theirs=NOT_FOUND),
    _mutation("archiveTemplate", TEMPLATES_WRITE, "{ id }", id="$template", theirs=NOT_FOUND),
    _mutation("unarchiveTemplate", TEMPLATES_WRITE, "{ id }", id="$archived", theirs=NOT_FOUND),
    _mutation("saveTemplateDraft", TEMPLATES_WRITE, "{ id }", id="$template",
              input={"subject": "Our offer"}, theirs=NOT_FOUND),
    _mutation("publishTemplate", TEMPLATES_WRITE, "{ id }", id="$drafted", theirs=NOT_FOUND),
    _mutation("discardTemplateDraft", TEMPLATES_WRITE, "{ id }", id="$drafted",
              theirs=NOT_FOUND),
    _mutation("restoreTemplateVersion", TEMPLATES_WRITE, "{ id }", id="$template", number=1,
              theirs=NOT_FOUND),
    # A template of another tenant is what is wrong with that mail.
    _mutation("sendBatch", SEND, "{ communication { id } error { code } }",
              input=[{**MAIL, "templateId": "$template"}]),
    _mutation("sendTestTemplate", SEND, "{ id }", templateId="$template", input=TO,
              theirs=NOT_FOUND),
    _mutation("sendTemplate", SEND, "{ id }", templateId="$template", input=TO, theirs=NOT_FOUND),
    _mutation("addSuppression", SUPPRESSIONS_WRITE, "{ id }", input={"address": "p@c.test"}),
    _mutation("removeSuppression", SUPPRESSIONS_WRITE, id="$suppression", theirs=NOT_FOUND),
    _mutation("createTopic", CONSENT_WRITE, "{ id }",
              input={"key": "offers", "name": "Offers", "default": TopicDefault.OPT_OUT}),
    _mutation("updateTopic", CONSENT_WRITE, "{ id }", id="$topic", input={"name": "Letters"},
              theirs=NOT_FOUND),
    _mutation("archiveTopic", CONSENT_WRITE, "{ id }", id="$topic", theirs=NOT_FOUND),
    _mutation("unarchiveTopic", CONSENT_WRITE, "{ id }", id="$retired", theirs=NOT_FOUND),
    _mutation("setPreference", CONSENT_WRITE, "{ id }", theirs=BAD,
              input={"address": "p@c.test", "topicId": "$topic",
                     "state": PreferenceState.UNSUBSCRIBED}),
    _mutation("importPreferences", CONSENT_WRITE, "{ changed }", theirs=BAD,
              input={"addresses": ["p@c.test"], "topicId": "$topic",
                     "state": PreferenceState.UNSUBSCRIBED}),
    _mutation("createProviderAccount", ACCOUNTS_WRITE, "{ id }", input=RELAY),
    _mutation("updateProviderAccount", ACCOUNTS_WRITE, "{ id }", id="$account",
              input={"name": "Main", "settings": {"smtp": {"port": 2525}}}, theirs=NOT_FOUND),
    _mutation("setDefaultProviderAccount", ACCOUNTS_WRITE, "{ id }", id="$account",
              theirs=NOT_FOUND),
    _mutation("testProviderAccount", ACCOUNTS_WRITE, "{ ok }", id="$account", theirs=NOT_FOUND),
    _mutation("deleteProviderAccount", ACCOUNTS_WRITE, id="$mailbox", theirs=NOT_FOUND),
    _mutation("createRecipientList", LISTS_WRITE, "{ id }", input={"name": "Partners"}),
    _mutation("updateRecipientList", LISTS_WRITE, "{ id }", id="$list", theirs=NOT_FOUND,
              input={"name": "Clients"}),
    _mutation("deleteRecipientList", LISTS_WRITE, id="$list", theirs=NOT_FOUND),
    _mutation("addListMembers", LISTS_WRITE, "{ member { id } error }", listId="$list",
              members=[{"email": "piet@acme.test"}], theirs=NOT_FOUND),
    _mutation("importListMembers", LISTS_WRITE, "{ added }", listId="$list",
              csv="email\npiet@acme.test", theirs=NOT_FOUND),
    _mutation("updateListMember", LISTS_WRITE, "{ id }", id="$member", input={"name": "Jan"},
              theirs=NOT_FOUND),
    _mutation("removeListMembers", LISTS_WRITE, listId="$list", ids=["$member"],
              theirs=NOT_FOUND),
    _mutation("createApiKey", KEYS_WRITE, "{ apiKey { id } }",
              input={"name": "Shop", "scopes": [KEYS_WRITE]}),
    _mutation("rotateApiKey", KEYS_WRITE, "{ apiKey { id } }", id="$key", overlap=0,
              theirs=NOT_FOUND),
    _mutation("revokeApiKey", KEYS_WRITE, "{ id }", id="$key", theirs=NOT_FOUND),
]  # fmt: skip
# They carry no ids: what another tenant does by them becomes its own.
MAKING_ANEW = {
    "ingestMime", "createTemplate", "addSuppression", "createProviderAccount",
    "createRecipientList", "createApiKey", "createTopic",
}  # fmt: skip


GUARDED = [row for row in ROWS if row.scope is not None]
ME = next(row for row in ROWS if row.field == "me")
READING = [row for row in ROWS if row.kind == "query"]
CHANGING = [row for row in ROWS if row.kind == "mutation"]


def name(row: Row) -> str:
    return row.field


def alone(row: Row) -> list[Scope]:
    """The scope that the row needs; any, where it needs none."""
    return [row.scope or READ]


@pytest.fixture
async def world(deps: Deps, caller: Caller) -> World:
    return await build_world(deps, caller)


@pytest.fixture
def ask(anonymous: httpx2.AsyncClient, world: World) -> Callable[..., Awaitable[Any]]:
    """Asks a row with this token or key, or none; the whole answer."""

    async def post(row: Row, token: str | None, *, status: int = 200) -> dict[str, Any]:
        if token is not None:
            anonymous.headers["Authorization"] = f"Bearer {token}"
        response = await anonymous.post("/graphql", json=row.asked(world))
        assert response.status_code == status
        body: dict[str, Any] = response.json()
        return body

    return post


@pytest.fixture
def key(deps: Deps, caller: Caller) -> Callable[..., Awaitable[str]]:
    """Makes an API key of these scopes, of tenant acme unless told otherwise."""

    async def issue(scopes: Iterable[Scope], *, tenant: str = "acme") -> str:
        command = CreateApiKey.model_validate({"name": "Key", "scopes": list(scopes)})
        issued = await api_keys.create(deps, replace(caller, tenant=tenant), command)
        return issued.secret

    return issue


def code_of(answer: dict[str, Any]) -> ErrorCode | None:
    """The one error's code, None without errors."""
    if "errors" not in answer:
        return None
    [error] = answer["errors"]
    return ErrorCode(error["extensions"]["code"])


def told(answer: dict[str, Any]) -> Any:
    """What is answered; nothing for a list of nothing but nulls."""
    data = (answer["data"] or {}).get("answer")
    return [one for one in data if one is not None] if isinstance(data, list) else data


def test_every_operation_has_its_row() -> None:
    served = build_schema(schema.as_str())

    for kind, type_ in (("query", served.query_type), ("mutation", served.mutation_type)):
        assert type_ is not None
        assert sorted(row.field for row in ROWS if row.kind == kind) == sorted(type_.fields)
    assert served.subscription_type is not None
    # Their own module tries them.
    assert {row.field for row in SUBSCRIPTIONS} == set(served.subscription_type.fields)


@pytest.mark.parametrize("row", ROWS, ids=name)
async def test_the_right_scope_alone_will_do(
    row: Row, ask: Callable[..., Awaitable[Any]], token: Callable[..., str]
) -> None:
    answer = await ask(row, token(scopes=alone(row)))

    assert code_of(answer) is None
    assert answer["data"]["answer"]


@pytest.mark.parametrize("row", CHANGING, ids=name)
async def test_a_key_of_the_right_scope_alone_will_do(
    row: Row, ask: Callable[..., Awaitable[Any]], key: Callable[..., Awaitable[str]]
) -> None:
    answer = await ask(row, await key(alone(row)))

    assert code_of(answer) is None
    assert answer["data"]["answer"]


async def test_a_key_of_the_right_scope_alone_reads(
    ask: Callable[..., Awaitable[Any]], key: Callable[..., Awaitable[str]]
) -> None:
    for row in READING:
        answer = await ask(row, await key(alone(row)))

        assert code_of(answer) is None, row.field
        assert answer["data"]["answer"], row.field


async def test_without_a_token_nothing_is_told_or_done(
    ask: Callable[..., Awaitable[Any]], footprint: Footprint
) -> None:
    """One World for all rows, here and below: what is refused leaves it as it was."""
    before = await footprint()

    for row in ROWS:
        answer = await ask(row, None)

        assert code_of(answer) is ErrorCode.UNAUTHENTICATED, row.field
        assert not told(answer), row.field
        assert await footprint() == before, row.field


async def test_all_scopes_but_the_right_one_do_nothing(
    ask: Callable[..., Awaitable[Any]], token: Callable[..., str], footprint: Footprint
) -> None:
    before = await footprint()

    for row in GUARDED:
        answer = await ask(row, token(scopes=set(Scope) - {row.scope}))

        assert code_of(answer) is ErrorCode.FORBIDDEN, row.field
        assert str(row.scope) in answer["errors"][0]["message"], row.field
        assert not told(answer), row.field
        assert await footprint() == before, row.field


async def test_another_tenants_ids_are_unknown(
    world: World,
    ask: Callable[..., Awaitable[Any]],
    token: Callable[..., str],
    footprint: Footprint,
) -> None:
    before = await footprint()

    for row in [row for row in ROWS if row.field not in MAKING_ANEW]:
        answer = await ask(row, token(tenant="rival"))

        assert code_of(answer) is row.theirs, row.field
        assert all(id_ not in str(answer) for id_ in vars(world).values()), row.field
        assert await footprint() == before, row.field


async def test_what_another_tenant_makes_is_its_own(
    world: World,
    ask: Callable[..., Awaitable[Any]],
    token: Callable[..., str],
    footprint: Footprint,
) -> None:
    before = acme_in(await footprint())

    for row in [row for row in ROWS if row.field in MAKING_ANEW]:
        answer = await ask(row, token(tenant="rival"))

        assert code_of(answer) is None, row.field
        assert all(id_ not in str(answer) for id_ in vars(world).values()), row.field
        assert acme_in(await footprint()) == before, row.field


async def test_a_key_without_the_scope_or_of_another_tenant_does_nothing(
    ask: Callable[..., Awaitable[Any]],
    world: World,
    key: Callable[..., Awaitable[str]],
    footprint: Footprint,
) -> None:
    scopes = {row.scope for row in GUARDED}
    lacking = {scope: await key(set(Scope) - {scope}) for scope in scopes}
    theirs = await key(Scope, tenant="rival")
    for used in [*lacking.values(), theirs]:
        # The first use is noted; the next minute's uses are not.
        await ask(ME, used)
    before = await footprint()

    for row in GUARDED:
        answer = await ask(row, lacking[row.scope])
        assert code_of(answer) is ErrorCode.FORBIDDEN, row.field
        assert str(row.scope) in answer["errors"][0]["message"], row.field
        assert not told(answer), row.field
    for row in [row for row in ROWS if row.field not in MAKING_ANEW]:
        answer = await ask(row, theirs)
        assert code_of(answer) is row.theirs, row.field
        assert all(id_ not in str(answer) for id_ in vars(world).values()), row.field

    assert await footprint() == before


async def test_a_key_that_ended_does_nothing(
    ask: Callable[..., Awaitable[Any]],
    key: Callable[..., Awaitable[str]],
    footprint: Footprint,
    deps: Deps,
    caller: Caller,
) -> None:
    ended = await key(Scope)
    known = await api_keys.caller_by(ended, deps.now())
    await api_keys.revoke(deps, caller, str(known.key_id))
    before = await footprint()

    for row in ROWS:
        answer = await ask(row, ended, status=401)
        assert code_of(answer) is ErrorCode.UNAUTHENTICATED, row.field
        assert "data" not in answer, row.field

    assert await footprint() == before


async def test_head_answers_as_get_does_and_changes_nothing(
    world: World, client: httpx2.AsyncClient, footprint: Footprint
) -> None:
    before = await footprint()

    for row in ROWS:
        head = await client.head("/graphql", params=row.asked(world))
        get = await client.get("/graphql", params=row.asked(world))

        expected = 200 if row.kind == "query" else 405
        assert head.status_code == get.status_code == expected, row.field
        assert head.headers == get.headers, row.field
        assert await footprint() == before, row.field
