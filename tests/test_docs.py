"""The operations in README and guide fit the schema, and the guide's table of codes is whole."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from graphql import GraphQLSchema, build_schema, parse, validate

from app.errors import ErrorCode

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs" / "graphql.md").read_text()
README = (ROOT / "README.md").read_text()
SDL = (ROOT / "graphql_schema" / "schema.graphql").read_text()


class Shown(NamedTuple):
    page: str
    line: int
    operation: str


def operations() -> list[Shown]:
    """Blocks of GraphQL, and operations that stand in programs between back ticks."""
    found: list[Shown] = []
    for page, text in (("README.md", README), ("docs/graphql.md", GUIDE)):
        for match in re.finditer(
            r"^```graphql\n(.*?)^```$|`(\s*(?:query|mutation|subscription) .*?)`",
            text,
            re.DOTALL | re.MULTILINE,
        ):
            operation = match[1] or match[2]
            if "{" in operation:
                found.append(Shown(page, text.count("\n", 0, match.start()) + 1, operation))
    return found


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(SDL)


@pytest.mark.parametrize("shown", operations(), ids=lambda shown: f"{shown.page}:{shown.line}")
def test_the_operation_fits_the_schema(shown: Shown, schema: GraphQLSchema) -> None:
    assert validate(schema, parse(shown.operation)) == []


def test_operations_are_found_on_both_pages() -> None:
    assert {shown.page for shown in operations()} == {"README.md", "docs/graphql.md"}
    assert len(operations()) > 15


def test_every_code_of_ours_is_in_the_guide() -> None:
    told = set(re.findall(r"^\| `([A-Z_]+)` \|", GUIDE, re.MULTILINE))

    assert {code.value for code in ErrorCode} - told == set()


@pytest.mark.parametrize("path", re.findall(r"\]\((\.\./[a-zA-Z_/.]+)", GUIDE))
def test_links_lead_somewhere(path: str) -> None:
    assert (ROOT / "docs" / path).exists()
