"""How the stack starts its own processes, and how it asks whether they serve."""

import http.client
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from app.dev.errors import StackError
from app.dev.folder import DataFolder
from app.dev.services import ChildService
from app.embedded.ports import is_open
from app.embedded.process import Child, spawn

PROBE_LIMIT = timedelta(seconds=2)
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # asked there, not bound


class ChildCommands:
    """Starts `letterbox` commands on one data folder; all of them hold its `lock`."""

    def __init__(self, folder: DataFolder, lock: int, inherited: Mapping[str, str]) -> None:
        self._folder = folder
        self._lock = lock
        self._inherited = inherited

    def inbox(self, port: int) -> ChildService:
        arguments = ["inbox", "--port", str(port), "--data-dir", str(self._folder.root)]
        return ChildService(self._spawn("inbox", arguments, {}), lambda: is_open(port))

    def api(self, variables: Mapping[str, str]) -> ChildService:
        host, port = variables["LETTERBOX_HOST"], int(variables["LETTERBOX_PORT"])
        child = self._spawn("api", ["serve"], variables)
        return ChildService(child, lambda: is_api_ready(host, port))

    def inbound(self, port: int, variables: Mapping[str, str], *, own: str | None) -> ChildService:
        """Mail to the domain `own` is the demo tenant's, where one is given."""
        arguments = ["inbound", "--protocol", "smtp", *(() if own is None else ("--for", own))]
        return ChildService(self._spawn("inbound", arguments, variables), lambda: is_open(port))

    def workers(self, count: int, variables: Mapping[str, str]) -> Iterator[ChildService]:
        url = variables["LETTERBOX_REDIS_URL"]
        for number in range(1, count + 1):
            name = "worker" if number == 1 else f"worker-{number}"
            yield ChildService(
                self._spawn(name, ["worker"], variables), lambda: is_worker_ready(url)
            )

    def _spawn(self, name: str, arguments: list[str], variables: Mapping[str, str]) -> Child:
        return spawn(
            name,
            # -P: a folder `app` beside the caller must not stand in for ours.
            [Path(sys.executable), "-P", "-m", "app.cli", *arguments],
            log=self._folder.log(name),
            environment={**self._inherited, **variables, "PYTHONUNBUFFERED": "1"},
            inherited=[self._lock],
        )


def is_api_ready(host: str, port: int) -> bool:
    """Whether the API on this port answers `/readyz` with 200."""
    connection = http.client.HTTPConnection(
        _WILDCARDS.get(host, host), port, timeout=PROBE_LIMIT.total_seconds()
    )
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def is_worker_ready(redis_url: str) -> bool:
    """Whether a worker has written its health key."""
    with Redis.from_url(redis_url, socket_timeout=PROBE_LIMIT.total_seconds()) as client:
        try:
            return bool(client.exists(_health_key()))
        except RedisError:
            return False


def forget_workers(redis_url: str) -> None:
    """Remove the health key that killed workers left behind."""
    with Redis.from_url(redis_url, socket_timeout=PROBE_LIMIT.total_seconds()) as client:
        try:
            client.delete(_health_key())
        except RedisError as error:
            raise StackError(f"LETTERBOX_REDIS_URL: {error}") from error


def _health_key() -> str:
    from workers.settings import HEALTH_KEY  # noqa: PLC0415  # slow to import; servers start first

    return HEALTH_KEY
