"""Asking for many at once what many jobs ask for at about the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Given = TypeVar("Given")

_AT_A_TIME = 100


class Gathering(Generic[Asked, Given]):
    """One call of `answer` at a time; what is asked meanwhile is answered by the next one.

    Whoever asks alone is answered at once: nobody is waited for. `answer` gives an answer, or an
    exception to be raised, for each of those that ask; what it raises is raised for each.
    """

    def __init__(
        self, answer: Callable[[Sequence[Asked]], Awaitable[Sequence[Given | Exception]]]
    ) -> None:
        self._answer = answer
        self._waiting: list[tuple[Asked, asyncio.Future[Given]]] = []
        self._running: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many wait for the next call."""
        return len(self._waiting)

    async def ask(self, asked: Asked) -> Given:
        """Give the answer; it is worked out also when the asker is cancelled meanwhile."""
        future: asyncio.Future[Given] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, future))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:_AT_A_TIME], self._waiting[_AT_A_TIME:]
                try:
                    given = await self._answers([asked for asked, _ in group])
                except BaseException:
                    # Cancelled: nobody else would tell those that wait.
                    for _, future in group:
                        future.cancel()
                    raise
                for (_, future), one in zip(group, given, strict=True):
                    _tell(future, one)
        finally:
            self._running = None

    async def _answers(self, group: Sequence[Asked]) -> Sequence[Given | Exception]:
        try:
            return await self._answer(group)
        except Exception as error:  # noqa: BLE001 - it is raised where it was asked
            return [error] * len(group)


def _tell(future: asyncio.Future[Given], given: Given | Exception) -> None:
    if future.done():
        return
    if isinstance(given, Exception):
        future.set_exception(given)
    else:
        future.set_result(given)
