"""The operations of one socket, each a task of its own."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any

from graphql import GraphQLError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from app.context import Context
from app.errors import AppError, RateLimitedError
from app.services import rates
from graphql_schema.errors import coded
from graphql_schema.execution import execute, read_operation, refused, response_body
from graphql_schema.socket_messages import CloseSocket

_RETRY_SECONDS = 5
# A client that reads what it is told stops long before; one that does not is not heard further.
REFUSALS_LIMIT = 20
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class Operations:
    """At most `limit` run at a time. `send` raises nothing, though nobody may listen any more."""

    def __init__(self, context: Context, send: Send, limit: int) -> None:
        self._context = context
        self._send = send
        self._limit = limit
        self._refusals = 0
        # What still has a word under its id; all that run; those that end only when told to.
        self._speaking: dict[str, asyncio.Task[None]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._endless: set[asyncio.Task[None]] = set()

    async def start(self, id_: str, payload: Mapping[str, Any]) -> None:
        """Run what a `subscribe` asks for.

        Raises CloseSocket: 4409 for an id in use, 4429 when too many were refused already.
        """
        if id_ in self._speaking:
            raise CloseSocket(4409, f"Subscriber for {id_} already exists")
        if len(self._running) >= self._limit:
            self._refusals += 1
            if self._refusals > REFUSALS_LIMIT:
                raise CloseSocket(4429, "Too many requests")
            reason = f"This socket runs {self._limit} operations already; complete one first."
            error = RateLimitedError(reason, retry_after=_RETRY_SECONDS)
            await self._send(_error(id_, refused(error)))
            return
        task = asyncio.create_task(self._run(id_, payload))
        self._speaking[id_] = task
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def complete(self, id_: str) -> None:
        """End a subscription; what else it is goes on, but its answer is not sent.

        Of a mutation nothing is left half done. An id that is not in use has just ended.
        """
        task = self._speaking.pop(id_, None)
        if task is not None and task in self._endless:
            task.cancel()

    async def end(self) -> None:
        """End all; returns when nothing runs any more."""
        for id_ in list(self._speaking):
            self.complete(id_)
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self, id_: str, payload: Mapping[str, Any]) -> None:
        try:
            await self._answer(id_, payload)
        except Exception as error:  # noqa: BLE001 - one operation must not end the others
            fault = coded(GraphQLError("", original_error=error))
            await self._say(_error(id_, PreExecutionError(data=None, errors=[fault])))
        finally:
            if self._speaks(id_):
                del self._speaking[id_]

    async def _answer(self, id_: str, payload: Mapping[str, Any]) -> None:
        try:
            operation = read_operation(payload)
            if self._context.caller is not None:
                await rates.admit(self._context.deps, self._context.caller)
            result = await execute(operation, self._context, kinds=set(OperationType))
        except AppError as error:
            result = refused(error)
        if isinstance(result, ExecutionResult):
            if await self._tell(id_, result):
                await self._say({"id": id_, "type": "complete"})
            return
        await self._follow(id_, result)

    async def _follow(self, id_: str, results: AsyncGenerator[ExecutionResult, None]) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - this is a coroutine
        async with aclosing(results):
            self._endless.add(task)
            task.add_done_callback(self._endless.discard)
            while self._speaks(id_):
                result = await anext(results, None)
                if result is None:
                    await self._say({"id": id_, "type": "complete"})
                elif not await self._tell(id_, result):
                    return

    async def _tell(self, id_: str, result: ExecutionResult) -> bool:
        """Send a result; False when it was the last because nothing ran."""
        if isinstance(result, PreExecutionError):
            await self._say(_error(id_, result))
            return False
        await self._say({"id": id_, "type": "next", "payload": response_body(result)})
        return True

    async def _say(self, message: Mapping[str, Any]) -> None:
        if self._speaks(message["id"]):
            if message["type"] != "next":
                # Its client may use the id again as soon as it reads this.
                del self._speaking[message["id"]]
            await self._send(message)

    def _speaks(self, id_: str) -> bool:
        return self._speaking.get(id_) is asyncio.current_task()


def _error(id_: str, result: PreExecutionError) -> dict[str, Any]:
    errors = [error.formatted for error in result.errors or ()]
    return {"id": id_, "type": "error", "payload": errors}
