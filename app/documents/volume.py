"""How much the operations of one request may read: an answer stands in memory as a whole.

Their cost counts objects, and an object may have a body of 10 MB.
"""

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from app.errors import PayloadTooLargeError

_MEGABYTE = 1024 * 1024

Item = TypeVar("Item")
Row = TypeVar("Row", bound=Mapping[str, Any])


class Volume:
    """So many octets may still be read."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._left = limit

    @property
    def left(self) -> int:
        return self._left

    def give_back(self, left: int) -> None:
        """Have as much left as there was before something that is done anew."""
        self._left = left

    def take(self, octets: int) -> None:
        """Raise PayloadTooLargeError for what is more than is left."""
        self._left -= octets
        if self._left < 0:
            raise PayloadTooLargeError(
                f"The answer would hold more than {self._limit // _MEGABYTE} MB: "
                "ask for fewer records at once, or for no bodies."
            )


_VOLUME: ContextVar[Volume | None] = ContextVar("volume", default=None)


@contextmanager
def bounded(limit: int) -> Iterator[None]:
    """Bound what is read in this block, in tasks of it too; a block around it bounds it already."""
    if _VOLUME.get() is not None:
        yield
        return
    token = _VOLUME.set(Volume(limit))
    try:
        yield
    finally:
        _VOLUME.reset(token)


@contextmanager
def tried() -> Iterator[None]:
    """What is read in this block does not count when it fails: it is read anew."""
    volume = _VOLUME.get()
    left = 0 if volume is None else volume.left
    try:
        yield
    except Exception:
        if volume is not None:
            volume.give_back(left)
        raise


def shared() -> Callable[[], Volume | None]:
    """For `under`: all that is read later counts into the volume of the block around."""
    volume = _VOLUME.get()
    return lambda: volume


async def under(
    items: AsyncGenerator[Item, None], volume_of: Callable[[], Volume | None]
) -> AsyncGenerator[Item, None]:
    """Give items that are made when they are asked for, each with such a volume around it."""
    async with aclosing(items):
        while True:
            token = _VOLUME.set(volume_of())
            try:
                item = await anext(items)
            except StopAsyncIteration:
                return
            finally:
                _VOLUME.reset(token)
            yield item


def counted(row: Row) -> Row:
    """Count the texts of a row that was read, and give it; raises PayloadTooLargeError."""
    all_counted([row])
    return row


def all_counted(rows: list[Row]) -> list[Row]:
    """As `counted`, of many rows."""
    volume = _VOLUME.get()
    if volume is not None:
        texts = [len(value) for row in rows for value in row.values() if type(value) is str]
        volume.take(sum(texts))
    return rows


def count(octets: int) -> None:
    """Count what was read; raises PayloadTooLargeError."""
    volume = _VOLUME.get()
    if volume is not None:
        volume.take(octets)
