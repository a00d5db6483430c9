import json
import re
from pathlib import Path

import httpx2
import pytest
from graphql import (
    GraphQLSchema,
    OperationDefinitionNode,
    build_client_schema,
    build_schema,
    get_introspection_query,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

import graphql_schema
from graphql_schema.graphiql import assets, page
from graphql_schema.graphiql.assets import ASSETS

SDL = Path(graphql_schema.__path__[0], "schema.graphql")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that holds all files, as `npm ci` leaves them."""
    monkeypatch.setattr(assets, "INSTALLED", tmp_path)
    for asset in ASSETS.values():
        asset.file.parent.mkdir(parents=True, exist_ok=True)
        asset.file.write_text(f"/* {asset.name} */")
    return tmp_path


async def test_with_npm_every_file_comes_from_here(
    anonymous: httpx2.AsyncClient, installed: Path
) -> None:
    shown = await anonymous.get("/graphql", headers={"Accept": "text/html,*/*;q=0.8"})

    addresses = re.findall(r'(?:src|href)="(?!data:)([^"]+)"', shown.text)
    assert shown.status_code == 200
    assert shown.headers["content-type"] == "text/html; charset=utf-8"
    assert len(addresses) == len(ASSETS) + 1
    assert assets.CDN not in shown.text + shown.headers["content-security-policy"]
    for address in addresses:
        answer = await anonymous.get(address)
        assert (answer.status_code, bool(answer.content)) == (200, True), address
        assert answer.headers["content-type"].startswith(("text/css", "text/javascript"))


async def test_without_npm_they_come_from_a_cdn_and_are_checked(
    anonymous: httpx2.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "INSTALLED", tmp_path)

    shown = await anonymous.get("/graphql", headers={"Accept": "text/html"})

    for asset in ASSETS.values():
        assert f'"{asset.remote}" integrity="{asset.integrity}"' in shown.text
        assert (await anonymous.get(f"/graphql/assets/{asset.name}")).status_code == 404
    policy = shown.headers["content-security-policy"]
    assert f"script-src 'self' {assets.CDN};" in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("name", ["package.json", "..%2fassets.py", "react.js/x", ""])
async def test_nothing_else_is_served(
    anonymous: httpx2.AsyncClient, installed: Path, name: str
) -> None:
    assert (await anonymous.get(f"/graphql/assets/{name}")).status_code == 404


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(SDL.read_text())


@pytest.mark.parametrize("example", page.examples(), ids=lambda example: example["title"])
def test_the_example_in_a_tab_can_be_run(example: dict[str, str], schema: GraphQLSchema) -> None:
    document = parse(example["query"])
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)

    assert validate(schema, document) == []
    variables = json.loads(example["variables"] or "{}")
    values = get_variable_values(schema, operation.variable_definitions or (), variables)
    assert not isinstance(values, list), values


def test_each_kind_of_operation_has_an_example() -> None:
    kinds = {
        definition.operation.value
        for example in page.examples()
        for definition in parse(example["query"]).definitions
        if isinstance(definition, OperationDefinitionNode)
    }

    assert kinds == {"query", "mutation", "subscription"}


async def test_the_editor_can_read_the_schema(anonymous: httpx2.AsyncClient) -> None:
    # As deep as graphql-js asks, and GraphiQL with it.
    query = get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
    )

    answer = await anonymous.post("/graphql", json={"query": query})

    assert answer.json().get("errors") is None
    assert build_client_schema(answer.json()["data"]).query_type is not None
