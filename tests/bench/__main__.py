"""`make bench`: figures of the main job, measured on a stack of its own.

Figures are printed, never asserted: machines are shared and noisy.
"""

import argparse
import asyncio
import json
import os
import platform
import tempfile
from pathlib import Path

from tests.bench.cases import CASES
from tests.bench.figures import Figure
from tests.stack import Stack

REPORT = Path("bench.json")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--case", choices=list(CASES), help="run one case; all without it")
    chosen = parser.parse_args().case or os.environ.get("CASE") or None
    if chosen is not None and chosen not in CASES:
        parser.error(f"unknown case {chosen}: choose from {', '.join(CASES)}")
    figures = asyncio.run(_measure(list(CASES) if chosen is None else [chosen]))
    for figure in figures:
        print(f"{figure.name:<44} {figure.value:>10.2f} {figure.unit:<8} wanted {figure.wanted}")
    machine = {"cores": os.cpu_count(), "python": platform.python_version()}
    report = {"machine": machine, "figures": [figure.__dict__ for figure in figures]}
    REPORT.write_text(json.dumps(report, indent=2) + "\n")


async def _measure(names: list[str]) -> list[Figure]:
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="letterbox-bench-") as folder:
        stack = Stack(Path(folder))
        # The first start lays out the data folder; what is measured is a folder that exists.
        stack.start()
        stack.stop()
        stack.start()
        try:
            for name in names:
                print(f"measuring {name} ...", flush=True)
                figures += await CASES[name](stack)
        finally:
            stack.stop()
    return figures


main()
