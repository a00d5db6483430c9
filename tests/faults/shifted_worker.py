"""A worker on a machine whose clock is off: `python -m tests.faults.shifted_worker SECONDS`.

Everything in the process that asks for the time of day is told another: our code, arq, drivers.
"""

import sys
from datetime import UTC, datetime, timedelta

import time_machine

from app.settings import Settings
from workers.settings import run_worker


def main() -> None:
    shifted = datetime.now(UTC) + timedelta(seconds=float(sys.argv[1]))
    with time_machine.travel(shifted, tick=True):
        run_worker(Settings())


if __name__ == "__main__":
    main()
