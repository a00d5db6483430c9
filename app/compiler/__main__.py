"""A process that compiles templates: one line of JSON in, one out, until its input ends.

It may use so much memory, and so much of a processor for each template; then it dies, and with it
nothing but the template.
"""

import resource
import signal
import sys

from app.compiler.wire import checked_line, source_of
from app.mail.templates.compiling import check

MEMORY = 1024**3
SECONDS = 2.0


def main() -> None:
    # Ctrl-C is for the process that started this one; its end ends the input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit(resource.RLIMIT_AS, MEMORY)
    _limit(resource.RLIMIT_CORE, 0)
    for line in sys.stdin.buffer:
        # Nobody handles the signal, so it ends the process, whatever an engine is at.
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        sys.stdout.buffer.write(checked_line(check(source_of(line))))
        sys.stdout.buffer.flush()
        signal.setitimer(signal.ITIMER_PROF, 0)


def _limit(kind: int, amount: int) -> None:
    _, most = resource.getrlimit(kind)
    resource.setrlimit(kind, (amount if most < 0 else min(amount, most), most))


if __name__ == "__main__":
    main()
