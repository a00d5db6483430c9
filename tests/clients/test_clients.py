"""The clients that frontends use, from npm, against a whole `letterbox dev`."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.stack import Stack

HERE = Path(__file__).parent

pytestmark = [pytest.mark.clients, pytest.mark.timeout(300)]


def succeeds(*command: str | Path, environment: Mapping[str, str]) -> None:
    ran = subprocess.run(  # noqa: S603 - our own programs
        command, check=False, cwd=HERE.parents[1], env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """What tells the programs in JavaScript where a fresh stack is."""
    stack = Stack(tmp_path_factory.mktemp("clients"))
    stack.start()
    client = stack.client()
    yield {
        **os.environ,
        "LETTERBOX_URL": str(client.base_url),
        "LETTERBOX_TOKEN": client.headers["Authorization"].removeprefix("Bearer "),
    }
    stack.stop()


@pytest.mark.parametrize("program", sorted(HERE.glob("*.test.js")), ids=lambda path: path.stem)
def test_a_client(program: Path, environment: Mapping[str, str]) -> None:
    succeeds("node", "--test", "--test-reporter=spec", program, environment=environment)


def test_the_schema_linter_has_nothing_to_say() -> None:
    schema = HERE.parents[1] / "graphql_schema" / "schema.graphql"
    options: list[str | Path] = [
        "--no-config-lookup",
        "--max-warnings=0",
        "--config",
        HERE / "eslint.config.js",
    ]
    succeeds(HERE / "node_modules/.bin/eslint", *options, schema, environment=os.environ)
