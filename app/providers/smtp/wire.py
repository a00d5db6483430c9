"""An open connection to an SMTP server: what is said on it, and the answers in their order.

The library opens connections, and does TLS and logins. After that it has no way to read the answers
to several commands that were sent together (RFC 2920): it drops those that nobody waits for yet.
"""

import asyncio
import re
from collections import deque
from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar

from aiosmtplib import (
    SMTPReadTimeoutError,
    SMTPResponse,
    SMTPResponseException,
    SMTPServerDisconnected,
)

GOING_AWAY = 421
# No code of a server's: it did not speak SMTP.
_NONSENSE = -1
# Far beyond the 512 octets of a line (RFC 5321 section 4.5.3.1.5), and the lines of any answer.
_LONGEST = 32 * 1024
_SHOWN = 200
_LINE = re.compile(rb"([0-9]{3})(?:([ -])(.*))?", re.DOTALL)

Answer = TypeVar("Answer")


class Wire(asyncio.Protocol):
    """Takes over `transport` at a moment when no answer is awaited.

    `extensions` are the keywords that the server answered EHLO with, in lower case.
    """

    def __init__(self, transport: asyncio.Transport, extensions: frozenset[str]) -> None:
        self.extensions = extensions
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._unread = bytearray()
        self._lines: list[bytes] = []
        self._length = 0
        self._awaited = 0
        self._answers: deque[SMTPResponse] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._end: Exception | None = None
        transport.set_protocol(self)

    @property
    def is_open(self) -> bool:
        return self._end is None and not self._transport.is_closing()

    def say(self, octets: bytes, *, answers: int = 1) -> None:
        """Send what gets so many answers. Raises SMTPServerDisconnected."""
        if self._transport.is_closing():
            raise SMTPServerDisconnected("Connection lost")
        self._awaited += answers
        self._transport.write(octets)

    async def answer(self, limit: timedelta) -> SMTPResponse:
        """Give the next answer; those that came before the connection was lost are given first.

        Raises SMTPReadTimeoutError, SMTPServerDisconnected, and SMTPResponseException for what is
        no answer of SMTP. After any of these the connection is of no use.
        """
        while not self._answers:
            if self._end is not None:
                raise self._end
            self._waiter = self._loop.create_future()
            await within(limit, self._waiter)
        return self._answers.popleft()

    async def ask(self, command: bytes, limit: timedelta) -> SMTPResponse:
        """Say a command, without its line end, and wait for the answer."""
        self.say(command + b"\r\n")
        return await self.answer(limit)

    def close(self) -> None:
        """Hang up. A mail in the middle of its way is cut off, and so not taken."""
        if self._awaited:
            self._transport.abort()
        else:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._unread += data
        *lines, rest = self._unread.split(b"\n")
        self._unread = rest
        for line in lines:
            if self._end is not None:
                return
            self._read(bytes(line.rstrip(b"\r")))
        if self._length + len(rest) > _LONGEST:
            self._finish(SMTPResponseException(_NONSENSE, "Response too long"))

    def eof_received(self) -> bool:
        self._finish(SMTPServerDisconnected("Unexpected EOF received"))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        lost = SMTPServerDisconnected("Connection lost")
        lost.__cause__ = exc
        self._finish(lost)

    def _read(self, line: bytes) -> None:
        """Read a line of an answer (RFC 5321 section 4.2.1)."""
        found = _LINE.fullmatch(line)
        self._length += len(line)
        if found is None or self._length > _LONGEST:
            fault = "Malformed SMTP response line" if found is None else "Response too long"
            words = line[:_SHOWN].decode("utf-8", errors="ignore")
            self._finish(SMTPResponseException(_NONSENSE, f"{fault}: {words}"))
            return
        self._lines.append((found[3] or b"").strip(b" \t\r"))
        if found[2] != b"-":
            text = b"\n".join(self._lines).decode("utf-8", "surrogateescape")
            self._lines, self._length = [], 0
            self._answered(SMTPResponse(int(found[1]), text))

    def _answered(self, response: SMTPResponse) -> None:
        if not self._awaited:
            # Of whatever comes after this nobody could tell to what it is an answer.
            self._finish(SMTPResponseException(response.code, response.message))
            return
        self._awaited -= 1
        self._answers.append(response)
        self._wake()

    def _finish(self, reason: Exception) -> None:
        """Give no more answers than came."""
        if self._end is None:
            self._end = reason
            self.close()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def within(limit: timedelta, answer: Awaitable[Answer]) -> Answer:
    """Wait for an answer; raises SMTPReadTimeoutError when there is none in time.

    The library's own limits are `asyncio.wait_for`, which in Python 3.11 loses a cancellation that
    arrives together with the answer (python/cpython#86296): a worker that is to stop would go on.
    """
    try:
        async with asyncio.timeout(limit.total_seconds()):
            return await answer
    except TimeoutError as error:
        reason = f"no answer within {limit.total_seconds():g} seconds"
        raise SMTPReadTimeoutError(reason) from error
