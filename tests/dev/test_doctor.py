import base64
import json
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from app.dev import doctor as doctor_module
from app.dev.doctor import Finding, examine, run_doctor
from app.dev.folder import DataFolder
from app.embedded import start_mongod, start_redis
from app.embedded.servers import RunningServer

SECRET = "a-secret-that-nobody-may-see-anywhere"
NO_HTTPS = (
    "http://localhost:18080 is no https address, so mail programs offer nobody to unsubscribe by "
    "one click, and links can be read on their way: set LETTERBOX_PUBLIC_URL to the address of a "
    "proxy with TLS"
)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is where the settings say, and nobody waits long for it."""
    monkeypatch.setattr("app.embedded.probes.LIMIT_SECONDS", 0.3)
    monkeypatch.setattr(doctor_module, "LIMIT_SECONDS", 2)
    nobody = f"user:{SECRET}@127.0.0.1:1"
    monkeypatch.setenv("LETTERBOX_MONGO_URL", f"mongodb://{nobody}/?directConnection=true")
    monkeypatch.setenv("LETTERBOX_REDIS_URL", f"redis://{nobody}/0")
    monkeypatch.setenv("LETTERBOX_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("LETTERBOX_SMTP_PORT", "1")
    monkeypatch.delenv("LETTERBOX_JWT_SECRET", raising=False)
    monkeypatch.delenv("LETTERBOX_SECRET_KEYS", raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder.at(tmp_path / "data")


@pytest.fixture
def findings(folder: DataFolder) -> Callable[[], dict[str, Finding]]:
    return lambda: {finding.subject: finding for finding in examine(folder)}


@pytest.fixture(scope="module")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    server = start_mongod(tmp_path_factory.mktemp("mongod"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    server = start_redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture
def relay_answer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], None]]:
    """Runs an SMTP relay that gives one answer to EHLO."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer(ehlo: bytes) -> None:
            with listener.accept()[0] as connection:
                connection.sendall(b"220 relay\r\n")
                connection.recv(1000)
                connection.sendall(ehlo)
                connection.recv(1000)
                connection.sendall(b"221 bye\r\n")

        monkeypatch.setenv("LETTERBOX_SMTP_PORT", str(listener.getsockname()[1]))
        threads: list[threading.Thread] = []

        def start(ehlo: bytes) -> None:
            threads.append(threading.Thread(target=answer, args=(ehlo,)))
            threads[0].start()

        yield start
        threads[0].join()


class Keys(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"keys": [{}, {}]}).encode()
        self.send_response(200 if self.path == "/jwks" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def identity_provider() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Keys) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_unreachable_servers_fail_with_a_way_out(
    findings: Callable[[], dict[str, Finding]],
) -> None:
    found = findings()

    failed = {subject: finding.text for subject, finding in found.items() if not finding.is_ok}
    assert failed == {
        "MongoDB": (
            "no answer at 127.0.0.1:1 (ServerSelectionTimeoutError): start `letterbox dev`, or set "
            "LETTERBOX_MONGO_URL"
        ),
        "Redis": (
            "no answer at 127.0.0.1:1 (ConnectionError): start `letterbox dev`, or set "
            "LETTERBOX_REDIS_URL"
        ),
        "SMTP relay": (
            "no answer at 127.0.0.1:1 (ConnectionRefusedError): check LETTERBOX_SMTP_HOST and "
            "LETTERBOX_SMTP_PORT"
        ),
        "token key": (
            "none: set LETTERBOX_JWT_SECRET (32 characters or more) or LETTERBOX_JWT_JWKS_URL"
        ),
        "secret keys": (
            "none, so no provider account can be made, and nobody can unsubscribe from mail: set "
            "LETTERBOX_SECRET_KEYS to the output of `openssl rand -base64 32`, and keep it"
        ),
        "public address": NO_HTTPS,
    }


def test_no_secret_is_printed(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key = base64.b64encode(bytes(range(32))).decode()
    monkeypatch.setenv("LETTERBOX_JWT_SECRET", SECRET)
    monkeypatch.setenv("LETTERBOX_SECRET_KEYS", f"{key},{key}")

    assert run_doctor(folder) == 1

    printed = capsys.readouterr()
    assert SECRET not in printed.out + printed.err
    assert key not in printed.out + printed.err
    assert "ok    token key: LETTERBOX_JWT_SECRET is set\n" in printed.out
    assert "ok    secret keys: 2 in LETTERBOX_SECRET_KEYS\n" in printed.out


def test_servers_are_reported_with_their_versions(
    mongod: RunningServer,
    redis: RunningServer,
    findings: Callable[[], dict[str, Finding]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.embedded.probes.LIMIT_SECONDS", 3)
    monkeypatch.setenv("LETTERBOX_MONGO_URL", mongod.url)
    monkeypatch.setenv("LETTERBOX_REDIS_URL", redis.url)

    found = findings()

    assert found["MongoDB"].line.startswith("ok    MongoDB: ")
    assert found["MongoDB"].text.endswith(", primary of replica set rs0")
    assert found["Redis"].line.startswith("ok    Redis: version ")
    assert found["mongod"].text == "not needed, LETTERBOX_MONGO_URL is set"


def test_relay_that_answers_is_well(
    relay_answer: Callable[[bytes], None], findings: Callable[[], dict[str, Finding]]
) -> None:
    relay_answer(b"250 relay\r\n")

    assert findings()["SMTP relay"].is_ok


def test_relay_without_the_starttls_that_was_asked_for(
    relay_answer: Callable[[bytes], None],
    findings: Callable[[], dict[str, Finding]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LETTERBOX_SMTP_SECURITY", "starttls")
    relay_answer(b"250-relay\r\n250 SIZE 1\r\n")

    finding = findings()["SMTP relay"]

    assert not finding.is_ok
    assert finding.text.endswith(" offers no STARTTLS: set LETTERBOX_SMTP_SECURITY to tls or none")


def test_identity_provider_that_answers_is_well(
    identity_provider: str,
    findings: Callable[[], dict[str, Finding]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LETTERBOX_JWT_JWKS_URL", f"{identity_provider}/jwks")

    assert findings()["token key"].line == "ok    token key: 2 keys at LETTERBOX_JWT_JWKS_URL"


def test_identity_provider_without_keys(
    identity_provider: str,
    findings: Callable[[], dict[str, Finding]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LETTERBOX_JWT_JWKS_URL", f"{identity_provider}/wrong")

    assert findings()["token key"].text == (
        "no key set at LETTERBOX_JWT_JWKS_URL (HTTPError): check the address"
    )


def test_each_wrong_setting_is_one_line(
    findings: Callable[[], dict[str, Finding]],
    folder: DataFolder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LETTERBOX_PORT", "ninety")
    monkeypatch.setenv("LETTERBOX_JWT_SECRET", "short")
    monkeypatch.setenv("LETTERBOX_SECRET_KEYS", "c2hvcnQ=")

    wrong = [finding for finding in examine(folder) if finding.subject == "settings"]

    assert [finding.text.partition(":")[0] for finding in wrong] == [
        "LETTERBOX_PORT",
        "LETTERBOX_JWT_SECRET",
        "LETTERBOX_SECRET_KEYS",
    ]
    assert not any(finding.is_ok for finding in wrong)


def test_wrong_default_sender(
    findings: Callable[[], dict[str, Finding]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LETTERBOX_DEFAULT_SENDER_EMAIL", "nobody")

    finding = findings()["default sender"]

    assert not finding.is_ok
    assert finding.text.startswith("correct LETTERBOX_DEFAULT_SENDER_EMAIL: ")


def test_nobody_looks_for_a_listener_that_is_nowhere(
    findings: Callable[[], dict[str, Finding]],
) -> None:
    found = findings()["mail servers"]

    assert found.is_ok
    assert found.text == (
        "none looked for: where `letterbox inbound` takes mail from them, set "
        "LETTERBOX_INBOUND_LISTENER"
    )


@pytest.mark.parametrize(
    ("greeting", "told"),
    [
        (b"220 mail.test LMTP Letterbox\r\n", "ok    mail servers: {} takes mail"),
        (b"421 4.3.2 Too many connections\r\n",
         "FAIL  mail servers: {} takes no mail at the moment: 421"),
        (b"", "FAIL  mail servers: {} takes no mail at the moment: it says nothing"),
    ],
    ids=["well", "full", "silent"],
)  # fmt: skip
def test_a_listener_is_asked(
    findings: Callable[[], dict[str, Finding]],
    monkeypatch: pytest.MonkeyPatch,
    greeting: bytes,
    told: str,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            with listener.accept()[0] as connection:
                connection.sendall(greeting)

        place = f"127.0.0.1:{listener.getsockname()[1]}"
        monkeypatch.setenv("LETTERBOX_INBOUND_LISTENER", place)
        thread = threading.Thread(target=answer)
        thread.start()
        found = findings()["mail servers"]
        thread.join()

    assert found.line == told.format(place)


def test_a_listener_that_does_not_run(
    findings: Callable[[], dict[str, Finding]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LETTERBOX_INBOUND_LISTENER", "127.0.0.1:1")

    assert findings()["mail servers"].line == (
        "FAIL  mail servers: no answer at 127.0.0.1:1 (ConnectionRefusedError): start `letterbox "
        "inbound`, or correct LETTERBOX_INBOUND_LISTENER"
    )


def test_graph_tells_of_mail_at_https_addresses(
    mongod: RunningServer,
    findings: Callable[[], dict[str, Finding]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.embedded.probes.LIMIT_SECONDS", 3)
    monkeypatch.setenv("LETTERBOX_MONGO_URL", mongod.url)
    nobody = findings()["Graph notices"]
    with MongoClient[dict[str, Any]](mongod.url) as client:
        accounts = client["letterbox"]["providerAccounts"]
        accounts.insert_one({"graph": {"receivesMail": True}})
        somebody = findings()["Graph notices"]
        monkeypatch.setenv("LETTERBOX_PUBLIC_URL", "https://mail.acme.test")
        told = findings()["Graph notices"]
        accounts.delete_many({})

    words = (
        "LETTERBOX_PUBLIC_URL is no https address, so mailboxes are looked into every 60 seconds"
    )
    assert nobody.line == f"ok    Graph notices: {words}"
    assert somebody.line == (
        f"FAIL  Graph notices: {words}: set it to the https address at which Graph reaches this "
        "service"
    )
    assert told.line == (
        "ok    Graph notices: Microsoft Graph tells of mail at "
        "https://mail.acme.test/api/v1/webhooks/graph/..."
    )


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        (
            {},
            f"FAIL  public address: {NO_HTTPS}",
        ),
        (
            {"ENVIRONMENT": "development"},
            (
                "ok    public address: http://localhost:18080, good for development: links in real "
                "mail need https"
            ),
        ),
        (
            {"PUBLIC_URL": "https://mail.acme.test/crm/"},
            "ok    public address: https://mail.acme.test/crm",
        ),
    ],
)
def test_links_in_mail_need_https(
    findings: Callable[[], dict[str, Finding]],
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    line: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"LETTERBOX_{name}", value)

    assert findings()["public address"].line == line


def test_data_folder_that_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    file.chmod(stat.S_IRUSR)

    found = {finding.subject: finding for finding in examine(DataFolder(file / "data"))}

    assert found["data folder"].text == (
        f"{file} is not writable (Not a directory): choose another with --data-dir"
    )


def test_running_stack_completes_the_settings(
    folder: DataFolder,
    redis: RunningServer,
    findings: Callable[[], dict[str, Finding]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LETTERBOX_REDIS_URL")
    with folder.locked():
        folder.write_environment({"LETTERBOX_REDIS_URL": redis.url, "LETTERBOX_SMTP_PORT": "2"})

        found = findings()

    assert found["stack"].text == f"runs on {folder.root}"
    assert found["Redis"].is_ok
    # What the user set wins over what the stack runs with.
    assert "127.0.0.1:1 " in found["SMTP relay"].text


def test_program_that_cannot_run(
    findings: Callable[[], dict[str, Finding]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "mongod"
    program.write_text(
        "#!/bin/sh\necho 'mongod: error while loading shared libraries: libcrypto.so.3: cannot "
        "open shared object file' >&2\nexit 127\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.delenv("LETTERBOX_MONGO_URL")

    finding = findings()["mongod"]

    assert not finding.is_ok
    assert "apt install libssl3" in finding.text
