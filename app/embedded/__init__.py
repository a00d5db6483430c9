"""Real MongoDB and Valkey servers as child processes on loopback, for development and tests."""

from collections.abc import Sequence
from pathlib import Path

from app.embedded.mongod import mongod_program
from app.embedded.servers import Program, RunningServer, wait_until_ready
from app.embedded.valkey import valkey_program


def start_mongod(data_dir: Path, *, log: Path | None = None) -> RunningServer:
    """Start a mongod with its data in `data_dir`; return once it is primary of its replica set.

    The caller stops it. Raises EmbeddedServerError when there is none or it does not start.
    """
    return wait_until_ready(spawn_mongod(data_dir, log=log))


def start_redis(data_dir: Path, *, log: Path | None = None) -> RunningServer:
    """Start a Redis or Valkey with its data in `data_dir`; return once it answers.

    The caller stops it. Raises EmbeddedServerError when there is none or it does not start.
    """
    return wait_until_ready(spawn_redis(data_dir, log=log))


def spawn_mongod(
    data_dir: Path, *, log: Path | None = None, inherited: Sequence[int] = ()
) -> RunningServer:
    """Like `start_mongod`, without waiting: ask its `is_ready()`."""
    folder, log = data_dir.resolve(), (log or data_dir / "mongod.log").resolve()
    return _spawned(mongod_program(folder, log), folder, log, inherited)


def spawn_redis(
    data_dir: Path, *, log: Path | None = None, inherited: Sequence[int] = ()
) -> RunningServer:
    """Like `start_redis`, without waiting: ask its `is_ready()`."""
    folder, log = data_dir.resolve(), (log or data_dir / "redis.log").resolve()
    return _spawned(valkey_program(folder, log), folder, log, inherited)


def _spawned(program: Program, folder: Path, log: Path, inherited: Sequence[int]) -> RunningServer:
    folder.mkdir(parents=True, exist_ok=True)
    return RunningServer(program, log, folder / "letterbox.port", inherited)
