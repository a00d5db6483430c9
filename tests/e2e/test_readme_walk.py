"""The README's walk through every REST route does what it says, on a real stack."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from rest_compat.openapi import document
from rest_compat.routes import BASE
from tests.doors import RestDoor
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

README = Path(__file__).parents[2] / "README.md"
MARK = "<!-- every route: run by tests/e2e/test_readme_walk.py -->\n```bash\n"
# Stands before curl on PATH: notes each call with its exit code.
SHIM = """#!{python}
import json, subprocess, sys
code = subprocess.call(["{curl}", *sys.argv[1:]])
with open("{log}", "a") as log:
    log.write(json.dumps([code, *sys.argv[1:]]) + "\\n")
sys.exit(code)
"""


def walk() -> str:
    """The script, exactly as it stands in the README."""
    return README.read_text().partition(MARK)[2].partition("\n```\n")[0]


def operations() -> set[tuple[str, str]]:
    """Method and path of every documented operation."""
    paths: dict[str, dict[str, Any]] = json.loads(document())["paths"]
    return {(method.upper(), path) for path, item in paths.items() for method in item}


@dataclass(frozen=True)
class Call:
    code: int
    arguments: list[str]

    @property
    def method(self) -> str:
        return self.arguments[self.arguments.index("-X") + 1] if "-X" in self.arguments else "GET"

    @property
    def path(self) -> str:
        [url] = [argument for argument in self.arguments if argument.startswith("http")]
        return urlsplit(url).path

    @property
    def operation(self) -> tuple[str, str]:
        """The documented operation; a path without a variable goes before one with."""
        path = self.path.removeprefix(BASE)
        fitting = [
            documented
            for method, documented in sorted(operations(), key=lambda one: one[1].count("{"))
            if method == self.method and re.fullmatch(re.sub(r"{\w+}", "[^/]+", documented), path)
        ]
        return self.method, fitting[0] if fitting else self.path


@dataclass(frozen=True)
class Walk:
    done: "subprocess.CompletedProcess[str]"
    calls: list[Call]

    def ids(self, method: str, path: str) -> list[str]:
        """The ids that stood in the paths of this operation."""
        pattern = re.compile(BASE + re.sub(r"{\w+}", "([^/]+)", path))
        found = [call for call in self.calls if call.operation == (method, path)]
        return [match[1] for call in found if (match := pattern.fullmatch(call.path))]


@pytest.fixture(scope="module")
def walked(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """The script's run in a folder with `.venv`, as a reader would paste it."""
    folder = tmp_path_factory.mktemp("walk")
    (folder / ".venv").symlink_to(sys.prefix)
    log, shim = folder / "calls", folder / "bin" / "curl"
    shim.parent.mkdir()
    shim.write_text(SHIM.format(python=sys.executable, curl=shutil.which("curl"), log=log))
    shim.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if "LETTERBOX" not in name}
    done = subprocess.run(  # noqa: S603  # our own README
        ["/bin/bash", "-c", walk()],
        cwd=folder,
        env={
            **kept,
            "PATH": f"{shim.parent}:{kept['PATH']}",
            "BASE": f"http://localhost:{stack.port}",
            "LETTERBOX_DATA_DIR": str(stack.data),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    noted = [json.loads(line) for line in log.read_text().splitlines()]
    return Walk(done, [Call(code, arguments) for code, *arguments in noted])


def test_every_call_succeeds(walked: Walk) -> None:
    assert walked.done.returncode == 0, walked.done.stderr
    assert {call.code for call in walked.calls} == {0}


def test_it_calls_every_documented_operation(walked: Walk) -> None:
    called = {call.operation for call in walked.calls}

    assert len(operations()) == 22
    assert called == operations() | {("POST", "/graphql"), ("POST", "/api/v1/inbound/mime")}


def _is_through(record: dict[str, Any]) -> bool:
    """Whether workers have sent it again, and counted what was fetched."""
    types = {event["type"] for event in record["events"]}
    return record["status"] == "SENT" and types >= {"OPEN", "CLICK"}


async def test_its_effects_can_be_read(walked: Walk, stack: Stack) -> None:
    [mail] = walked.ids("POST", "/{id}/comment")
    [cancelled] = walked.ids("POST", "/{id}/cancel")
    async with stack.client(tenant="demo") as client:
        door = RestDoor(client)
        while not _is_through(sent := (await door.find(mail)).record):  # noqa: ASYNC110 - workers are waited for
            await asyncio.sleep(0.05)
        called_off = (await door.find(cancelled)).record
        thread = (await door.thread(mail)).record

    comments = [event for event in sent["events"] if event["type"] == "COMMENT"]
    assert [event["description"] for event in comments] == ["Called him: he wants delivery in May."]
    happened = Counter(event["type"] for event in sent["events"])
    assert (happened["RESEND"], happened["OPEN"], happened["CLICK"]) == (1, 1, 1)
    assert called_off["status"] == "CANCELLED"
    assert [one["bodyText"] for one in thread["inbound"]] == ["Gladly. When can you deliver?"]
    assert [one["id"] for one in thread["outbound"]] == [mail]


async def test_what_it_deletes_is_gone(walked: Walk, stack: Stack) -> None:
    [one] = walked.ids("DELETE", "/{id}")
    [listed] = [call for call in walked.calls if call.operation == ("DELETE", "/delete-list")]
    several = re.findall(r"[0-9a-f]{24}", " ".join(listed.arguments))

    async with stack.client(tenant="demo") as client:
        answers = [await RestDoor(client).find(id_) for id_ in (one, *several)]

    assert [answer.code for answer in answers] == ["NOT_FOUND"] * 3
