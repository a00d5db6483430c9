import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from app.context import Deps
from app.dev.folder import DataFolder
from app.services.api_keys import caller_by, key_of

ROOT = Path(__file__).parents[1]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
TOKEN = ["token", "--tenant", "demo", "--user", "alice"]
KEY = ["key", "--tenant", "demo", "--name", "Shop"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs the command in an empty folder, with nothing set but what is given."""

    def letterbox(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        kept = {name: value for name, value in os.environ.items() if "LETTERBOX" not in name}
        return subprocess.run(  # noqa: S603  # ourselves
            [sys.executable, "-m", "app.cli", *arguments],
            env={**kept, "PYTHONPATH": str(ROOT), **variables},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return letterbox


def claims_of(token: str, secret: str) -> dict[str, object]:
    return jwt.decode(token.strip(), OctKey.import_key(secret), algorithms=["HS256"]).claims


def test_token_is_all_that_is_printed(run: Run, tmp_path: Path) -> None:
    secret = DataFolder.at(tmp_path / ".letterbox").jwt_secret()

    done = run(*TOKEN)

    claims = claims_of(done.stdout, secret)
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    assert claims["tenant"] == "demo"
    assert claims["sub"] == "alice"
    lifetime = timedelta(days=30)
    expires = datetime.fromtimestamp(float(str(claims["exp"])), UTC)
    assert abs(expires - datetime.now(UTC) - lifetime) < timedelta(minutes=1)


def test_token_for_a_folder_that_no_stack_has_used_is_refused(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"

    done = run(*TOKEN, "--data-dir", str(folder))

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"No stack has run with this data folder, {folder}: start `letterbox dev` with it, or set "
        "LETTERBOX_JWT_SECRET\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_token_fits_the_secret_of_the_environment(run: Run, tmp_path: Path) -> None:
    secret = "s" * 40

    done = run(*TOKEN, LETTERBOX_JWT_SECRET=secret)

    assert claims_of(done.stdout, secret)["tenant"] == "demo"
    assert not (tmp_path / ".letterbox").exists()


def test_token_carries_the_scopes_asked_for(run: Run) -> None:
    arguments = ["--tenant", "demo", "--user", "bob", "--scope", "communications:read"]

    done = run("token", *arguments, LETTERBOX_JWT_SECRET="s" * 40)

    assert claims_of(done.stdout, "s" * 40)["scope"] == "communications:read"


def test_unknown_scope_names_the_allowed(run: Run) -> None:
    done = run(*TOKEN, "--scope", "everything", LETTERBOX_JWT_SECRET="s" * 40)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Unknown scope everything; there are: communications:read, ")
    assert done.stderr.count("\n") == 1


def test_identity_provider_issues_tokens_itself(run: Run) -> None:
    done = run(*TOKEN, LETTERBOX_JWT_JWKS_URL="https://id.example.com/jwks")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "LETTERBOX_JWT_JWKS_URL is set: your identity provider issues the tokens\n"
    )


@pytest.mark.parametrize("command", [["serve"], ["worker"], ["dev"], TOKEN])
def test_wrong_settings_are_one_line_each(command: list[str], run: Run) -> None:
    done = run(*command, LETTERBOX_PORT="ninety", LETTERBOX_SMTP_SECURITY="some")

    assert (done.returncode, done.stdout) == (2, "")
    port, security = done.stderr.splitlines()
    assert port.startswith("LETTERBOX_PORT: ")
    assert security.startswith("LETTERBOX_SMTP_SECURITY: ")


@pytest.mark.parametrize("command", [["serve"], ["worker"], ["rotate"], KEY])
def test_mongodb_that_does_not_answer_is_one_line(command: list[str], run: Run) -> None:
    done = run(*command, LETTERBOX_MONGO_URL="mongodb://bob:hidden@127.0.0.1:1/")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "MongoDB: no answer at 127.0.0.1:1 (ServerSelectionTimeoutError); "
        "`letterbox doctor` tells more\n"
    )


def test_redis_that_does_not_answer_is_one_line(run: Run, mongo_url: str) -> None:
    done = run(
        "worker",
        LETTERBOX_MONGO_URL=mongo_url,
        LETTERBOX_REDIS_URL="redis://bob:hidden@127.0.0.1:1/0",
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "Redis: no answer at 127.0.0.1:1 (ConnectionError); `letterbox doctor` tells more\n"
    )


def test_secrets_are_rotated(run: Run, mongo_url: str) -> None:
    key = base64.b64encode(bytes(range(32))).decode()
    variables = {"LETTERBOX_MONGO_URL": mongo_url, "LETTERBOX_MONGO_DATABASE": "letterbox-cli"}

    without = run("rotate", **variables)
    done = run("rotate", **variables, LETTERBOX_SECRET_KEYS=key)

    assert (without.returncode, without.stdout) == (1, "")
    assert without.stderr == (
        "This service can keep no provider accounts: LETTERBOX_SECRET_KEYS is not set.\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "0 accounts were encrypted anew.\n",
        "",
    )


async def test_a_key_is_all_that_is_printed(run: Run, deps: Deps) -> None:
    variables = {
        "LETTERBOX_MONGO_URL": deps.settings.mongo_url,
        "LETTERBOX_MONGO_DATABASE": deps.settings.mongo_database,
    }

    done = run(*KEY, "--scope", "communications:read", **variables)
    refused = run(*KEY, "--scope", "everything", **variables)

    assert (done.returncode, done.stdout.count("\n")) == (0, 1)
    assert json.loads(done.stderr)["event"] == "api_key.created"
    caller = await caller_by(done.stdout.strip(), deps.now())
    assert (caller.tenant, caller.scopes) == ("demo", frozenset({"communications:read"}))
    key = await key_of(caller, str(caller.key_id))
    assert (key.name, key.created_by) == ("Shop", "letterbox")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("scopes[0]: must be one of communications:read, ")


def test_schema_is_printed(run: Run) -> None:
    done = run("schema")

    assert done.returncode == 0
    assert "type Query {" in done.stdout


async def test_openapi_prints_what_is_served(run: Run, anonymous: httpx2.AsyncClient) -> None:
    served = await anonymous.get("/api/v1/openapi.json")

    done = run("openapi")

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == served.json()


def test_help_needs_no_server_library(run: Run) -> None:
    done = run("--help", PYTHONPROFILEIMPORTTIME="1")

    assert done.returncode == 0
    assert "\n  inbox" not in done.stdout
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert loaded.isdisjoint({"beanie", "pymongo", "starlette", "strawberry", "uvicorn"})


def test_doctor_fails_where_nothing_runs(run: Run) -> None:
    done = run(
        "doctor",
        LETTERBOX_MONGO_URL="mongodb://127.0.0.1:1/",
        LETTERBOX_REDIS_URL="redis://127.0.0.1:1/0",
        LETTERBOX_SMTP_PORT="1",
    )

    assert done.returncode == 1
    assert "FAIL  MongoDB: no answer at 127.0.0.1:1 " in done.stdout
    assert "Traceback" not in done.stderr
