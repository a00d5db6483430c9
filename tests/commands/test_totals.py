"""The command that counts records anew for analytics, as a process."""

import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from app.context import Deps
from app.documents.communications import Communication
from app.documents.totals.cells import Total
from app.services import delivery

Send = Callable[..., Awaitable[Communication]]


async def test_it_counts_and_tells_which_totals_are_wrong(
    deps: Deps, send: Send, tmp_path: Path
) -> None:
    await delivery.dispatch(deps, str((await send()).id))
    kept = {name: value for name, value in os.environ.items() if "LETTERBOX" not in name}

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - ourselves
            [sys.executable, "-m", "app.cli", "recount", *options],
            env={
                **kept,
                "PYTHONPATH": str(Path(__file__).parents[2]),
                "LETTERBOX_MONGO_URL": deps.settings.mongo_url,
                "LETTERBOX_MONGO_DATABASE": deps.settings.mongo_database,
                "LETTERBOX_REDIS_URL": deps.settings.redis_url,
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    done = run()
    assert (done.returncode, done.stdout) == (0, "acme: 1 records counted.\n")
    assert done.stderr == "acme: 1 so far\n"

    await Total.get_motor_collection().update_one(
        {"level": "DAY", "by": "ALL"}, {"$inc": {"sent": 2}}
    )
    done = run("--tenant", "acme", "--check")
    day = f"{deps.now():%Y-%m-%d}"
    assert (done.returncode, done.stdout.splitlines()) == (
        1,
        [
            f"acme: DAY ALL {day} 00:00:00+00:00: sent 3, records say sent 1",
            "acme: EVER ALL: sent -2 more than all days",
            "acme: 1 days compared, 2 totals are wrong.",
        ],
    )
    assert done.stderr == f"acme: {day} compared\n"
