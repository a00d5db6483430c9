"""Whatever a message is made of: it is read, in little time and memory."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mail.hostile import HOSTILE

# Below one on the machine it was written on; what does not go with the size takes minutes.
SECONDS = 6


@pytest.mark.timeout(300)
def test_hostile_messages_take_little_time_and_memory() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.mail.hostile"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )

    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [one["name"] for one in found] == list(HOSTILE)
    ended = {one["name"]: signal.strsignal(one["signal"]) for one in found if "signal" in one}
    assert ended == {}
    slow = {one["name"]: one["seconds"] for one in found if one["seconds"] > SECONDS}
    assert slow == {}
    # They tell where limits were reached, and of nothing that went wrong.
    unread = {one["name"]: one["faults"] for one in found if "could not" in str(one["faults"])}
    assert unread == {}
