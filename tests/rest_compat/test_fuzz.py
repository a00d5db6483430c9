"""The whole contract under fuzzing: every check and phase of schemathesis, bounded in time."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.types import ASGIApp

from app.context import Deps
from app.services import delivery
from tests.doors import RestDoor
from tests.fakes import serving

EXAMPLES = 25
SEED = 20261124


@pytest.fixture
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """The application on a loopback port; its address."""
    async with serving.served(app) as url:
        yield url


@pytest.fixture
async def some_mail(client: httpx2.AsyncClient, mail: dict[str, Any], deps: Deps) -> None:
    """Something to find: a mail that was sent, and one that waits."""
    door = RestDoor(client)
    sent = await door.send({**mail, "relatedEntityType": "deal", "relatedEntityId": "42"})
    await delivery.dispatch(deps, sent.record["id"])
    await door.schedule({**mail, "scheduledAt": "2999-01-01T00:00:00Z"})


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("some_mail")
async def test_every_answer_is_a_documented_one(
    served: str, token: Callable[..., str], tmp_path: Path
) -> None:
    output = tmp_path / "schemathesis.txt"

    with output.open("wb") as written:
        fuzzing = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("schemathesis"),
            "run",
            f"{served}/api/v1/openapi.json",
            *("--url", f"{served}/api/v1/communications"),
            *("--header", f"Authorization: Bearer {token()}"),
            *("--checks", "all"),
            *("--phases", "examples,coverage,fuzzing,stateful"),
            *("--max-examples", str(EXAMPLES)),
            *("--seed", str(SEED)),
            *("--suppress-health-check", "all"),
            "--no-color",
            env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.rest_compat.fuzz_hooks"},
            cwd=Path(__file__).parent.parent.parent,
            stdout=written,
            stderr=subprocess.STDOUT,
        )
        code = await fuzzing.wait()

    assert code == 0, output.read_text()[-20_000:]
