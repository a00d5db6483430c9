import subprocess
import sys

# Each is some megabytes, or some hundredths of a second, of what few requests and jobs need.
SELDOM = ("css_inline", "icalendar", "inscriptis", "lxml", "mjml", "nh3", "rich.console")
PROGRAM = f"""
import gc, sys
from app import loading
loading.begin()
print(gc.get_threshold())
import app.main, workers.settings
print([name for name in {SELDOM} if name in sys.modules])
"""


def test_processes_that_stay_load_what_most_of_their_work_needs_and_do_not_look_for_cycles() -> (
    None
):
    done = subprocess.run(  # noqa: S603 - this interpreter, our own program
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["(50000, 20, 50)", "[]"]
