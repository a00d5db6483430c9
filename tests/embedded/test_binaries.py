import platform
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.embedded.binaries import find_mongod, find_redis
from app.embedded.errors import EmbeddedServerError


@pytest.fixture
def empty_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def no_wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])


def test_mongod_on_path_comes_first(program_on_path: Callable[[str, str], Path]) -> None:
    own = program_on_path("mongod", "exit 0")

    assert find_mongod() == own


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_redis_on_path_comes_first(name: str, program_on_path: Callable[[str, str], Path]) -> None:
    own = program_on_path(name, "exit 0")

    assert find_redis() == own


@pytest.mark.usefixtures("empty_path")
def test_wheels_come_second() -> None:
    assert find_mongod().parts[-4:] == ("fiftyone", "db", "bin", "mongod")
    assert find_redis().name == "valkey-server"


@pytest.mark.usefixtures("empty_path")
def test_program_of_a_wheel_is_made_executable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "fiftyone" / "db" / "bin" / "mongod"
    program.parent.mkdir(parents=True)
    program.write_text("")
    program.chmod(0o644)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])

    assert find_mongod() == program
    assert program.stat().st_mode & 0o777 == 0o755


@pytest.mark.usefixtures("empty_path", "no_wheels")
def test_without_mongod_one_line_says_what_to_do() -> None:
    with pytest.raises(EmbeddedServerError) as caught:
        find_mongod()

    assert "install MongoDB 6 or newer, or set LETTERBOX_MONGO_URL" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("empty_path")
def test_unknown_platform_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "FreeBSD")
    monkeypatch.setattr(platform, "machine", lambda: "amd64")

    with pytest.raises(EmbeddedServerError, match=r"^No Redis or Valkey for freebsd-x86_64: "):
        find_redis()
