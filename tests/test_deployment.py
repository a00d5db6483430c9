"""No Docker engine is needed to see that image and compose file fit the service."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from app.cli import app
from app.settings import Settings

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("api", "worker", "inbound")
VARIABLES = {f"LETTERBOX_{name.upper()}" for name in Settings.model_fields}


def commands() -> set[str]:
    command = get_command(app)
    return set(getattr(command, "commands"))  # noqa: B009 - typer's group, untyped


def test_all_parts_are_there() -> None:
    assert SERVICES.keys() == {"api", "worker", "inbound", "mongo", "valkey", "mailpit"}


def test_one_image_runs_three_commands() -> None:
    assert {SERVICES[name]["image"] for name in OURS} == {"letterbox:latest"}
    assert [SERVICES[name]["command"][0] for name in OURS] == ["serve", "worker", "inbound"]
    assert {"serve", "worker", "inbound"} <= commands()


@pytest.mark.parametrize("name", OURS)
def test_only_settings_that_exist_are_set(name: str) -> None:
    assert SERVICES[name]["environment"].keys() <= VARIABLES


@pytest.mark.parametrize("name", OURS)
def test_nothing_of_ours_starts_before_its_servers_are_well(name: str) -> None:
    conditions = {
        server: need["condition"] for server, need in SERVICES[name]["depends_on"].items()
    }

    assert conditions == {"mongo": "service_healthy", "valkey": "service_healthy"}
    assert all("healthcheck" in SERVICES[server] for server in conditions)


def test_mongo_is_the_replica_set_that_we_ask_for() -> None:
    url = SERVICES["api"]["environment"]["LETTERBOX_MONGO_URL"]

    assert url == "mongodb://mongo:27017/?replicaSet=rs0"
    command = SERVICES["mongo"]["command"]
    assert command[1:3] == ["--replSet", "rs0"]
    assert command[-2:] == ["--setParameter", "transactionLifetimeLimitSeconds=10"]
    assert 'host: "mongo:27017"' in SERVICES["mongo"]["healthcheck"]["test"][-1]


@pytest.mark.parametrize("name", ["LETTERBOX_JWT_SECRET", "LETTERBOX_SECRET_KEYS"])
def test_nothing_starts_with_a_secret_of_ours(name: str) -> None:
    for service in OURS:
        assert SERVICES[service]["environment"][name].startswith(f"${{{name}:?make one with ")


def test_every_volume_is_declared() -> None:
    used = {v.split(":")[0] for s in SERVICES.values() for v in s.get("volumes", [])}

    assert used == COMPOSE["volumes"].keys()


def test_the_image_holds_every_package_and_locked_dependencies_only() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    copied = set(re.findall(r"^COPY (\w+) \1$", dockerfile, re.MULTILINE))

    assert copied == {"app", "graphql_schema", "rest_compat", "workers"}
    assert "--require-hashes -r /tmp/requirements.lock" in dockerfile
    assert "USER letterbox" in dockerfile


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_locks_are_hashed_and_name_no_index(lock: str) -> None:
    lines = (ROOT / lock).read_text().splitlines()
    pinned = [n for n, line in enumerate(lines) if re.match(r"[a-z0-9]", line)]

    assert all("--hash=sha256:" in lines[n + 1] for n in pinned)
    assert not [line for line in lines if "index-url" in line or "find-links" in line]
