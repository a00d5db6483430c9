import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from app.embedded.process import spawn

SHELL = "/bin/sh"


def test_last_lines_are_of_this_start_only(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    spawn("child", [SHELL, "-c", "echo first"], log=log).process.wait()

    second = spawn("child", [SHELL, "-c", "echo second; echo third >&2; exit 3"], log=log)
    second.process.wait()

    assert second.last_lines()[1:] == ["second", "third"]
    assert second.last_lines()[0].startswith("--- child started ")
    assert second.ending == "exit code 3"
    assert "first\n" in log.read_text()


def test_program_that_cannot_run_is_named(tmp_path: Path) -> None:
    child = spawn("child", [tmp_path / "absent"], log=tmp_path / "child.log")
    child.process.wait()

    assert child.last_lines()[-1] == f"cannot run {tmp_path / 'absent'}: No such file or directory"


def test_stubborn_child_is_killed(tmp_path: Path) -> None:
    command = [SHELL, "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"]
    child = spawn("child", command, log=tmp_path / "child.log")
    while "ready" not in child.last_lines():
        time.sleep(0.01)

    child.stop(timedelta(seconds=0.2))

    assert child.ending == "signal SIGKILL"


def test_ctrl_c_in_the_terminal_does_not_reach_a_child(tmp_path: Path) -> None:
    child = spawn("child", ["/bin/sleep", "60"], log=tmp_path / "child.log")

    try:
        assert os.getsid(child.pid) == child.pid
    finally:
        child.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_child_ends_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    script = (
        "import time; from pathlib import Path; from app.embedded.process import spawn\n"
        f"child = spawn('child', ['/bin/sleep', '60'], log=Path({str(tmp_path / 'log')!r}))\n"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen(  # noqa: S603  # ourselves
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=root
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        # The bare interpreter becomes the program once the tie to its parent is made.
        while child.name() != "sleep":
            time.sleep(0.01)

        parent.send_signal(signal.SIGKILL)

    psutil.wait_procs([child], timeout=10)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
