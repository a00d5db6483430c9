"""A process that ends in the middle of its work, as MongoDB sees it: it changes nothing more.

Only what runs inside `ending_after` is cut off, also in the tasks and threads that it starts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import Any

import pytest
from pymongo.synchronous.pool import Connection

_READING = {b"aggregate", b"count", b"distinct", b"find", b"getMore"}
# Before the name of a command in OP_MSG: header, flags, kind and length of the section, type.
_NAME_AT = 16 + 4 + 1 + 4 + 1


class PowerCutError(Exception):
    """Nothing that is tried after the end is done."""


class Power:
    """Lasts for so many changes; what is only read makes no difference."""

    def __init__(self, changes: int) -> None:
        self._left = changes
        self._lock = Lock()
        self.is_out = False

    def use(self) -> None:
        with self._lock:
            if self._left == 0:
                self.is_out = True
                raise PowerCutError
            self._left -= 1


_POWER: ContextVar[Power | None] = ContextVar("power", default=None)


@contextmanager
def ending_after(changes: int) -> Iterator[Power]:
    """Let what is done here change something in MongoDB so many times."""
    send_message = Connection.send_message

    def send(connection: Connection, octets: bytes, *more: Any) -> None:
        name = octets[_NAME_AT : octets.index(b"\0", _NAME_AT)]
        if (power := _POWER.get()) is not None and name not in _READING:
            power.use()
        send_message(connection, octets, *more)

    power = Power(changes)
    token = _POWER.set(power)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "send_message", send)
        try:
            yield power
        finally:
            _POWER.reset(token)
