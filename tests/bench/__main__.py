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

from tests.bench.cases import ALONE, CASES
from tests.bench.comparisons import COMPARED, comparisons
from tests.bench.figures import Figure
from tests.bench.seed import scale
from tests.bench.versus import Measured
from tests.stack import Stack

REPORT = Path("bench.json")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    known = [*COMPARED, *ALONE, *CASES]
    parser.add_argument("--case", choices=known, help="run one case; all without it")
    chosen = parser.parse_args().case or os.environ.get("CASE") or None
    if chosen is not None and chosen not in known:
        parser.error(f"unknown case {chosen}: choose from {', '.join(known)}")
    # Growth measures the other cases once more, twice.
    names = [name for name in known if name != "growth"] if chosen is None else [chosen]
    measured = asyncio.run(_compare([name for name in names if name in COMPARED]))
    figures = [figure for name in names if name in ALONE for figure in asyncio.run(ALONE[name]())]
    figures += asyncio.run(_measure([name for name in names if name in CASES]))
    for figure in figures:
        print(f"{figure.name:<44} {figure.value:>10.2f} {figure.unit:<8} wanted {figure.wanted}")
    machine = {"cores": os.cpu_count(), "python": platform.python_version()}
    report = {
        "machine": machine,
        "records": scale(),
        "comparisons": [one.told() for one in measured],
        "figures": [figure.__dict__ for figure in figures],
    }
    REPORT.write_text(json.dumps(report, indent=2) + "\n")


async def _compare(names: list[str]) -> list[Measured]:
    return await comparisons(names) if names else []


async def _measure(names: list[str]) -> list[Figure]:
    figures: list[Figure] = []
    if not names:
        return figures
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
