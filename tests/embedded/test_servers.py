import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from pymongo import MongoClient
from redis import Redis

from app.embedded import spawn_mongod, start_mongod, start_redis
from app.embedded.errors import EmbeddedServerError
from app.embedded.ports import free_port
from app.embedded.servers import wait_until_ready

PORT_FILE = "letterbox.port"


def test_mongod_takes_transactions_and_keeps_port_and_data(tmp_path: Path) -> None:
    first = start_mongod(tmp_path)
    with MongoClient[dict[str, str]](first.url) as client:
        client.test.notes.insert_one({"text": "before"})
        with client.start_session() as session, session.start_transaction():
            client.test.notes.insert_one({"text": "in a transaction"}, session=session)
    first.stop()

    second = start_mongod(tmp_path)
    with MongoClient[dict[str, str]](second.url) as client:
        texts = [note["text"] for note in client.test.notes.find()]
    second.stop()

    assert second.url == first.url
    assert texts == ["before", "in a transaction"]
    assert not psutil.pid_exists(first.pid)
    assert not psutil.pid_exists(second.pid)


def test_replica_set_is_mended_after_a_change_of_port(tmp_path: Path) -> None:
    first = start_mongod(tmp_path)
    with MongoClient[dict[str, str]](first.url) as client:
        client.test.notes.insert_one({"text": "kept"})
    first.stop()

    (tmp_path / PORT_FILE).write_text(str(free_port()))
    second = start_mongod(tmp_path)
    with MongoClient[dict[str, str]](second.url) as client:
        notes = client.test.notes.count_documents({})
        hello = client.admin.command("hello")
    second.stop()

    assert second.port != first.port
    assert notes == 1
    assert hello["isWritablePrimary"] is True
    assert hello["hosts"] == [f"127.0.0.1:{second.port}"]


def test_redis_keeps_port_and_data(tmp_path: Path) -> None:
    first = start_redis(tmp_path)
    with Redis.from_url(first.url) as client:
        client.set("key", "value")
    first.stop()

    second = start_redis(tmp_path)
    with Redis.from_url(second.url) as client:
        value = client.get("key")
    second.stop()

    assert second.url == first.url
    assert value == b"value"


def test_port_taken_at_the_last_moment_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        (tmp_path / PORT_FILE).write_text(str(taken))
        monkeypatch.setattr("app.embedded.ports.is_free", lambda _port: True)

        server = start_redis(tmp_path)

    server.stop()
    assert server.attempts == 2
    assert server.port != taken
    assert (tmp_path / PORT_FILE).read_text() == f"{server.port}\n"


def test_missing_library_gives_one_line_naming_the_package(
    tmp_path: Path, program_on_path: Callable[[str, str], Path]
) -> None:
    program_on_path(
        "mongod",
        "echo 'mongod: error while loading shared libraries: libcurl.so.4: cannot open shared "
        "object file: No such file or directory' >&2; exit 127",
    )

    with pytest.raises(EmbeddedServerError) as caught:
        start_mongod(tmp_path)

    assert str(caught.value) == (
        "mongod needs the shared library libcurl.so.4: install it (Debian, Ubuntu: apt install "
        "libcurl4); or install MongoDB 6 or newer, or set LETTERBOX_MONGO_URL to a running "
        "replica set"
    )


def test_failed_start_shows_the_end_of_the_log(
    tmp_path: Path, program_on_path: Callable[[str, str], Path]
) -> None:
    program_on_path("redis-server", "echo 'no room on the disk'; exit 3")

    with pytest.raises(EmbeddedServerError) as caught:
        start_redis(tmp_path)

    first, *_, last = str(caught.value).splitlines()
    assert first == f"redis ended at start (exit code 3; {tmp_path / 'redis.log'}):"
    assert last.strip() == "no room on the disk"


def test_server_that_never_answers_is_stopped(
    tmp_path: Path, program_on_path: Callable[[str, str], Path]
) -> None:
    program_on_path("mongod", "exec sleep 60")
    server = spawn_mongod(tmp_path)

    with pytest.raises(EmbeddedServerError, match=r"^mongod did not answer within 1 s"):
        wait_until_ready(server, timedelta(seconds=1))

    assert server.child.ending == "signal SIGTERM"
