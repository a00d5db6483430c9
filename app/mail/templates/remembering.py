"""What was made of texts, kept while it is used and there is room."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Remembered(Generic[Made]):
    """Calls `make` once for a text, and again when others took its room since.

    `make` tells the size of what it made too. All together are at most `room`, and one alone a
    quarter of it: what is larger is made anew each time. Threads may share it.
    """

    def __init__(self, make: Callable[[str], tuple[Made, int]], *, room: int) -> None:
        self._make = make
        self._room = room
        self._lock = Lock()
        self._kept: OrderedDict[str, tuple[Made, int]] = OrderedDict()
        self._size = 0

    def __call__(self, text: str) -> Made:
        with self._lock:
            if (found := self._kept.get(text)) is not None:
                self._kept.move_to_end(text)
                return found[0]
        made, size = self._make(text)
        if size <= self._room // 4:
            self._keep(text, made, size)
        return made

    def _keep(self, text: str, made: Made, size: int) -> None:
        with self._lock:
            if text in self._kept:
                return
            self._kept[text] = made, size
            self._size += size
            while self._size > self._room:
                _, (_, freed) = self._kept.popitem(last=False)
                self._size -= freed
