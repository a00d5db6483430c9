"""Files by the GraphQL multipart request specification, and every way to get it wrong."""

import gc
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import pytest

from app.context import Deps
from app.documents.attachments import AttachmentContent
from app.documents.communications import Communication
from app.services import delivery
from graphql_schema.multipart import FILES_LIMIT, PLACES_LIMIT
from tests.doors import RestDoor
from tests.fakes.relay import Relay
from tests.services.test_attachments import files_of

SEND = (
    "mutation Send($input: SendCommunicationInput!) { sendCommunication(input: $input) "
    "{ id attachments { filename contentType size contentId } } }"
)
PDF = ("Offerte Één.pdf", b"%PDF-1.7", "application/pdf")
PLACE = "variables.input.attachments.0.source.file"
Form = dict[str, Any]
Footprint = Callable[[], Awaitable[dict[str, Any]]]


@pytest.fixture
def operations(mail: dict[str, Any]) -> dict[str, Any]:
    return {
        "query": SEND,
        "variables": {"input": {**mail, "attachments": [{"source": {"file": None}}]}},
    }


@pytest.fixture
def post(client: httpx2.AsyncClient) -> Callable[..., Awaitable[httpx2.Response]]:
    """Posts a form of these parts; texts that are no strings are written as JSON."""

    async def send(files: list[tuple[str, Any]] | None = None, **texts: Any) -> httpx2.Response:
        parts: list[tuple[str, Any]] = [
            (name, (None, text if isinstance(text, str | bytes) else json.dumps(text)))
            for name, text in texts.items()
        ]
        return await client.post("/graphql", files=[*parts, *(files or [])])

    return send


def error_of(response: httpx2.Response) -> tuple[int, str, str]:
    """The status, code and words of the one error."""
    [error] = response.json()["errors"]
    return response.status_code, error["extensions"]["code"], error["message"]


async def test_a_file_is_sent(
    post: Any, operations: Form, deps: Deps, relay: Relay, client: httpx2.AsyncClient
) -> None:
    response = await post([("0", PDF)], operations=operations, map={"0": [PLACE]})

    sent = response.json()["data"]["sendCommunication"]
    assert sent["attachments"] == [
        {
            "filename": "Offerte Één.pdf",
            "contentType": "application/pdf",
            "size": 8,
            "contentId": None,
        }
    ]
    await delivery.dispatch(deps, sent["id"])
    assert files_of(relay.taken[0].message) == {"Offerte Één.pdf": b"%PDF-1.7"}


async def test_what_the_input_says_goes_before_what_the_part_says(
    post: Any, operations: Form
) -> None:
    operations["variables"]["input"]["attachments"] = [
        {
            "source": {"file": None},
            "filename": "logo.png",
            "contentType": "image/png",
            "contentId": "logo",
        },
        # A part that does not know its type is guessed by the name.
        {"source": {"file": None}, "filename": "table.csv"},
        {"source": {"content": "QUJD"}, "filename": "abc.txt"},
    ]

    response = await post(
        [("a", PDF), ("b", ("x", b"1;2", "application/octet-stream"))],
        operations=operations,
        map={"a": [PLACE], "b": ["variables.input.attachments.1.source.file"]},
    )

    assert response.json()["data"]["sendCommunication"]["attachments"] == [
        {"filename": "logo.png", "contentType": "image/png", "size": 8, "contentId": "logo"},
        {"filename": "table.csv", "contentType": "text/csv", "size": 3, "contentId": None},
        {"filename": "abc.txt", "contentType": "text/plain", "size": 3, "contentId": None},
    ]


async def test_one_file_may_have_several_places(post: Any, operations: Form) -> None:
    operations["variables"]["input"]["attachments"] *= 2

    response = await post(
        [("0", PDF)],
        operations=operations,
        map={"0": [PLACE, "variables.input.attachments.1.source.file"]},
    )

    assert len(response.json()["data"]["sendCommunication"]["attachments"]) == 2
    assert await AttachmentContent.count() == 1


async def test_an_operation_may_come_without_files(post: Any) -> None:
    response = await post(operations={"query": "{ __typename }"}, map={})

    assert response.json()["data"] == {"__typename": "Query"}


async def test_the_parts_may_come_in_any_order(
    client: httpx2.AsyncClient, operations: Form
) -> None:
    response = await client.post(
        "/graphql",
        files=[
            ("0", PDF),
            ("map", (None, json.dumps({"0": [PLACE]}))),
            ("operations", (None, json.dumps(operations))),
        ],
    )

    assert "errors" not in response.json()


async def test_twenty_five_megabytes_come_on_disk(post: Any, operations: Form, deps: Deps) -> None:
    large = b"x" * deps.settings.attachments_limit

    whole = await post([("0", ("a.bin", large))], operations=operations, map={"0": [PLACE]})
    more = await post([("0", ("a.bin", large + b"x"))], operations=operations, map={"0": [PLACE]})

    assert whole.json()["data"]["sendCommunication"]["attachments"][0]["size"] == len(large)
    assert error_of(more)[1] == "PAYLOAD_TOO_LARGE"
    assert await AttachmentContent.count() == 1


async def test_a_key_covers_files(
    client: httpx2.AsyncClient, post: Any, operations: Form, mail: dict[str, Any]
) -> None:
    client.headers["Idempotency-Key"] = "k"
    form = {"operations": operations, "map": {"0": [PLACE]}}

    first = await post([("0", PDF)], **form)
    again = await post([("0", PDF)], **form)
    other = await post([("0", ("Offerte Één.pdf", b"%PDF-1.8", "application/pdf"))], **form)
    content = {"filename": "Offerte Één.pdf", "content": "JVBERi0xLjc="}
    by_rest = await RestDoor(client).send({**mail, "attachments": [content]}, key="k")

    assert again.json() == first.json()
    assert error_of(other)[1] == "CONFLICT"
    assert by_rest.record["id"] == first.json()["data"]["sendCommunication"]["id"]


BROKEN: list[tuple[str, Form, str]] = [
    ("no operations", {"operations": None}, "operations: must be a part of the form"),
    ("no map", {"map": None}, "map: must be a part of the form"),
    ("operations no JSON", {"operations": "{"}, "operations: is not valid JSON"),
    ("map no JSON", {"map": "{"}, "map: is not valid JSON"),
    ("map a list", {"map": [["0", PLACE]]}, "map: must be an object"),
    ("paths no list", {"map": {"0": PLACE}}, "map: must be an object"),
    ("no path", {"map": {"0": []}}, "map: must be an object"),
    ("a path that is a number", {"map": {"0": [0]}}, "map: must be an object"),
    ("a file without place", {"map": {}}, "map: the file '0' has no place in it"),
    ("a place without file", {"map": {"0": [PLACE], "1": [PLACE]}}, "map: there is no file '1'"),
    ("too many paths", {"map": {"0": [PLACE] * (PLACES_LIMIT + 1)}}, "map: must have at most"),
    ("the same place twice", {"map": {"0": [PLACE, PLACE]}}, "map: there must be null at"),
    ("a place that is taken", {"map": {"0": ["variables.input.subject"]}}, "must be null at"),
    ("an object as place", {"map": {"0": ["variables.input"]}}, "must be null at"),
    ("the query as place", {"map": {"0": ["query"]}}, "is no path into the variables"),
    ("the variables themselves", {"map": {"0": ["variables"]}}, "is no path into the variables"),
    ("an empty path", {"map": {"0": [""]}}, "is no path into the variables"),
    ("a path too deep", {"map": {"0": ["variables" + ".a" * 21]}}, "is no path into"),
    ("a place that is not there", {"map": {"0": ["variables.input.file"]}}, "leads nowhere"),
    ("an index too high", {"map": {"0": ["variables.input.attachments.1.source.file"]}},
     "leads nowhere"),
    ("a negative index", {"map": {"0": ["variables.input.attachments.-1.source.file"]}},
     "leads nowhere"),
    ("a huge index", {"map": {"0": ["variables.input.attachments." + "9" * 9999]}},
     "leads nowhere"),
    ("an index that is odd", {"map": {"0": ["variables.input.attachments.².source.file"]}},
     "leads nowhere"),
    ("a batch of operations", {"operations": [{"query": SEND}], "map": {"0": ["0.variables.a"]}},
     "is no path into the variables"),
    ("an operation without query", {"operations": {"variables": {"a": None}},
                                    "map": {"0": ["variables.a"]}}, "query: must be a string"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "words"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
async def test_a_broken_form_is_told_and_changes_nothing(
    post: Any, operations: Form, footprint: Footprint, changes: Form, words: str
) -> None:
    before = await footprint()
    form = {"operations": operations, "map": {"0": [PLACE]}, **changes}

    response = await post([("0", PDF)], **{n: v for n, v in form.items() if v is not None})

    status, code, message = error_of(response)
    assert (status, code) == (400, "BAD_USER_INPUT")
    assert words in message
    assert len(message) < 400
    assert await footprint() == before


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([("operations", (None, "{}"))] * 2, "operations: must be a part of the form, once"),
        ([("operations", (None, "{}"))] * 2 + [("map", (None, "{}"))], "Too many fields"),
        ([("operations", ("a.json", "{}")), ("map", (None, "{}"))],
         "operations: must be a part of the form"),
        ([("operations", (None, "{}")), ("map", (None, "{}")), ("other", (None, "x"))],
         "Too many fields"),
        ([("0", PDF), ("0", PDF), ("operations", (None, "{}")), ("map", (None, "{}"))],
         "There are two files '0'."),
        ([(str(n), PDF) for n in range(FILES_LIMIT + 1)], "Too many files"),
    ],
)  # fmt: skip
async def test_too_many_parts_are_refused(
    client: httpx2.AsyncClient, parts: list[Any], words: str
) -> None:
    status, code, message = error_of(await client.post("/graphql", files=parts))

    assert (status, code) == (400, "BAD_USER_INPUT")
    assert words in message


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("multipart/form-data", b"--a\r\n"),
        ("multipart/form-data; boundary=a", b""),
        ("multipart/form-data; boundary=a", b"nonsense"),
        ("multipart/form-data; boundary=a", b"--a\r\n\r\nx\r\n--a--"),
        ("multipart/form-data; boundary=a",
         b'--a\r\nContent-Disposition: form-data; name="operations"\r\n\r\n{"query":"{a}"}'),
        ("multipart/form-data; boundary=a; charset=nonsense", b"--a--\r\n"),
    ],
)  # fmt: skip
async def test_what_is_no_form_is_refused(
    client: httpx2.AsyncClient, content_type: str, content: bytes
) -> None:
    response = await client.post(
        "/graphql", content=content, headers={"Content-Type": content_type}
    )

    assert error_of(response)[:2] == (400, "BAD_USER_INPUT")


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ({"source": {"file": "a string"}}, "must be a file of a multipart request"),
        ({"source": {"file": None}}, "Value for member field 'file' must be non-null"),
        ({"source": {}}, "'AttachmentSource' must specify exactly one key"),
        ({"source": {"content": "QUJD", "file": None}}, "must specify exactly one key"),
        ({"filename": "a"}, "to include required field 'source'"),
        ({"source": {"content": "QUJD"}}, "attachments[0].filename: is required"),
        ({"source": {"content": "%"}, "filename": "a"}, "attachments[0].source: must be base64"),
    ],
)
async def test_a_file_must_come_as_one(
    client: httpx2.AsyncClient, mail: dict[str, Any], file: Form, words: str
) -> None:
    given = {**mail, "attachments": [file]}

    response = await client.post("/graphql", json={"query": SEND, "variables": {"input": given}})

    assert error_of(response)[1] == "BAD_USER_INPUT"
    assert words in error_of(response)[2]
    assert await Communication.count() == 0


async def test_a_file_and_content_exclude_each_other(post: Any, operations: Form) -> None:
    operations["variables"]["input"]["attachments"][0]["source"]["content"] = "QUJD"

    response = await post([("0", PDF)], operations=operations, map={"0": [PLACE]})

    assert error_of(response)[1:] == (
        "BAD_USER_INPUT", "OneOf Input Object 'AttachmentSource' must specify exactly one key."
    )  # fmt: skip


async def test_a_file_where_none_belongs_is_wrong_input(post: Any) -> None:
    operations = {
        "query": "query($id: ID!) { communication(id: $id) { id } }",
        "variables": {"id": None},
    }

    response = await post([("0", PDF)], operations=operations, map={"0": ["variables.id"]})

    assert error_of(response)[1] == "BAD_USER_INPUT"


async def test_an_empty_file_is_refused(post: Any, operations: Form) -> None:
    response = await post([("0", ("a.pdf", b""))], operations=operations, map={"0": [PLACE]})

    assert error_of(response)[2] == "attachments[0].source: must not be empty"


async def test_an_anonymous_form_is_refused_unread(client: httpx2.AsyncClient) -> None:
    """It also cannot be forged: no browser adds the token to a form of another site."""
    del client.headers["Authorization"]
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(100):
            read += 1
            yield b"x" * 1000

    response = await client.post(
        "/graphql",
        content=body(),
        headers={"Content-Type": "multipart/form-data; boundary=a"},
    )

    assert error_of(response)[:2] == (401, "UNAUTHENTICATED")
    assert read == 0
    assert response.headers["www-authenticate"] == "Bearer"
    assert "access-control-allow-origin" not in response.headers


async def test_more_than_a_request_may_have_is_too_large(
    post: Any, operations: Form, deps: Deps
) -> None:
    large = b"x" * (deps.settings.request_limit + 1)

    response = await post([("0", ("a.bin", large))], operations=operations, map={"0": [PLACE]})

    assert error_of(response)[:2] == (413, "PAYLOAD_TOO_LARGE")
    # Files that were on disk are closed: nothing warns when they are collected.
    gc.collect()
