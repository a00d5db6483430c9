"""What works beside a process ends with it, however that ends and whatever it is at."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import psutil
import pytest

# One that waits for work, and one that is at it for half a second of computing, then at the next.
PARENT = """
import json, threading, time
from app.apart import Processes

idle, busy = Processes("app.cleaner", 1), Processes("app.cleaner", 1)
assert idle.answer(json.dumps("<p>x").encode() + b"\\n") == b'"<p>x</p>"\\n'

def work():
    while True:
        busy.answer(json.dumps("<div>" * 100_000).encode() + b"\\n")

threading.Thread(target=work, daemon=True).start()
print("ready", flush=True)
{then}
"""
WAITING = "time.sleep(60)"
STOPPING = """
import signal
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
print("hears", flush=True)
stop.wait(60)
"""
"""As servers do."""


@pytest.fixture
def parent() -> Iterator[Callable[[str], "subprocess.Popen[bytes]"]]:
    """Starts a process that has others work beside it, and then does this."""
    started = []

    def start(then: str) -> "subprocess.Popen[bytes]":
        program = PARENT.replace("{then}", then)
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)  # noqa: S603 - ourselves
        started.append(process)
        assert process.stdout is not None
        for _ in range(1 + then.count("print")):
            assert process.stdout.readline()
        return process

    yield start
    for process in started:
        process.kill()
        with process:
            process.wait()


@pytest.mark.parametrize(
    ("number", "then"),
    [(signal.SIGKILL, WAITING), (signal.SIGTERM, WAITING), (signal.SIGTERM, STOPPING)],
    ids=["killed", "told to end", "ends when it is told"],
)
def test_none_is_left(
    parent: Callable[[str], "subprocess.Popen[bytes]"], number: signal.Signals, then: str
) -> None:
    process = parent(then)
    beside: list[psutil.Process] = []
    while len(beside) < 2:
        beside = psutil.Process(process.pid).children(recursive=True)

    os.kill(process.pid, number)
    process.wait(30)

    _, left = psutil.wait_procs(beside, timeout=30)
    assert left == []
