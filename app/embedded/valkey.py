from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from app.embedded.binaries import REDIS_REMEDY, find_redis
from app.embedded.ports import LOOPBACK, is_open
from app.embedded.servers import Program


class ValkeyReadiness:
    """True once the Redis or Valkey with this process id has loaded its data."""

    def __init__(self, port: int, pid: int) -> None:
        self._port = port
        self._pid = pid

    def __call__(self) -> bool:
        if not is_open(self._port):
            return False
        with Redis(host=LOOPBACK, port=self._port, socket_timeout=1) as client:
            try:
                return int(client.info("server")["process_id"]) == self._pid and client.ping()
            except RedisError:
                return False

    def close(self) -> None:
        """Hold nothing between two questions."""


def valkey_program(data_dir: Path, log: Path) -> Program:
    """Describe a server kept in `data_dir`; raises EmbeddedServerError without a binary."""
    binary = find_redis()

    def command(port: int) -> list[str | Path]:
        return [binary, "--port", str(port), "--dir", data_dir, "--logfile", log, *_OPTIONS]

    return Program(
        name="redis",
        command=command,
        url=lambda port: f"redis://{LOOPBACK}:{port}/0",
        readiness=ValkeyReadiness,
        remedy=REDIS_REMEDY,
    )


_OPTIONS = (
    *("--bind", LOOPBACK, "--daemonize", "no"),
    # The append-only file alone survives a restart, at one write per second at most.
    *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
    # A queue must refuse rather than forget.
    *("--maxmemory-policy", "noeviction"),
)
