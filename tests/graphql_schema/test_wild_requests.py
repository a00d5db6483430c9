"""Whatever comes, it is answered in GraphQL's form, and never as a fault of ours."""

import asyncio
import json
import re
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message

EVENT = re.compile(rb"^data: ?(\{.*)$", re.MULTILINE)
DOCUMENTS = st.sampled_from(
    [
        "{ __typename }",
        "query A { __typename } query B { __typename }",
        "mutation { __typename }",
        "subscription { nothing }",
        "query($a: Int!) { __typename @include(if: $a) }",
        "query($a: ID!) { communication(id: $a) { id } }",
        "query($a: DateTime) { __typename }",
        "mutation($a: SendCommunicationInput!) { sendCommunication(input: $a) { id } }",
        "mutation($a: JSON) { sendTemplate(templateId: 1, input: {variables: $a}) { id } }",
        "{ __typename @defer }",
        "\x00{ \ufeff a",
        '{ communication(id: "\\ud800") { id } }',
        "{ communication(id: 1e999) { id } }",
        "{" * 300,
        "{a" * 2000,
        "[" * 5000,
    ]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["\x00", "$", "a.b", "\ufeff", "9" * 400])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
OPERATIONS = st.fixed_dictionaries(
    {"query": DOCUMENTS | VALUES},
    optional={
        "variables": st.fixed_dictionaries({}, optional={"a": VALUES}) | VALUES,
        "operationName": st.sampled_from([None, "", "A", "null"]) | VALUES,
        "extensions": VALUES,
        "documentId": VALUES,
    },
)
DEEP = st.integers(1, 5000).map(
    lambda deep: b'{"query":"{a}","variables":{"a":' + b"[" * deep + b"]" * deep + b"}}"
)
BODIES = (
    st.binary(max_size=200)
    | (OPERATIONS | VALUES | st.lists(OPERATIONS, max_size=12)).map(
        lambda value: json.dumps(value).encode()
    )
    | DEEP
    | st.sampled_from([b"[" * 100_000, b'{"query":"{a}","query":"{b}"}', b'{"query":"\\ud800"}'])
)
TYPES = st.sampled_from(
    [
        b"application/json",
        b"application/json; charset=utf-8",
        b"application/json; charset",
        b"multipart/form-data; boundary=a",
        b"multipart/form-data",
        b"text/plain",
        b"",
    ]
)
ACCEPTS = st.sampled_from(
    [b"*/*", b"application/json", b"application/graphql-response+json", b"text/html", b"", b",;q=/"]
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        b"content-type": TYPES | st.binary(max_size=30),
        b"accept": ACCEPTS | st.binary(max_size=30),
        b"content-length": st.sampled_from([b"0", b"1", b"-1", b"99999999999999999999", b"x"]),
        b"content-encoding": st.sampled_from([b"gzip", b"identity", b"\xff"]),
        b"idempotency-key": st.binary(max_size=30),
        b"origin": st.binary(max_size=30),
        b"x-forwarded-for": st.binary(max_size=30),
    },
)
QUERIES = st.binary(max_size=100) | st.sampled_from(
    [
        b"query={__typename}",
        b"query=%ff%fe&variables=%00",
        b"query={a}&variables=" + b"[" * 10_000,
        b"query={a}&query={b}",
        b"&&&===%%%",
    ]
)
METHODS = st.sampled_from(["GET", "HEAD", "POST", "POST", "POST", "PUT", "OPTIONS", "\xff"])


@pytest.fixture
def authorization(token: Any) -> bytes:
    return f"Bearer {token()}".encode()


@given(method=METHODS, query=QUERIES, headers=HEADERS, body=BODIES, known=st.booleans())
@example(
    method="POST",
    query=b"\x80",
    headers={b"content-type": b"application/json", b"accept": b"*/*"},
    body=b'{"query": "subscription { nothing }"}',
    known=True,
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_request_is_a_fault_of_ours(
    app: ASGIApp,
    authorization: bytes,
    method: str,
    query: bytes,
    headers: dict[bytes, bytes],
    body: bytes,
    known: bool,
) -> None:
    if known:
        headers = {**headers, b"authorization": authorization}
    half = len(body) // 2
    incoming: list[Message] = [
        {"type": "http.request", "body": body[:half], "more_body": True},
        {"type": "http.request", "body": body[half:], "more_body": False},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        # Whoever asked stays for the answer.
        return incoming.pop(0) if incoming else await asyncio.Future()

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
        "scheme": "http", "path": "/graphql", "raw_path": b"/graphql", "root_path": "",
        "query_string": query, "headers": list(headers.items()), "server": ("api.test", 80),
        "client": ("127.0.0.1", 1),
    }  # fmt: skip
    await app(scope, receive, send)

    start, *rest = sent
    given = dict(start["headers"])
    content = b"".join(message["body"] for message in rest)
    if start["status"] == 204 or given[b"content-type"].startswith(b"text/html"):
        return
    assert start["status"] in {200, 400, 401, 405, 406, 413, 415}
    if given[b"content-type"].startswith(b"text/event-stream"):
        answers = [orjson.loads(line) for line in EVENT.findall(content)]
        assert content.endswith(b"event: complete\ndata:\n\n")
    else:
        answer = orjson.loads(content)
        answers = answer if isinstance(answer, list) else [answer]
    assert answers
    assert all(one.keys() & {"data", "errors"} for one in answers)
    for error in (error for one in answers for error in one.get("errors", ())):
        assert error["message"]
        assert error["extensions"]["code"] not in {"INTERNAL", "UNAVAILABLE"}
