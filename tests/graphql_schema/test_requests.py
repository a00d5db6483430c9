"""What is read of a request before anything runs, and every way to get it wrong."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis

from app.documents.communications import Communication
from graphql_schema.execution import DOCUMENT_LENGTH

JSON = "application/json; charset=utf-8"
RESPONSE = "application/graphql-response+json"
TYPENAME = {"query": "{ __typename }"}
DATA = {"__typename": "Query"}
SEND = "mutation($input: SendCommunicationInput!) { sendCommunication(input: $input) { subject } }"
Footprint = Callable[[], Awaitable[dict[str, Any]]]


def error_of(response: httpx2.Response) -> tuple[int, str]:
    """The status and words of the one error."""
    body = response.json()
    assert body.keys() == {"errors"}
    [error] = body["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    return response.status_code, error["message"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "QUERY", "BREW"])
@pytest.mark.parametrize("accept", ["*/*", RESPONSE, "text/html"])
async def test_other_methods_are_refused(
    anonymous: httpx2.AsyncClient, method: str, accept: str
) -> None:
    response = await anonymous.request(method, "/graphql", headers={"Accept": accept})

    words = "The method is not allowed here; allowed: GET, HEAD, OPTIONS, POST."
    assert error_of(response) == (405, words)
    assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert response.headers["content-type"].startswith("application/")


async def test_options_tells_the_methods(anonymous: httpx2.AsyncClient) -> None:
    response = await anonymous.options("/graphql", headers={"Accept": "text/nonsense"})

    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_a_query_without_a_token_is_a_field_error_not_a_request_error(
    anonymous: httpx2.AsyncClient,
) -> None:
    document = {"query": '{ __typename communication(id: "1") { id } }'}

    response = await anonymous.post("/graphql", json=document, headers={"Accept": RESPONSE})

    body = response.json()
    assert response.status_code == 200
    assert body["data"] == {"__typename": "Query", "communication": None}
    assert body["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_whoever_takes_no_json_is_told_before_anything_runs(
    client: httpx2.AsyncClient, mail: dict[str, Any], footprint: Footprint
) -> None:
    before = await footprint()

    response = await client.post(
        "/graphql", json={"query": SEND, "variables": {"input": mail}},
        headers={"Accept": "application/xml"},
    )  # fmt: skip

    status, words = error_of(response)
    assert status == 406
    assert words.startswith("The Accept header must allow one of: application/json, ")
    assert response.headers["content-type"] == JSON
    assert await footprint() == before


async def test_several_accept_headers_are_one(client: httpx2.AsyncClient) -> None:
    headers = [("Accept", "application/json;q=0.5"), ("Accept", RESPONSE)]

    response = await client.get("/graphql", params=TYPENAME, headers=headers)

    assert response.headers["content-type"] == f"{RESPONSE}; charset=utf-8"


async def test_answers_are_kept_by_nobody(client: httpx2.AsyncClient) -> None:
    for response in (
        await client.get("/graphql", params=TYPENAME),
        await client.post("/graphql", json=TYPENAME),
        await client.post("/graphql", json={}),
    ):
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["vary"] == "Accept, Authorization"


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/plain;charset=UTF-8",
        "application/x-www-form-urlencoded",
        "application/graphql",
        "application/graphql+json",
        RESPONSE,
        "application/jsonp",
        "*/*",
        "",
        "application/json; charset=iso-8859-1",
        "application/json;charset=utf-16",
        'application/json;x=y; charset="latin1"',
    ],
)
async def test_what_a_page_may_send_unasked_and_all_else_that_is_no_json_is_refused(
    client: httpx2.AsyncClient, mail: dict[str, Any], content_type: str
) -> None:
    request = client.build_request(
        "POST", "/graphql", json={"query": SEND, "variables": {"input": mail}}
    )
    request.headers["Content-Type"] = content_type

    status, words = error_of(await client.send(request))

    assert status == 415
    assert words.startswith(("The Content-Type must be", "The charset of the Content-Type must"))
    assert await Communication.count() == 0


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "APPLICATION/JSON ; Charset=UTF-8",
        'application/json; charset="utf8"',
        "application/json; odd",
    ],
)
async def test_json_in_utf_8_is_read(client: httpx2.AsyncClient, content_type: str) -> None:
    request = client.build_request("POST", "/graphql", json=TYPENAME)
    request.headers["Content-Type"] = content_type

    assert (await client.send(request)).json()["data"] == DATA


async def test_a_packed_body_is_refused(client: httpx2.AsyncClient) -> None:
    packed = await client.post("/graphql", json=TYPENAME, headers={"Content-Encoding": "gzip"})
    plain = await client.post("/graphql", json=TYPENAME, headers={"Content-Encoding": "Identity"})

    assert error_of(packed) == (415, "The body must come without a Content-Encoding.")
    assert plain.json()["data"] == DATA


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "query: must be a string that holds a GraphQL document"),
        ({"query": ""}, "query: must be a string that holds a GraphQL document"),
        ({"query": " "}, "query: must not be blank"),
        ({"query": ["{a}", "{b}"]}, "query: must be given once"),
        ({"query": "{a}", "variables": "{"}, "variables: is not valid JSON"),
        ({"query": "{a}", "variables": "[]"}, "variables: must be an object or null"),
        ({"query": "{a}", "extensions": "1"}, "extensions: must be an object or null"),
        ({"query": "{a}", "variables": '{"a":1,"a":2}'}, 'variables: has the key "a" twice'),
        ({"query": "{a}", "variables": "\ud800".encode(errors="replace")}, "variables: is not"),
    ],
)
async def test_an_address_that_is_no_operation_is_refused(
    client: httpx2.AsyncClient, params: dict[str, Any], words: str
) -> None:
    status, message = error_of(await client.get("/graphql", params=params))

    assert status == 400
    assert message.startswith(words)


@pytest.mark.parametrize(
    "params",
    [
        {"operationName": "", "variables": "", "extensions": ""},
        {"variables": "null", "extensions": "null"},
        {"variables": "{}", "extensions": '{"a": 1}', "more": "of it"},
    ],
)
async def test_empty_parameters_are_none(
    client: httpx2.AsyncClient, params: dict[str, str]
) -> None:
    response = await client.get("/graphql", params={**TYPENAME, **params})

    assert response.json()["data"] == DATA


async def test_null_in_an_address_is_a_name(client: httpx2.AsyncClient) -> None:
    document = {"query": "query null { __typename } query B { b: __typename }"}

    response = await client.get("/graphql", params={**document, "operationName": "null"})

    assert response.json()["data"] == DATA


async def test_head_is_answered_as_get_is(client: httpx2.AsyncClient) -> None:
    response = await client.head("/graphql", params=TYPENAME)

    assert (response.status_code, response.headers["content-type"]) == (200, JSON)


async def test_a_browser_with_an_operation_gets_its_answer(client: httpx2.AsyncClient) -> None:
    response = await client.get(
        "/graphql", params=TYPENAME, headers={"Accept": "text/html, */*;q=0.8"}
    )

    assert response.json()["data"] == DATA


@pytest.mark.parametrize("accept", ["application/json", RESPONSE])
async def test_a_batch_is_answered_in_order(
    client: httpx2.AsyncClient, mail: dict[str, Any], accept: str
) -> None:
    batch = [
        {"query": SEND, "variables": {"input": {**mail, "subject": "One"}}},
        {"query": "{"},
        {"query": SEND, "variables": {"input": {**mail, "subject": "Two"}}},
        {"query": "query A { a: __typename } query B { b: __typename }", "operationName": "B"},
    ]

    response = await client.post("/graphql", json=batch, headers={"Accept": accept})

    one, broken, two, named = response.json()
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{accept}; charset=utf-8"
    assert one["data"] == {"sendCommunication": {"subject": "One"}}
    assert broken["errors"][0]["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"
    assert "data" not in broken
    assert two["data"] == {"sendCommunication": {"subject": "Two"}}
    assert named["data"] == {"b": "Query"}
    mails = await Communication.find().sort("_id").to_list()
    assert [communication.subject for communication in mails] == ["One", "Two"]


async def test_a_batch_of_which_nothing_ran_has_failed(client: httpx2.AsyncClient) -> None:
    batch = [{"query": "{"}, {"query": "{ nothing }"}]

    plain = await client.post("/graphql", json=batch)
    strict = await client.post("/graphql", json=batch, headers={"Accept": RESPONSE})

    assert (plain.status_code, strict.status_code) == (200, 400)
    assert [list(answer) for answer in strict.json()] == [["errors"], ["errors", "extensions"]]


@pytest.mark.parametrize(
    ("batch", "status", "words"),
    [
        ([], 400, "A batch must have 1 to 10 operations, and has 0."),
        ([TYPENAME] * 11, 400, "A batch must have 1 to 10 operations, and has 11."),
        ([TYPENAME] * 1000, 400, "A batch must have 1 to 10 operations, and has 1000."),
        ([TYPENAME, 1], 400, "[1]: must be a JSON object"),
        ([TYPENAME, [TYPENAME]], 400, "[1]: must be a JSON object"),
        (
            [TYPENAME, {"query": 1, "variables": []}],
            400,
            (
                "[1].query: must be a string that holds a GraphQL document; "
                "[1].variables: must be an object or null"
            ),
        ),
    ],
)
async def test_a_batch_that_is_none_is_refused_whole(
    client: httpx2.AsyncClient, batch: list[Any], status: int, words: str
) -> None:
    assert error_of(await client.post("/graphql", json=batch)) == (status, words)


async def test_the_documents_of_a_batch_are_as_long_as_one(client: httpx2.AsyncClient) -> None:
    long = {"query": "{ __typename } #" + "x" * (DOCUMENT_LENGTH // 2)}

    one = await client.post("/graphql", json=[long])
    two = await client.post("/graphql", json=[long, long])

    assert one.json()[0]["data"] == DATA
    assert two.status_code == 413
    assert two.json()["errors"][0]["extensions"]["code"] == "PAYLOAD_TOO_LARGE"


async def test_a_batch_costs_what_its_operations_cost_together(
    client_under: Callable[..., httpx2.AsyncClient],
) -> None:
    page = {"query": "{ communicationsPage(size: 100) { content { id } } }"}
    answer = (await client_under().post("/graphql", json=page)).json()
    once = answer["extensions"]["cost"]["requested"]

    response = await client_under(graphql_cost=once * 2).post("/graphql", json=[page] * 3)

    first, second, third = response.json()
    assert first["data"] == second["data"] == answer["data"]
    assert third["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert third["errors"][0]["extensions"]["limit"]["requested"] == once * 3


async def test_the_documents_of_a_batch_have_as_many_tokens_as_one(
    client_under: Callable[..., httpx2.AsyncClient],
) -> None:
    client = client_under(graphql_tokens=11)

    answers = (await client.post("/graphql", json=[TYPENAME] * 5)).json()

    assert [answer.get("data") for answer in answers] == [DATA, DATA, DATA, None, None]
    assert answers[3]["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"


async def test_documents_that_do_not_parse_use_tokens_up_too(
    client_under: Callable[..., httpx2.AsyncClient],
) -> None:
    client = client_under(graphql_tokens=30)
    broken = {"query": "{ " + "a " * 10}

    answers = (await client.post("/graphql", json=[broken, broken, broken, TYPENAME])).json()

    codes = [answer["errors"][0]["extensions"]["code"] for answer in answers]
    assert codes == ["GRAPHQL_PARSE_FAILED"] * 2 + ["LIMIT_EXCEEDED"] * 2


async def test_each_operation_of_a_batch_counts_as_a_request(
    client_under: Callable[..., httpx2.AsyncClient], redis: Redis
) -> None:
    client = client_under(rate_limit_key=60, rate_limit_key_burst=4)

    first = await client.post("/graphql", json=[TYPENAME])
    second = await client.post("/graphql", json=[TYPENAME] * 3)
    third = await client.post("/graphql", json=TYPENAME)

    assert (first.status_code, second.status_code, third.status_code) == (200, 200, 429)


async def test_batches_can_be_switched_off(
    client_under: Callable[..., httpx2.AsyncClient],
) -> None:
    off = await client_under(graphql_batch=0).post("/graphql", json=[TYPENAME])
    two = await client_under(graphql_batch=2).post("/graphql", json=[TYPENAME] * 2)

    assert error_of(off) == (400, "Batches are switched off here; send one operation.")
    assert [answer["data"] for answer in two.json()] == [DATA, DATA]


async def test_the_header_for_repeating_does_not_fit_a_batch(
    client: httpx2.AsyncClient, mail: dict[str, Any], footprint: Footprint
) -> None:
    before = await footprint()
    send = {"query": SEND, "variables": {"input": mail}}
    client.headers["Idempotency-Key"] = "key-1"

    status, words = error_of(await client.post("/graphql", json=[send, send]))

    assert status == 400
    assert words.startswith("Idempotency-Key: fits one operation;")
    assert await footprint() == before
