import json
import os
import re
import shlex
import signal
import smtplib
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from app.embedded.ports import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

LETTERBOX = [str(Path(sys.executable).with_name("letterbox"))]
COMPILED = """query($body: String!) {
    previewTemplateSource(input: { subject: "s", body: $body, format: MJML }) { html }
}"""
CHILDREN = ["api", "inbound", "inbox", "mongod", "redis", "worker"]


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if "LETTERBOX" not in name}


@dataclass
class Dev:
    """A `letterbox dev` of its own session, as a terminal would start it."""

    data: Path
    port: int
    output: Path
    process: "subprocess.Popen[bytes]"

    @property
    def printed(self) -> str:
        return self.output.read_text()

    @property
    def base(self) -> str:
        return f"http://localhost:{self.port}"

    def wait_for(self, text: str) -> None:
        while text not in self.printed:
            assert self.process.poll() is None, self.printed
            time.sleep(0.02)

    def pids(self) -> dict[str, int]:
        files = (self.data / "run").glob("*.pid")
        return {file.stem: int(file.read_text()) for file in sorted(files)}

    def work_beside(self) -> dict[str, int]:
        """Have a template compiled; the process that the API has for that."""
        found = re.search(r"Authorization: (Bearer \S+?)['\"]", self.printed)
        assert found is not None
        asked = {"query": COMPILED, "variables": {"body": "<mjml><mj-body></mj-body></mjml>"}}
        answer = httpx2.post(
            f"{self.base}/graphql", json=asked, headers={"Authorization": found[1]}, trust_env=False
        )
        assert answer.json()["data"]["previewTemplateSource"]["html"]
        [compiler] = psutil.Process(self.pids()["api"]).children()
        return {"compiler": compiler.pid}

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)

    def is_gone(self, pids: dict[str, int]) -> bool:
        return not any(map(_is_alive, pids.values())) and not self.pids()


def _is_alive(pid: int) -> bool:
    """Whether it has not ended: who outlives its parent is the init's to see off, in its time."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


Start = Callable[..., Dev]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Dev]]:
    """What these tests have started; a stack that one of them left running is the next one's."""
    started: list[Dev] = []
    yield started
    for stack in started:
        if stack.process.poll() is None:
            stack.end(signal.SIGTERM)


@pytest.fixture
def start(started: list[Dev], tmp_path: Path) -> Start:
    def dev(
        *arguments: str, data: Path = tmp_path / "data", port: int | None = None, **variables: str
    ) -> Dev:
        chosen = port or free_port()
        options = ["--data-dir", str(data), "--port", str(chosen), *arguments]
        output = tmp_path / f"output-{len(started)}"
        with output.open("wb") as file:
            process = subprocess.Popen(  # noqa: S603  # ourselves
                [*LETTERBOX, "dev", *options],
                env=environment() | variables,
                stdout=file,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        started.append(Dev(data, chosen, output, process))
        return started[-1]

    return dev


@pytest.fixture
def stack(started: list[Dev], start: Start) -> Dev:
    """A stack that runs, maybe since an earlier test: those that leave it stand before others."""
    whole = [dev for dev in started if dev.process.poll() is None and list(dev.pids()) == CHILDREN]
    if whole:
        return whole[-1]
    dev = start("--no-demo")
    dev.wait_for("Send a mail:")
    return dev


def _received(stack: Dev) -> list[str]:
    """Hand a mail to the demo tenant in, as a mail server does; the subjects of what it has."""
    port = re.search(r"smtp://127.0.0.1:(\d+); anybody at demo.letterbox.test", stack.printed)
    token = re.search(r"Bearer ([\w.-]+)'", stack.printed)
    assert port is not None
    assert token is not None
    with smtplib.SMTP("127.0.0.1", int(port[1]), timeout=20) as server:
        server.sendmail(
            "eve@customer.test", ["desk@demo.letterbox.test"],
            "From: eve@customer.test\r\nSubject: Hello from a mail server\r\n\r\nHello\r\n",
        )  # fmt: skip
    with httpx2.Client(base_url=stack.base, trust_env=False) as client:
        answer = client.post(
            "/graphql",
            json={"query": "{ inboundMessages(first: 9) { nodes { subject } } }"},
            headers={"Authorization": f"Bearer {token[1]}"},
        )
    return [one["subject"] for one in answer.json()["data"]["inboundMessages"]["nodes"]]


def test_demo_is_sent_on_the_first_start_only(start: Start) -> None:
    first = start()
    first.wait_for("4 demo mails were sent")
    first.wait_for("9 templates were made")
    first.end(signal.SIGTERM)
    second = start(port=first.port)
    second.wait_for("Send a mail:")

    with httpx2.Client(base_url=second.base, trust_env=False) as client:
        messages = client.get("/dev/inbox").json()["messages"]

    assert len(messages) == 4
    assert "demo mails" not in second.printed
    assert _received(second) == ["Hello from a mail server"]
    assert any("Çelik-Müller" in message["subject"] for message in messages)


def test_printed_command_sends_a_mail_to_the_inbox(stack: Dev) -> None:
    command = re.search(r"^curl .*?[^\\]\n", stack.printed, re.MULTILINE | re.DOTALL)
    assert command is not None
    words = shlex.split(command[0])
    subject = json.loads(words[-1])["subject"]

    assert words[1] == f"{stack.base}/api/v1/communications/send"
    authorization = words[words.index("-H") + 1]
    with httpx2.Client(base_url=stack.base, trust_env=False) as client:
        answer = client.post(
            words[1],
            content=words[-1],
            headers={
                "Content-Type": "application/json",
                "Authorization": authorization.removeprefix("Authorization: "),
            },
        )
        assert answer.status_code == 200
        messages: list[dict[str, Any]] = []
        while not messages:
            listed = client.get("/dev/inbox").json()["messages"]
            messages = [message for message in listed if message["subject"] == subject]
            time.sleep(0.05)
        assert "text/html" in client.get(messages[0]["htmlUrl"]).headers["content-type"]

    assert [message["envelopeTo"] for message in messages] == [["bob@example.org"]]


def test_second_stack_on_the_folder_is_refused(stack: Dev, start: Start) -> None:
    second = start(data=stack.data)

    assert second.process.wait(30) == 1
    assert second.printed == (
        f"Letterbox already runs on {stack.data} (process {stack.process.pid}): stop it, or "
        "choose another folder with --data-dir\n"
    )
    assert stack.process.poll() is None


def test_doctor_is_content_with_a_running_stack(stack: Dev) -> None:
    done = subprocess.run(  # noqa: S603  # ourselves
        [*LETTERBOX, "doctor", "--data-dir", str(stack.data)],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "ok    MongoDB: " in done.stdout
    assert "FAIL" not in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_stack_that_was_killed_leaves_no_process_and_starts_again(stack: Dev, start: Start) -> None:
    pids = stack.pids()

    stack.end(signal.SIGKILL)
    second = start("--no-demo", data=stack.data, port=stack.port)
    second.wait_for("Send a mail:")

    assert not any(map(psutil.pid_exists, pids.values()))
    assert list(second.pids()) == CHILDREN


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_stops_all_and_leaves_nothing(number: signal.Signals, stack: Dev) -> None:
    pids = stack.pids()
    assert list(pids) == CHILDREN
    assert all(map(psutil.pid_exists, pids.values()))
    assert stat.S_IMODE((stack.data / "run" / "stack.json").stat().st_mode) == 0o600

    beside = stack.work_beside()
    code = stack.end(number)

    assert code == 0
    assert stack.printed.endswith("Stopped.\n")
    # Seen off, too, by whoever started it.
    assert not any(map(psutil.pid_exists, (pids | beside).values()))
    assert stack.is_gone(pids)
    assert not (stack.data / "run" / "stack.json").exists()


@pytest.mark.parametrize("name", ["api", "inbound", "worker", "mongod"])
def test_end_of_a_child_ends_all_and_is_told(name: str, stack: Dev) -> None:
    pids = stack.pids() | (stack.work_beside() if name == "api" else {})

    os.kill(pids[name], signal.SIGKILL)

    assert stack.process.wait(60) == 1
    assert f"\n{name} ended (signal SIGKILL); the end of {stack.data}/log/{name}.log:" in (
        stack.printed
    )
    assert stack.printed.endswith("Stopped.\n")
    assert stack.is_gone(pids)


def test_taken_port_is_refused_before_anything_starts(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        dev = start(port=port)

        assert dev.process.wait(30) == 1

    assert dev.printed == f"Port {port} is in use by another program: choose another with --port\n"
    assert not (dev.data / "log").exists()


def test_signal_while_starting_stops_what_was_started(start: Start) -> None:
    dev = start("--no-demo", "--no-inbound")
    dev.wait_for("mongod ready")
    pids = dev.pids()

    code = dev.end(signal.SIGINT)

    assert code == 0
    assert "Letterbox runs" not in dev.printed
    assert dev.is_gone(pids)


def test_closed_terminal_stops_nothing_but_the_words(tmp_path: Path, start: Start) -> None:
    data, port = tmp_path / "piped", free_port()
    command = shlex.join(
        [*LETTERBOX, "dev", "--no-demo", "--no-inbound", f"--data-dir={data}", f"--port={port}"]
    )
    with subprocess.Popen(  # noqa: S602  # ourselves, and a pipe that closes
        f"{command} | head -1", shell=True, env=environment(), stdout=subprocess.PIPE
    ) as shell:
        assert shell.stdout is not None
        assert shell.stdout.readline() == f"Starting Letterbox on {data}\n".encode()
        while not (data / "run" / "worker.pid").exists():
            time.sleep(0.02)
        dev = psutil.Process(int((data / "run" / "lock").read_text()))
        dev.send_signal(signal.SIGHUP)

    psutil.wait_procs([dev], timeout=30)
    assert not dev.is_running()
    assert not list((data / "run").glob("*.pid"))


def test_several_workers_are_started_and_no_listener_where_none_is_wanted(start: Start) -> None:
    dev = start("--no-demo", "--no-inbound", "--workers", "2")
    dev.wait_for("Send a mail:")
    pids = dev.pids()

    assert set(pids) == {*CHILDREN, "worker-2"} - {"inbound"}
    assert "Mail servers" not in dev.printed
    assert dev.end(signal.SIGTERM) == 0
    assert dev.is_gone(pids)
