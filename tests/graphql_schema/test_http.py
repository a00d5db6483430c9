import time
from typing import Any

import httpx2
import pytest

from app.documents.communications import Communication
from app.settings import Settings
from graphql_schema.errors import MESSAGE_LENGTH
from graphql_schema.execution import DOCUMENT_LENGTH
from graphql_schema.requests import ANONYMOUS_OCTETS
from graphql_schema.schema import VALUE_ERRORS


@pytest.fixture
async def template(client: httpx2.AsyncClient) -> str:
    words = '{ name: "Offer", subject: "Your offer", body: "<p>Hello</p>" }'
    made = await post(client, query=f"mutation {{ createTemplate(input: {words}) {{ id }} }}")
    return str(made.json()["data"]["createTemplate"]["id"])


SEND = "mutation($input: SendCommunicationInput!) { sendCommunication(input: $input) { id } }"
LIMITS = Settings()
RESPONSE = "application/graphql-response+json"


async def post(client: httpx2.AsyncClient, **operation: Any) -> httpx2.Response:
    return await client.post("/graphql", json=operation)


async def test_a_query_may_come_by_get(client: httpx2.AsyncClient) -> None:
    response = await client.get(
        "/graphql",
        params={"query": "query($a: ID!) { __typename }", "variables": '{"a":{}}'},
    )
    good = await client.get("/graphql", params={"query": "{ __typename }"})

    assert good.json()["data"] == {"__typename": "Query"}
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_mutation_may_not_come_by_get(
    client: httpx2.AsyncClient, mail: dict[str, Any]
) -> None:
    document = (
        'mutation { sendCommunication(input: {subject: "a", body: "b", recipients: "a@b.test"}) '
        "{ id } }"
    )

    response = await client.get("/graphql", params={"query": document})

    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert await Communication.count() == 0


async def test_a_browser_gets_an_editor(anonymous: httpx2.AsyncClient) -> None:
    response = await anonymous.get("/graphql", headers={"Accept": "text/html,*/*"})

    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "GraphiQL" in response.text


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"1", b'"a"', b"\xff", b"[" * 3000 + b"]" * 3000, b"{}",
     b'{"query": 1}', b'{"query": " "}',
     b'{"query": "{a}", "variables": []}', b'{"query": "{a}", "operationName": 1}'],
)  # fmt: skip
async def test_what_is_no_operation_is_refused(client: httpx2.AsyncClient, content: bytes) -> None:
    response = await client.post(
        "/graphql", content=content, headers={"Content-Type": "application/json"}
    )

    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_another_content_type_is_refused(client: httpx2.AsyncClient) -> None:
    response = await client.post(
        "/graphql", content=b'{"query":"{__typename}"}', headers={"Content-Type": "text/plain"}
    )

    assert response.status_code == 415
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ communication { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("query { ...A } fragment A on Query { ...A }", "GRAPHQL_VALIDATION_FAILED"),
        ("{" + " ".join(f"a{n}: __typename" for n in range(LIMITS.graphql_aliases + 1)) + "}",
         "LIMIT_EXCEEDED"),
        ("{" + "__typename " * 5000 + "}", "LIMIT_EXCEEDED"),
        ("{__schema{types" + "{fields{type" * 20 + "{name}" + "}}" * 20 + "}}",
         "LIMIT_EXCEEDED"),
    ],
)  # fmt: skip
async def test_a_document_that_cannot_run_is_coded(
    client: httpx2.AsyncClient, document: str, code: str
) -> None:
    plain = await client.post("/graphql", json={"query": document})
    strict = await client.post("/graphql", json={"query": document}, headers={"Accept": RESPONSE})

    assert plain.json()["errors"][0]["extensions"]["code"] == code
    assert plain.headers["content-type"] == "application/json; charset=utf-8"
    assert strict.status_code == 400
    assert strict.headers["content-type"] == f"{RESPONSE}; charset=utf-8"
    assert "data" not in strict.json()


async def test_one_of_several_operations_is_chosen_by_name(client: httpx2.AsyncClient) -> None:
    response = await post(
        client, query="query A { a: __typename } query B { b: __typename }", operationName="B"
    )

    assert response.json()["data"] == {"b": "Query"}


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({"subject": None}, ["subject"]),
        ({"recipients": ["a@b.test", 3]}, ["recipients[1]"]),
        ({"type": "OFFER"}, ["type"]),
        ({"priority": 1}, ["priority"]),
        ({"recipients": ["a@b.test", "x"], "replyTo": "y", "subject": "\n"},
         ["recipients[1]", "replyTo", "subject"]),
    ],
)  # fmt: skip
async def test_bad_input_names_its_fields(
    client: httpx2.AsyncClient, mail: dict[str, Any], change: dict[str, Any], paths: list[str]
) -> None:
    response = await post(client, query=SEND, variables={"input": {**mail, **change}})

    errors = response.json()["errors"]
    fields = [field for error in errors for field in error["extensions"]["fields"]]
    assert {error["extensions"]["code"] for error in errors} == {"BAD_USER_INPUT"}
    assert [field["path"] for field in fields] == paths
    assert all(field["message"] for field in fields)
    assert await Communication.count() == 0


async def test_an_error_does_not_repeat_the_whole_mail(
    client: httpx2.AsyncClient, mail: dict[str, Any]
) -> None:
    response = await post(client, query=SEND, variables={"input": {**mail, "type": "X" * 100_000}})

    assert len(response.json()["errors"][0]["message"]) == MESSAGE_LENGTH


async def test_a_forged_token_is_refused_before_anything_runs(
    client: httpx2.AsyncClient,
) -> None:
    client.headers["Authorization"] = "Bearer forged"

    response = await post(client, query="{ __typename }")

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_the_header_makes_a_send_repeatable_too(
    client: httpx2.AsyncClient, mail: dict[str, Any]
) -> None:
    client.headers["Idempotency-Key"] = "key-1"

    first = await post(client, query=SEND, variables={"input": mail})
    second = await post(client, query=SEND, variables={"input": mail})

    assert first.json() == second.json()
    assert await Communication.count() == 1


async def test_fields_of_our_own_are_shown(
    client: httpx2.AsyncClient, mail: dict[str, Any]
) -> None:
    document = (
        "mutation($input: SendCommunicationInput!) { sendCommunication(input: $input) "
        "{ lastOpenedAt clickedLinks { lastClickedAt } } }"
    )

    response = await post(client, query=document, variables={"input": mail})

    assert response.json()["data"]["sendCommunication"] == {
        "lastOpenedAt": None,
        "clickedLinks": [{"lastClickedAt": None}],
    }


async def test_an_unknown_or_circular_fragment_is_the_callers_mistake(
    client: httpx2.AsyncClient,
) -> None:
    for document in (
        "query { ...Nowhere }",
        "query { ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    ):
        response = await post(client, query=document)

        codes = {error["extensions"]["code"] for error in response.json()["errors"]}
        assert codes == {"GRAPHQL_VALIDATION_FAILED"}


async def test_fragments_that_use_each_other_twice_cost_no_more_than_their_length(
    client: httpx2.AsyncClient,
) -> None:
    # Every further one doubles what a walk through all of them takes: here 10 seconds.
    used = "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }} " for n in range(22))
    begun = time.perf_counter()

    plain = await post(client, query="{ ...F0 } " + used + "fragment F22 on Query { __typename }")
    aliased = await post(
        client, query="{ ...F0 } " + used + "fragment F22 on Query { a: __typename }"
    )

    assert plain.json()["data"] == {"__typename": "Query"}
    assert aliased.json()["errors"][0]["extensions"]["limit"]["name"] == "aliases"
    assert time.perf_counter() - begun < 2


@pytest.mark.parametrize("count", [1, 22])
async def test_fragments_of_a_list_cost_no_more_than_their_length(
    client: httpx2.AsyncClient, template: str, count: int
) -> None:
    used = "".join(
        f"fragment F{n} on Template {{ ...F{n + 1} ...F{n + 1} }} " for n in range(count)
    )
    begun = time.perf_counter()

    last = f"fragment F{count} on Template {{ id ... {{ body }} }}"
    response = await post(client, query="{ templates { nodes { ...F0 } } } " + used + last)

    assert response.json()["data"]["templates"]["nodes"] == [
        {"id": template, "body": "<p>Hello</p>"}
    ]
    assert time.perf_counter() - begun < 2


async def test_a_document_that_is_too_long_is_refused_before_it_is_parsed(
    client: httpx2.AsyncClient,
) -> None:
    response = await post(
        client, query='{ communication(id: "' + "x" * DOCUMENT_LENGTH + '") { id } }'
    )

    assert response.status_code == 413
    assert response.json()["errors"][0]["extensions"]["code"] == "PAYLOAD_TOO_LARGE"


async def test_without_a_token_a_request_must_be_small(anonymous: httpx2.AsyncClient) -> None:
    variables = {"a": "x" * ANONYMOUS_OCTETS}

    large = await post(anonymous, query="{ __typename }", variables=variables)
    small = await post(anonymous, query="{ __typename }")

    assert large.status_code == 413
    assert small.json()["data"] == {"__typename": "Query"}


@pytest.mark.parametrize(
    "document",
    [
        (
            "mutation($mail: SendCommunicationInput!) { a: sendCommunication(input: $mail) { id } "
            "b: sendCommunication(input: $mail) { id } }"
        ),
        (
            "mutation($mail: SendCommunicationInput!) { ...Two } fragment Two on Mutation { "
            "a: sendCommunication(input: $mail) { id } b: sendCommunication(input: $mail) { id } }"
        ),
        (
            "mutation($to: SendTemplateInput!, $id: ID!) { "
            "a: sendTemplate(templateId: $id, input: $to) { id } "
            "b: sendTemplate(templateId: $id, input: $to) { id } }"
        ),
    ],
)
async def test_the_header_does_not_fit_several_mutations(
    client: httpx2.AsyncClient, mail: dict[str, Any], template: str, document: str
) -> None:
    client.headers["Idempotency-Key"] = "key-1"
    variables = {"mail": mail, "to": {"recipients": mail["recipients"]}, "id": template}

    response = await post(client, query=document, variables=variables)

    (error,) = response.json()["errors"]
    assert error["extensions"]["fields"][0]["path"] == "Idempotency-Key"
    assert await Communication.count() == 0


async def test_fields_of_one_name_in_several_places_are_no_repeats(
    client: httpx2.AsyncClient,
) -> None:
    fragments = " ".join(
        f"fragment F{number} on Query {{ __typename }}"
        for number in range(LIMITS.graphql_repeats + 2)
    )
    spreads = " ".join(f"...F{number}" for number in range(LIMITS.graphql_repeats + 2))

    answer = (await post(client, query=f"{{ {spreads} __typename }} {fragments}")).json()

    assert answer["data"] == {"__typename": "Query"}


async def test_few_of_many_wrong_values_are_told(
    client: httpx2.AsyncClient, mail: dict[str, Any]
) -> None:
    wrong: dict[str, Any] = {"recipients": [{}] * 50}

    response = await post(client, query=SEND, variables={"input": {**mail, **wrong}})

    errors = response.json()["errors"]
    assert len(errors) == VALUE_ERRORS + 1
    assert {error["extensions"]["code"] for error in errors} == {"BAD_USER_INPUT"}
    assert errors[-1]["message"].startswith("Too many errors processing variables")
    assert await Communication.count() == 0
