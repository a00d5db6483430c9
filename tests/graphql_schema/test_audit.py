"""The audits of the npm package graphql-http 1.23, each by its id: no failed MUST or SHOULD.

Those that say MAY are held, too.
"""

from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
TYPENAME = {"query": "{ __typename }"}
WHOLE = range(200, 201)
BAD = range(400, 401)
REFUSED = range(400, 500)
FAILED = range(400, 600)
TYPED = {"query": "query Type($name: String!) { __type(name: $name) { name } }"}
NO_SUCH_FIELD = {"query": "{ 8f31403dfe404bccbb0e835f2629c6a7 }"}
COERCE = {"query": "query CoerceFailure($id: ID!){ __typename }", "variables": {"id": None}}


@dataclass(frozen=True)
class Audit:
    """What is asked, and how it must be answered: statuses, type, whether without an entry."""

    id: str
    name: str
    body: Any = None
    accept: str | None = None
    content: bytes | None = None
    params: dict[str, str] | None = None
    content_type: str | None = JSON
    status: range = WHOLE
    type: str | None = None
    without: str | None = None


def wrong_types(prefix: str, parameter: str, name: str, first: Any) -> list[Audit]:
    kinds = {"object" if isinstance(first, dict) else "string": first,
             "number": 0, "boolean": False, "array": ["array"]}  # fmt: skip
    return [
        Audit(f"{prefix}{number}", f"MAY use 400 status code on {kind} {name} parameter",
              {**TYPENAME, parameter: value}, status=BAD)
        for number, (kind, value) in enumerate(kinds.items())
    ]  # fmt: skip


def both(
    new: str, old: str, name: str, body: Any, params: dict[str, str] | None = None
) -> list[Audit]:
    words = ("SHOULD", "MUST") if params is None else ("MAY", "MAY")
    return [
        Audit(new, f"{words[0]} {name} when accepting {GRAPHQL}", body, GRAPHQL,
              params=params, without="errors"),
        Audit(old, f"{words[1]} {name} when accepting {JSON}", body, JSON,
              params=params, without="errors"),
    ]  # fmt: skip


AUDITS = [
    Audit("22EB", f"SHOULD accept {GRAPHQL} and match the content-type", TYPENAME, GRAPHQL,
          type=GRAPHQL),
    Audit("4655", f"MUST accept {JSON} and match the content-type", TYPENAME, JSON, type=JSON),
    Audit("47DE", f"SHOULD accept */* and use {JSON} for the content-type", TYPENAME, "*/*",
          type=JSON),
    Audit("80D8", f"SHOULD assume {JSON} content-type when accept is missing", TYPENAME, type=JSON),
    Audit("82A3", "MUST use utf-8 encoding when responding", TYPENAME),
    Audit("BF61", "MUST accept utf-8 encoded request",
          {"query": '{ __type(name: "Run🏃Swim🏊") { name } }'},
          content_type=f"{JSON}; charset=utf-8"),
    Audit("78D5", "MUST assume utf-8 in request if encoding is unspecified", TYPENAME),
    Audit("2C94", "MUST accept POST requests", TYPENAME),
    Audit("5A70", "MAY accept application/x-www-form-urlencoded formatted GET requests",
          params=TYPENAME),
    Audit("9C48", "MAY NOT allow executing mutations on GET requests", accept=GRAPHQL,
          params={"query": "mutation { __typename }"}, status=REFUSED),
    Audit("9ABE", "SHOULD respond with 4xx status code if content-type is not supplied on POST "
          "requests", TYPENAME, content_type=None, status=REFUSED),
    Audit("03D4", f"MUST accept {JSON} POST requests", TYPENAME),
    Audit("A5BF", "MAY use 400 status code when request body is missing on POST", content=b"",
          status=BAD),
    Audit("423L", "MAY use 400 status code on missing {query} parameter",
          {"notquery": "{ __typename }"}, GRAPHQL, status=BAD),
    *wrong_types("LKJ", "query", "{query}", {"obj": "ect"}),
    *both("34A2", "13EE", "allow string {query} parameter", TYPENAME),
    *wrong_types("6C0", "operationName", "{operationName}", {"obj": "ect"}),
    *both("8161", "B8B3", "allow string {operationName} parameter",
          {"operationName": "Query", "query": "query Query { __typename }"}),
    *both("94B0", "0220", "allow null {variables} parameter", {**TYPENAME, "variables": None}),
    *both("94B1", "0221", "allow null {operationName} parameter",
          {**TYPENAME, "operationName": None}),
    *both("94B2", "0222", "allow null {extensions} parameter", {**TYPENAME, "extensions": None}),
    *wrong_types("476", "variables", "{variables}", "string"),
    *both("2EA1", "28B9", "allow map {variables} parameter",
          {**TYPED, "variables": {"name": "sometype"}}),
    *both("D6D5", "6A70", "allow URL-encoded JSON string {variables} parameter in GETs", None,
          {**TYPED, "variables": '{"name":"sometype"}'}),
    *wrong_types("58B", "extensions", "{extensions}", "string"),
    *both("428F", "1B7A", "allow map {extensions} parameter",
          {**TYPENAME, "extensions": {"some": "value"}}),
    Audit("B6DC", f"MAY use 2xx, 4xx, or 5xx on JSON parsing failure when accepting {JSON}",
          accept=JSON, content=b'{ "not a JSON', status=BAD),
    Audit("BCF8", f"SHOULD use 400 on JSON parsing failure when accepting {JSON}", accept=JSON,
          content=b'{ "not a JSON', status=BAD),
    Audit("B7N8", f"SHOULD use 400 on JSON parsing failure when accepting {GRAPHQL}",
          accept=GRAPHQL, content=b'{ "not a JSON', status=BAD),
    Audit("8764", "MAY use 4xx or 5xx status codes if parameters are invalid",
          {"qeury": "{ __typename }"}, status=FAILED),
    Audit("3E3A", "MAY use 400 status code if parameters are invalid",
          {"qeury": "{ __typename }"}, status=BAD),
    Audit("572B", f"SHOULD use 200 on document parsing failure when accepting {JSON}",
          {"query": "{"}, JSON),
    Audit("FDE2", f"SHOULD use 200 on document validation failure when accepting {JSON}",
          NO_SUCH_FIELD, JSON),
    Audit("7B9B", f"SHOULD use 200 on variable coercion failure when accepting {JSON}", COERCE,
          JSON),
    Audit("865D", f"SHOULD use 4xx or 5xx on document parsing failure when accepting {GRAPHQL}",
          {"query": "{"}, GRAPHQL, status=FAILED),
    Audit("556A", f"SHOULD use 400 on document parsing failure when accepting {GRAPHQL}",
          {"query": "{"}, GRAPHQL, status=BAD),
    Audit("D586", "SHOULD not contain the data entry on document parsing failure when accepting "
          f"{GRAPHQL}", {"query": "{"}, GRAPHQL, status=BAD, without="data"),
    Audit("51FE", f"SHOULD use 4xx or 5xx on document validation failure when accepting {GRAPHQL}",
          NO_SUCH_FIELD, GRAPHQL, status=FAILED),
    Audit("74FF", f"SHOULD use 400 on document validation failure when accepting {GRAPHQL}",
          NO_SUCH_FIELD, GRAPHQL, status=BAD),
    Audit("5E5B", "SHOULD not contain the data entry on document validation failure when "
          f"accepting {GRAPHQL}", NO_SUCH_FIELD, GRAPHQL, status=BAD, without="data"),
    Audit("86EE", f"SHOULD use 400 on variable coercion failure when accepting {GRAPHQL}", COERCE,
          GRAPHQL, status=BAD),
]  # fmt: skip


@pytest.mark.parametrize("audit", AUDITS, ids=lambda audit: f"{audit.id} {audit.name}")
async def test_the_audits_of_graphql_over_http(anonymous: httpx2.AsyncClient, audit: Audit) -> None:
    given = {"Accept": audit.accept, "Content-Type": None if audit.params else audit.content_type}
    request = anonymous.build_request(
        "GET" if audit.params else "POST", "/graphql", params=audit.params, content=audit.content,
        json=audit.body if audit.content is None and not audit.params else None,
    )  # fmt: skip
    for name, value in given.items():
        request.headers.pop(name, None)
        if value is not None:
            request.headers[name] = value

    response = await anonymous.send(request)

    assert response.status_code in audit.status
    media_type, _, charset = response.headers["content-type"].partition("; ")
    assert (media_type, charset) == (audit.type or audit.accept or JSON, "charset=utf-8") or (
        audit.accept == "*/*"
    )
    assert audit.without not in response.json()
    response.content.decode()


def test_no_audit_is_left_out() -> None:
    assert len({audit.id for audit in AUDITS}) == len(AUDITS) == 61
