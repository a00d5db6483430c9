"""The command that judges opens and clicks anew, as a process."""

import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from app.context import Deps
from app.documents.communications import Communication
from app.services import delivery
from tests import fetching
from tests.fakes.clock import Clock
from tests.fakes.visits import PERSON

Send = Callable[..., Awaitable[Communication]]


async def test_it_tells_what_became_of_what(
    deps: Deps, send: Send, clock: Clock, tmp_path: Path
) -> None:
    record = await send()
    await delivery.dispatch(deps, str(record.id))
    clock.advance(timedelta(seconds=8))
    await fetching.record_open(deps, record.tracking_id, PERSON)
    await fetching.follow_link(deps, record.tracking_id, 0, PERSON)
    kept = {name: value for name, value in os.environ.items() if "LETTERBOX" not in name}

    done = subprocess.run(  # noqa: ASYNC221 - ourselves
        [
            sys.executable,
            "-m",
            "app.cli",
            "reclassify",
            "--tenant",
            "acme",
            "--since",
            "2026-11-24",
        ],
        env={
            **kept,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "LETTERBOX_MONGO_URL": deps.settings.mongo_url,
            "LETTERBOX_MONGO_DATABASE": deps.settings.mongo_database,
            "LETTERBOX_REDIS_URL": deps.settings.redis_url,
            "LETTERBOX_SCAN_DELAY": "10",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (
        0,
        "1 CLICK: HUMAN (person) -> SCANNER (at-delivery)\n1 of 2 opens and clicks changed.\n",
    )
    assert done.stderr.startswith("2 looked at, 1 changed; to go on from here: --after ")
    found = await Communication.get(record.id)
    assert found is not None
    [link] = found.clicked_links
    assert (found.open_count, link.click_count, link.machine_click_count) == (1, 0, 1)
