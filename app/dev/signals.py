import signal
from types import FrameType, TracebackType
from typing import Self

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """Counts requests to stop while entered, so that none interrupts a step half done."""

    def __init__(self) -> None:
        self.count = 0
        self._former: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        for number in _STOPPING:
            former = signal.getsignal(number)
            # `nohup` ignores SIGHUP for us; background jobs are started with SIGINT ignored, yet
            # whoever sends that one means it.
            if number is signal.SIGHUP and former is signal.SIG_IGN:
                continue
            self._former[number] = former
            signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, former in self._former.items():
            signal.signal(number, former)  # type: ignore[arg-type]  # as getsignal gave it

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
