"""The subprotocol graphql-transport-ws, case by case."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp
from structlog.testing import capture_logs

from app.context import Caller, Deps, Scope
from app.documents import changes
from app.documents.communications import Communication
from app.feed import Feed
from app.services import api_keys, records
from app.services.inputs import parse
from graphql_schema.limits.turns import TURNS
from tests.fakes.sockets import ClientSocket, Closed, opened
from tests.graphql_schema.live_app import FOLLOWED, live_app

Token = Callable[..., str]
Send = Callable[..., Awaitable[Communication]]
NONE = "{ communicationsByIds(ids: []) { id } }"


async def test_the_subprotocol_is_agreed_on(socket: ClientSocket) -> None:
    assert socket.subprotocol == "graphql-transport-ws"


@pytest.mark.parametrize("name", ["Authorization", "authorization", "token"])
async def test_a_token_in_connection_init_opens_it(app: ASGIApp, token: Token, name: str) -> None:
    async with opened(app) as client:
        await client.begin({name: f"Bearer {token()}"})


async def test_a_bare_token_opens_it(app: ASGIApp, token: Token) -> None:
    async with opened(app) as client:
        await client.begin({"token": token()})


async def test_the_header_of_the_handshake_opens_it(app: ASGIApp, token: Token) -> None:
    async with opened(app, headers={"authorization": f"Bearer {token()}"}) as client:
        await client.begin()


async def test_the_token_in_connection_init_goes_before_the_header(
    app: ASGIApp, token: Token
) -> None:
    async with opened(app, headers={"authorization": f"Bearer {token()}"}) as client:
        client.say({"type": "connection_init", "payload": {"token": "bad"}})
        closed = await client.ending()

    assert closed.code == 4403


@pytest.mark.parametrize("subprotocols", [[], ["graphql-ws"], ["GRAPHQL-TRANSPORT-WS"]])
async def test_other_subprotocols_are_refused(app: ASGIApp, subprotocols: list[str]) -> None:
    async with opened(app, subprotocols=subprotocols) as client:
        closed = await client.ending()

    assert client.subprotocol is None
    assert closed.code == 4406
    assert closed.reason == "Subprotocol not acceptable: it must be graphql-transport-ws"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (None, "Forbidden: connection_init must bring a token as Authorization"),
        ({}, "Forbidden: connection_init must bring a token as Authorization"),
        ({"token": "nonsense"}, "Forbidden: The token's signature is not valid."),
        ({"Authorization": "Basic YQ=="},
         "Forbidden: The Authorization header must be: Bearer <token>."),
    ],
)  # fmt: skip
async def test_without_a_good_token_it_is_closed(
    app: ASGIApp, payload: dict[str, Any] | None, reason: str
) -> None:
    async with opened(app) as client:
        client.say({"type": "connection_init", "payload": payload})
        closed = await client.ending()

    assert (closed.code, closed.reason) == (4403, reason)


async def test_an_expired_token_does_not_open_it(app: ASGIApp, token: Token) -> None:
    async with opened(app) as client:
        expired = token(lifetime=timedelta(seconds=-1))
        client.say({"type": "connection_init", "payload": {"token": expired}})
        closed = await client.ending()

    assert (closed.code, closed.reason) == (4403, "Forbidden: The token has expired.")


SUBSCRIBE = {"type": "subscribe", "id": "1", "payload": {"query": NONE}}


@pytest.mark.parametrize("message", [SUBSCRIBE, {"type": "complete", "id": "1"}])
async def test_nothing_is_run_before_the_acknowledgement(app: ASGIApp, message: Any) -> None:
    async with opened(app) as client:
        client.say(message)
        closed = await client.ending()

    assert (closed.code, closed.reason) == (4401, "Unauthorized")


async def test_a_second_connection_init_is_too_many(socket: ClientSocket, token: Token) -> None:
    socket.say({"type": "connection_init", "payload": {"token": token()}})

    closed = await socket.ending()

    assert (closed.code, closed.reason) == (4429, "Too many initialisation requests")


async def test_a_flood_of_connection_inits_is_closed_at_the_second(
    app: ASGIApp, token: Token
) -> None:
    async with opened(app) as client:
        for _ in range(10_000):
            client.say({"type": "connection_init", "payload": {"token": token()}})
        closed = await client.ending()

    assert closed.code == 4429


async def test_who_says_nothing_is_closed(deps: Deps) -> None:
    app = live_app(deps, init_timeout=timedelta(milliseconds=50))

    async with opened(app) as client:
        client.say({"type": "ping"})
        closed = await client.ending()

    assert (closed.code, closed.reason) == (4408, "Connection initialisation timeout")


@pytest.mark.parametrize("payload", [None, {"a": [1]}])
async def test_pings_are_answered_before_and_after(
    app: ASGIApp, token: Token, payload: Any
) -> None:
    ping = {"type": "ping"} if payload is None else {"type": "ping", "payload": payload}
    async with opened(app) as client:
        client.say({"type": "pong"})
        client.say(ping)
        before = await client.heard()
        await client.begin({"token": token()})
        client.say({"type": "pong"})
        client.say(ping)
        after = await client.heard()

    assert before == after == {**ping, "type": "pong"}


BAD = {
    "binary": {"bytes": b'{"type": "ping"}'},
    "nothing": {},
    "no JSON": {"text": "{"},
    "empty": {"text": ""},
    "a list": {"text": "[]"},
    "a string": {"text": '"ping"'},
    "nested without end": {"text": "[" * 20_000},
    "NaN": {"text": '{"type": "ping", "payload": {"a": NaN}}'},
    "no type": {"text": "{}"},
    "an unknown type": {"text": '{"type": "start"}'},
    "a type of the server": {"text": '{"type": "connection_ack"}'},
    "a type that is no string": {"text": '{"type": ["ping"]}'},
    "a payload that is no object": {"text": '{"type": "ping", "payload": []}'},
    "an init without an object": {"text": '{"type": "connection_init", "payload": "x"}'},
    "a token that is no string": {"text": '{"type": "connection_init", "payload": {"token": 1}}'},
    "too long": {"text": '{"type": "ping", "payload": {"a": "' + "x" * 40_000 + '"}}'},
}


@pytest.mark.parametrize("received", BAD.values(), ids=BAD)
async def test_what_is_no_message_is_closed(app: ASGIApp, received: Any) -> None:
    async with opened(app) as client:
        client.say_raw({"type": "websocket.receive", **received})
        closed = await client.ending()

    assert closed.code == 4400
    assert closed.reason


@pytest.mark.parametrize(
    "message",
    [
        {"type": "subscribe", "payload": {"query": NONE}},
        {"type": "subscribe", "id": "", "payload": {"query": NONE}},
        {"type": "subscribe", "id": 1, "payload": {"query": NONE}},
        {"type": "subscribe", "id": "x" * 201, "payload": {"query": NONE}},
        {"type": "subscribe", "id": "1"},
        {"type": "subscribe", "id": "1", "payload": NONE},
        {"type": "subscribe", "id": "1", "payload": {}},
        {"type": "subscribe", "id": "1", "payload": {"query": None}},
        {"type": "subscribe", "id": "1", "payload": {"query": NONE, "variables": []}},
        {"type": "subscribe", "id": "1", "payload": {"query": NONE, "operationName": 1}},
        {"type": "subscribe", "id": "1", "payload": {"query": NONE, "extensions": "x"}},
        {"type": "complete"},
        {"type": "complete", "id": {}},
    ],
    ids=str,
)
async def test_operations_of_the_wrong_form_are_closed(socket: ClientSocket, message: Any) -> None:
    socket.say(message)

    closed = await socket.ending()

    assert closed.code == 4400
    assert closed.reason.startswith(("id: ", "payload"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
TYPES = ["connection_init", "ping", "pong", "subscribe", "complete", "next"]
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(TYPES) | JSON,
        "id": st.sampled_from(["1", "2"]) | JSON,
        "payload": st.fixed_dictionaries({"query": st.sampled_from([NONE, "{", ""])}) | JSON,
    },
)
FRAMES = st.one_of(
    MESSAGES.map(lambda message: {"json": message}),
    st.text(max_size=20).map(lambda text: {"text": text}),
    st.binary(max_size=20).map(lambda octets: {"bytes": octets}),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frames=st.lists(FRAMES, max_size=6), is_known=st.booleans())
async def test_no_frame_ends_it_but_in_order(
    frames: list[dict[str, Any]], is_known: bool, app: ASGIApp, token: Token
) -> None:
    async with opened(app) as client:
        if is_known:
            await client.begin({"token": token()})
        for frame in frames:
            if "json" in frame:
                client.say(frame["json"])
            else:
                client.say_raw({"type": "websocket.receive", **frame})
        # Of a second one it ends, if it has not before.
        client.say({"type": "connection_init", "payload": {"token": token()}})
        client.say({"type": "connection_init"})
        closed = await client.ending()

    assert closed.code in {4400, 4401, 4403, 4409, 4429}


async def test_a_query_is_answered_and_complete(socket: ClientSocket) -> None:
    socket.say({"type": "subscribe", "id": "1", "payload": {"query": NONE, "variables": None}})

    first, second = await socket.heard(), await socket.heard()

    assert (first["type"], first["id"]) == ("next", "1")
    assert first["payload"]["data"] == {"communicationsByIds": []}
    assert second == {"id": "1", "type": "complete"}


async def test_a_mutation_is_done_under_the_callers_name(
    socket: ClientSocket, caller: Caller, send: Send
) -> None:
    record = await send()
    comment = (
        'mutation ($id: ID!) { commentCommunication(id: $id, text: "Hi") { events { authorId } } }'
    )
    socket.subscribe("1", comment, id=str(record.id))

    answer = await socket.heard()

    assert answer["payload"]["data"]["commentCommunication"]["events"][-1] == {"authorId": "alice"}
    assert len((await records.record_of(caller, str(record.id))).events) == 2


async def test_errors_of_a_field_come_with_its_data(socket: ClientSocket) -> None:
    socket.subscribe("1", '{ communication(id: "unknown") { id } }')

    answer, complete = await socket.heard(), await socket.heard()

    assert answer["payload"]["data"] == {"communication": None}
    assert answer["payload"]["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert complete["type"] == "complete"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("", "BAD_USER_INPUT"),
        ("{ me { id } } " + "#" * 70_000, "PAYLOAD_TOO_LARGE"),
        ("subscription { communicationChanged(of: {}) { id } }", "BAD_USER_INPUT"),
        ('subscription { communicationChanged(of: { id: "1" }) { id } }', "NOT_FOUND"),
    ],
)
async def test_what_does_not_run_is_an_error_and_the_socket_stays(
    socket: ClientSocket, query: str, code: str
) -> None:
    socket.subscribe("1", query)
    answer = await socket.heard()
    # The id is free again, and no `complete` comes.
    socket.subscribe("1", NONE)
    after = await socket.heard()

    assert (answer["type"], answer["id"]) == ("error", "1")
    assert answer["payload"][0]["extensions"]["code"] == code
    assert after["type"] == "next"


async def test_changes_come_until_it_is_complete(
    socket: ClientSocket, followed: Communication, deps: Deps, caller: Caller
) -> None:
    await records.comment(deps, caller, str(followed.id), "Hello")
    event = await socket.heard()
    await records.delete(deps, caller, str(followed.id))
    end = await socket.heard_that(lambda message: message["type"] != "next")

    assert (event["type"], event["id"]) == ("next", "live")
    assert event["payload"]["data"] == {"communicationChanged": {"id": str(followed.id)}}
    assert end == {"id": "live", "type": "complete"}


async def test_complete_ends_a_subscription_and_frees_its_id(
    socket: ClientSocket, followed: Communication, deps: Deps, caller: Caller
) -> None:
    socket.say({"type": "complete", "id": "live"})
    socket.say({"type": "complete", "id": "never begun"})
    while deps.feed.followers_of("acme"):  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.01)
    await records.comment(deps, caller, str(followed.id), "Hello")
    socket.subscribe("live", NONE)
    await socket.heard_that(lambda message: message["type"] == "complete")

    assert socket.inbox.empty()


async def test_an_id_in_use_is_refused(socket: ClientSocket, followed: Communication) -> None:
    socket.subscribe("live", NONE)

    closed = await socket.ending()

    assert (closed.code, closed.reason) == (4409, "Subscriber for live already exists")


async def test_leaving_ends_all_subscriptions(
    app: ASGIApp, token: Token, send: Send, deps: Deps
) -> None:
    record = await send()
    async with opened(app) as client:
        await client.begin({"token": token()})
        for id_ in ("a", "b", "c"):
            client.subscribe(id_, FOLLOWED, id=str(record.id))
            while (await client.heard())["id"] != id_:
                pass
        assert deps.feed.followers_of("acme") == 3

    assert deps.feed.followers_of("acme") == 0


async def test_a_client_that_vanished_is_left_at_the_next_event(
    app: ASGIApp, token: Token, send: Send, deps: Deps, caller: Caller
) -> None:
    record = await send()
    with capture_logs() as logs:
        async with opened(app) as client:
            await client.begin({"token": token()})
            for id_ in ("a", "b"):
                client.subscribe(id_, FOLLOWED, id=str(record.id))
                while (await client.heard())["id"] != id_:
                    pass
            client.vanish()
            await records.comment(deps, caller, str(record.id), "Hello")
            while deps.feed.followers_of("acme"):  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.01)

    assert logs == []


async def test_a_thousand_subscriptions_are_refused_by_the_cap(
    socket: ClientSocket, deps: Deps, send: Send
) -> None:
    record = await send()
    for number in range(1000):
        socket.subscribe(str(number), FOLLOWED, id=str(record.id))
    refused, end = [], None
    while end is None:
        try:
            message = await socket.heard()
        except Closed as closed:
            end = closed
        else:
            refused += [message["payload"][0]["message"]] if message["type"] == "error" else []

    assert refused == ["This socket runs 100 operations already; complete one first."] * 20
    assert (end.code, end.reason) == (4429, "Too many requests")
    assert deps.feed.followers_of("acme") == 0


async def test_sockets_of_a_tenant_are_capped(deps: Deps, token: Token) -> None:
    settings = deps.settings.model_copy(update={"live_connections": 1})
    app = live_app(replace(deps, settings=settings))

    async with opened(app) as first:
        await first.begin({"token": token()})
        async with opened(app) as second:
            second.say({"type": "connection_init", "payload": {"token": token()}})
            closed = await second.ending()
        async with opened(app) as other:
            await other.begin({"token": token(tenant="rival")})
    async with opened(app) as later:
        await later.begin({"token": token()})

    assert closed.code == 1013
    assert closed.reason == "There are 1 live connections already; close one first."


async def test_subscriptions_of_a_tenant_are_capped_over_its_sockets(
    deps: Deps, token: Token, send: Send
) -> None:
    record = await send()
    app = live_app(replace(deps, feed=Feed(changes.watch, limit=1)))

    async with opened(app) as first, opened(app) as second:
        await first.begin({"token": token()})
        first.subscribe("1", FOLLOWED, id=str(record.id))
        event = await first.heard()
        await second.begin({"token": token()})
        second.subscribe("1", FOLLOWED, id=str(record.id))
        refused = await second.heard()

    assert event["type"] == "next"
    assert refused["payload"][0]["extensions"]["code"] == "RATE_LIMITED"


async def test_messages_of_one_caller_are_read_in_its_turns(
    deps: Deps, caller: Caller, token: Token
) -> None:
    app = live_app(deps)
    async with opened(app) as ours, opened(app) as theirs:
        await ours.begin({"token": token()})
        await theirs.begin({"token": token(tenant="rival")})
        async with TURNS.taken(caller):
            ours.say({"type": "ping"})
            theirs.say({"type": "ping"})
            pong = await theirs.heard()
            answered_meanwhile = not ours.inbox.empty()
        late = await ours.heard()

    assert pong == late == {"type": "pong"}
    assert not answered_meanwhile


async def test_a_message_over_the_limit_is_closed(deps: Deps, token: Token) -> None:
    settings = deps.settings.model_copy(update={"socket_message_limit": 2048})
    async with opened(live_app(replace(deps, settings=settings))) as client:
        await client.begin({"token": token()})
        client.say({"type": "ping", "payload": {"a": "x" * 3000}})
        closed = await client.ending()

    assert (closed.code, closed.reason) == (4400, "The message is longer than 2048 characters.")


async def test_a_key_that_is_revoked_ends_its_socket(deps: Deps, caller: Caller) -> None:
    command = parse(api_keys.CreateApiKey, {"name": "CRM", "scopes": [Scope.COMMUNICATIONS_READ]})
    issued = await api_keys.create(deps, caller, command)

    async with opened(live_app(deps, recheck=timedelta(milliseconds=50))) as client:
        await client.begin({"token": issued.secret})
        await api_keys.revoke(deps, caller, str(issued.key.id))
        closed = await client.ending()

    assert closed.code == 4403
    assert closed.reason.startswith("Forbidden: ")
