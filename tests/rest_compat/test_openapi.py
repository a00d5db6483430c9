"""What is served is the documented contract, valid, browsable, and good for making a client."""

import importlib
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
import yaml
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import Route
from starlette.types import ASGIApp

from app.documents.fields import FIELDS, SORTABLE
from rest_compat.openapi import DOCUMENT
from rest_compat.routes import BASE, rest_routes

CONTRACT = yaml.load(
    (Path(__file__).parent.parent / "contract" / "communications.openapi.yaml").read_text(),
    yaml.CSafeLoader,
)
SERVED = json.loads(DOCUMENT.read_text())
OPERATIONS = [
    (path, method) for path, operations in CONTRACT["paths"].items() for method in operations
]
SCHEMAS = list(CONTRACT["components"]["schemas"])
# What we added to the contract. No legacy client has to send it, or gets it without sending it.
ADDED = {
    "CommunicationRecord": {"attachments"},
    "SendRequest": {"attachments"},
    "ScheduleRequest": {"attachments"},
    "SendTemplateRequest": {"attachments"},
}


def types_of(schema: dict[str, Any]) -> object:
    """The JSON types a field may have, or what it refers to."""
    if "$ref" in schema:
        return schema["$ref"]
    kind = schema.get("type")
    items = types_of(schema["items"]) if "items" in schema else None
    return (kind if isinstance(kind, str) else tuple(kind or ()), items)


def body_of(operation: dict[str, Any]) -> dict[str, object]:
    """The media types of a request's body, and what each holds."""
    content = operation.get("requestBody", {}).get("content", {})
    return {media_type: types_of(body["schema"]) for media_type, body in content.items()}


async def test_the_document_is_served_to_anyone(anonymous: httpx2.AsyncClient) -> None:
    response = await anonymous.get("/api/v1/openapi.json")

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json() == SERVED


def test_it_is_valid_openapi_3_1() -> None:
    OpenAPIV31SpecValidator(SERVED).validate()
    assert SERVED["openapi"].startswith("3.1")


def test_it_has_the_paths_and_methods_of_the_contract() -> None:
    served = [(path, m) for path, operations in SERVED["paths"].items() for m in operations]

    assert sorted(served) == sorted(OPERATIONS)
    assert len(served) == 22


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_an_operation_is_the_documented_one(path: str, method: str) -> None:
    documented, served = CONTRACT["paths"][path][method], SERVED["paths"][path][method]

    def parameters(operation: dict[str, Any]) -> list[tuple[str, str, bool, object]]:
        return [
            (p["name"], p["in"], p["required"], p["schema"]["type"])
            for p in operation.get("parameters", [])
        ]

    assert served["operationId"] == documented["operationId"]
    assert parameters(served) == parameters(documented)
    assert documented["responses"].keys() <= served["responses"].keys()
    assert body_of(served) == body_of(documented)
    assert served.get("security") == documented.get("security")
    for status, response in documented["responses"].items():
        assert served["responses"][status].get("content") == response.get("content")


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_has_the_documented_fields(name: str) -> None:
    documented = CONTRACT["components"]["schemas"][name]
    served = SERVED["components"]["schemas"][name]

    added = ADDED.get(name, set())
    assert served["properties"].keys() == documented["properties"].keys() | added
    assert not added & documented["properties"].keys()
    assert served.get("required") == documented.get("required")


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in SCHEMAS
        if not name.endswith("Request") and name not in {"DynamicSearch", "SortField"}
    ],
)
def test_an_answer_has_the_documented_types(name: str) -> None:
    documented = CONTRACT["components"]["schemas"][name]["properties"]
    served = SERVED["components"]["schemas"][name]["properties"]
    added = ADDED.get(name, set())

    assert {f: types_of(s) for f, s in served.items() if f not in added} == {
        f: types_of(s) for f, s in documented.items()
    }


async def test_an_answer_without_attachments_has_the_documented_fields_alone(
    client: httpx2.AsyncClient, mail: dict[str, Any]
) -> None:
    documented = CONTRACT["components"]["schemas"]["CommunicationRecord"]["properties"]

    sent = await client.post(f"{BASE}/send", json=mail)
    listed = await client.get(f"{BASE}/find-all")

    assert sent.json().keys() == documented.keys()
    assert [record.keys() for record in listed.json()] == [documented.keys()]


def test_every_documented_operation_is_routed() -> None:
    routed = {
        (route.path, method)
        for route in rest_routes()
        if isinstance(route, Route)
        for method in route.methods or ()
    }

    assert {(f"{BASE}{path}", method.upper()) for path, method in OPERATIONS} <= routed


def test_the_fields_to_filter_and_sort_by_are_named() -> None:
    schemas = SERVED["components"]["schemas"]

    assert schemas["DynamicSearch"]["properties"]["filters"]["properties"].keys() == FIELDS.keys()
    assert schemas["SortField"]["properties"]["field"]["enum"] == list(SORTABLE)


@pytest.mark.parametrize("value", ["", "  ", None, "jan@customer.test"], ids=repr)
@pytest.mark.parametrize("name", ["replyTo", "senderEmail", "scheduledAt"])
async def test_what_is_blank_is_documented_to_be_none(
    client: httpx2.AsyncClient, mail: dict[str, Any], name: str, value: str | None
) -> None:
    path, schema = f"{BASE}/send", SERVED["components"]["schemas"]["SendRequest"]
    if name == "scheduledAt":
        schema = SERVED["components"]["schemas"]["SendTemplateRequest"]
        path = f"{BASE}/send-template/6b050e9454d4a1b9322b3eaa"
    validator = OAS31Validator(
        schema["properties"][name], format_checker=OAS31Validator.FORMAT_CHECKER
    )

    answer = await client.post(path, json={**mail, name: value})

    is_taken = name != "scheduledAt" or value != "jan@customer.test"
    assert validator.is_valid(value) is is_taken
    assert (answer.status_code == 400) is not is_taken


async def test_the_page_needs_nothing_from_elsewhere(anonymous: httpx2.AsyncClient) -> None:
    page = await anonymous.get("/api/v1/docs")

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in page.headers["content-security-policy"]
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(links) == 4
    for link in links:
        assert not link.startswith(("http", "//"))
        assert (await anonymous.get(f"/api/v1/{link}")).status_code == 200
    start = await anonymous.get("/api/v1/docs/start.js")
    assert 'url: "openapi.json"' in start.text


@pytest.fixture
def generated_client(tmp_path: Path) -> Iterator[Any]:
    """A Python client made from the served document by openapi-python-client."""
    document, config = tmp_path / "openapi.json", tmp_path / "config.yml"
    document.write_text(json.dumps(SERVED))
    config.write_text("post_hooks: []\n")
    subprocess.run(  # noqa: S603 - our own tool
        [
            Path(sys.executable).with_name("openapi-python-client"),
            "generate",
            *("--path", document),
            *("--config", config),
            *("--meta", "none"),
            *("--output-path", tmp_path / "letterbox_client"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    sys.path.insert(0, str(tmp_path))
    yield importlib.import_module("letterbox_client")
    sys.path.remove(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith("letterbox_client")]:
        del sys.modules[name]


async def test_a_client_made_from_it_works(
    generated_client: Any, app: ASGIApp, token: Callable[..., str], mail: dict[str, Any]
) -> None:
    api = "letterbox_client.api.communications_api"
    send = importlib.import_module(f"{api}.send")
    find_by_id = importlib.import_module(f"{api}.find_by_id")
    models = importlib.import_module("letterbox_client.models")
    # The generated code is made for httpx, which httpx2 follows.
    async with generated_client.AuthenticatedClient(
        base_url="http://api.test/api/v1/communications",
        token=token(),
        httpx_args={"transport": httpx.ASGITransport(app=app)},
    ) as client:
        accepted = await send.asyncio(client=client, body=models.SendRequest.from_dict(mail))
        found = await find_by_id.asyncio(accepted.id, client=client)
        refused = await find_by_id.asyncio("unknown", client=client)

    assert accepted.status == "PENDING"
    assert accepted.recipients == mail["recipients"]
    assert found == accepted
    assert refused.title == "Not Found"
