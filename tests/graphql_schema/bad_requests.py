"""Requests made to break or to tire us, and how each is refused; the bench measures the cost."""

from dataclasses import dataclass
from typing import Any

import orjson

from graphql_schema.json_text import VALUES_LIMIT


@dataclass(frozen=True)
class BadRequest:
    """`body` as it is sent; the code of its first error, and how the message begins."""

    name: str
    body: bytes
    code: str
    message: str
    status: int = 400


def document(query: str, **variables: Any) -> bytes:
    return orjson.dumps({"query": query, "variables": variables})


def fields(count: int, name: str = "") -> str:
    return " ".join(f"a{number}{name}" for number in range(count))


def chain(count: int, each: str, last: str, on: str = "Query") -> str:
    """Fragments F0 to Fn, of which each has the next one in it."""
    links = [
        f"fragment F{n} on {on} {{ {each.replace('NEXT', f'...F{n + 1}')} }}" for n in range(count)
    ]
    return " ".join([*links, f"fragment F{count} on {on} {{ {last} }}"])


PAGE = "communicationsPage(size: 2000) { content { id events { id } } }"
LIMIT = "LIMIT_EXCEEDED"
INVALID = "GRAPHQL_VALIDATION_FAILED"
UNPARSED = "GRAPHQL_PARSE_FAILED"

BAD_REQUESTS = [
    BadRequest("malformed document", document('{ communication(id: "1'), UNPARSED,
               "Syntax Error: Unterminated string."),
    BadRequest("a number of 5,000 digits",
               document(f"{{ communicationsPage(size: {'1' * 5000}) {{ totalElements }} }}"),
               UNPARSED, "Syntax Error: A number must have at most 1000 characters."),
    BadRequest("1,000 unknown fields",
               document(f"{{ communicationsPage {{ {fields(1000)} }} }}"), INVALID,
               "Cannot query field 'a0' on type 'CommunicationPage'."),
    BadRequest("wrong variables",
               document("query($i: [ID!]!) { communicationsByIds(ids: $i) { id } }",
                        i=[{"a": 1}] * 5000), "BAD_USER_INPUT",
               "Variable '$i' has invalid value at [0]: ID cannot represent value"),
    BadRequest("10,000 ids, eleven times",
               document("query($i: [ID!]!) { " + " ".join(
                   f"a{n}: communicationsByIds(ids: $i) {{ id }}" for n in range(11)) + " }",
                        i=["a"] * 10_000), LIMIT,
               "The operation costs 110000; at most 100000 is allowed."),
    BadRequest("25,000 ids, the last one wrong",
               document("query($i: [ID!]!) { nodes(ids: $i) { id } }", i=["a"] * 24_998 + [{}]),
               "BAD_USER_INPUT",
               "Variable '$i' has invalid value at [24998]: ID cannot represent value: {}"),
    BadRequest("90,000 ids", document("query($i: [ID!]!) { nodes(ids: $i) { id } }",
                                      i=["a"] * 90_000), LIMIT,
               "The variable $i holds more than the 25000 values that are allowed."),
    BadRequest("90,000 objects for ids", document("query($i: [ID!]!) { nodes(ids: $i) { id } }",
                                                  i=[{}] * 90_000), LIMIT,
               "The variable $i holds more than the 25000 values that are allowed."),
    BadRequest("90,000 recipients",
               document("mutation($i: SendCommunicationInput!) { sendCommunication(input: $i) "
                        "{ id } }", i={"recipients": ["a@example.com"] * 90_000}), LIMIT,
               "The variable $i holds more than the 25000 values that are allowed."),
    BadRequest("90,000 unknown fields of an input",
               document("mutation($i: SendCommunicationInput!) { sendCommunication(input: $i) "
                        "{ id } }", i={f"f{n}": 1 for n in range(90_000)}), LIMIT,
               "The variable $i holds 90000 fields, of which SendCommunicationInput has "),
    BadRequest("10,000 aliases", document(f"{{ {fields(10_000, ': __typename')} }}"),
               "PAYLOAD_TOO_LARGE", "query: must have at most 65536 characters", 413),
    BadRequest("5,000 short aliases", document(f"{{ {fields(5_000, ':a')} }}"), LIMIT,
               "The document has more tokens than the 4000 that are allowed."),
    BadRequest("1,000 aliases", document(f"{{ {fields(1_000, ':a')} }}"), LIMIT,
               "The operation has 1000 aliases; at most 30 are allowed."),
    BadRequest("50 deep", document("{ a" * 50 + " }" * 50), LIMIT,
               "The operation is 50 fields deep; at most 12 are allowed."),
    BadRequest("1,500 deep", document("{ a" * 1500 + " }" * 1500), UNPARSED,
               "Syntax Error: Document is nested too deeply."),
    BadRequest("1,500 deep in a list", document("{ a(b: " + "[" * 1500 + "]" * 1500 + ") }"),
               UNPARSED, "Syntax Error: Document is nested too deeply."),
    BadRequest("circular fragments",
               document("{ ...F0 } " + chain(90, "NEXT", "...F0")), INVALID,
               "Cannot spread fragment 'F0' within itself via"),
    BadRequest("500 fragments", document("{ ...F0 } " + chain(450, "NEXT", "__typename")), LIMIT,
               "The document has 452 operations and fragments; at most 100 are allowed."),
    BadRequest("fragments that double to a trillion aliases",
               document("{ ...F0 } " + chain(40, "NEXT NEXT", "a: __typename")), LIMIT,
               f"The operation has {2**40} aliases; at most 30 are allowed."),
    BadRequest("lists of lists of lists", document(
               '{ communication(id: "1") { ...F0 } } ' + chain(
                   3, "template { communications(first: 200) { nodes { NEXT } } }", "id",
                   "Communication")), LIMIT,
               "The operation costs 8120603; at most 100000 is allowed."),
    BadRequest("an alias bomb", document(
               "{ " + " ".join(f"a{n}: {PAGE}" for n in range(20)) + " }"), LIMIT,
               "The operation costs 160020; at most 100000 is allowed."),
    BadRequest("500 directives of one field",
               document("{ __typename " + "@skip(if: true) " * 500 + "}"), LIMIT,
               "The document has 500 directives; at most 40 are allowed."),
    BadRequest("1,900 unknown directives", document("{ __typename " + "@a " * 1900 + "}"), LIMIT,
               "The document has 1900 directives; at most 40 are allowed."),
    BadRequest("900 variables", document(
               "query(" + " ".join(f"$v{n}: ID" for n in range(900)) + ") { __typename }"), LIMIT,
               "The operation has 900 variables; at most 100 are allowed."),
    BadRequest("1,200 arguments", document("{ communication(" + "id: 1 " * 1200 + ") { id } }"),
               INVALID, "There can be only one argument named 'id'."),
    BadRequest("600 operations", document("query A { __typename } " * 600), "BAD_USER_INPUT",
               "operationName: must tell which operation is to run, of: A, A, "),
    BadRequest("1,900 times the same field", document("{ " + "__typename " * 1900 + "}"), LIMIT,
               "The document has 1899 repeated fields; at most 20 are allowed."),
    BadRequest("a document of 1 MB", document("{ a }" + " " * 1_000_000), "PAYLOAD_TOO_LARGE",
               "query: must have at most 65536 characters", 413),
    BadRequest("a comment of 60 kB", document("{ a } #" + "a" * 60_000), INVALID,
               "Cannot query field 'a' on type 'Query'."),
    BadRequest("a batch of 1,000", orjson.dumps([{"query": "{ __typename }"}] * 1000),
               "BAD_USER_INPUT", "A batch must have 1 to 10 operations, and has 1000."),
    BadRequest("duplicate keys", b'{"query": "{ __typename }", "query": "{ a }"}',
               "BAD_USER_INPUT", 'The request has the key "query" twice in one object.'),
    BadRequest("variables nested without end",
               b'{"query": "{ a }", "variables": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001,
               "BAD_USER_INPUT", "The request is not valid JSON: depth limit exceeded"),
    BadRequest("300,000 values",
               b'{"query": "{ a }", "variables": {"a": [' + b"1," * 300_000 + b"1]}}",
               "PAYLOAD_TOO_LARGE", f"The request has more than {VALUES_LIMIT} values.", 413),
    BadRequest("the schema, 20 times", document("{ " + " ".join(
               f"a{n}: __schema {{ types {{ fields {{ type {{ fields {{ args {{ type {{ name }} }} "
               "} } } } }" for n in range(20)) + " }"), LIMIT, "The operation costs "),
]  # fmt: skip
