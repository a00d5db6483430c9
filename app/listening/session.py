"""One connection of a mail server.

aiosmtpd speaks the commands. The content of a message is read here: lines of any length are taken,
only CR LF ends one (so that nothing smuggles a second message in, RFC 5321 section 2.3.8), and LMTP
answers once for each recipient.
"""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from typing import cast

import structlog
from aiosmtpd.smtp import SMTP, Envelope, syntax

from app.context import Deps
from app.listening import replies
from app.listening.handler import Handler
from app.listening.house import House
from app.services.receiving import mail_servers

log = structlog.get_logger()

# A message that is not here after so many of the longest silences, whatever is said meanwhile, has
# its connection ended: others may wait for one.
PATIENCE = 10
# So much is read at a time, and counts as a sign of life.
_PROGRESS = 64 * 1024
_LINE_END = b"\r\n"
_END = b"\r\n.\r\n"
# Quoted parts may hold any sign; a route before the address (RFC 5321 appendix C) says nothing.
_PATH = re.compile(r'\s*<(?:@[^:<>]*:)?((?:"(?:[^"\\]|\\.)*"|[^<>"\s])*)>(.*)')
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class SmtpSession(SMTP):
    """`is_busy` from the first octet of a message to its answer."""

    is_lmtp = False

    def __init__(self, deps: Deps, house: House) -> None:
        self._deps, self._house = deps, house
        self._handler = Handler(deps.settings, house.owners)
        self._is_refused = False
        self.is_busy = False
        self._is_hello = False
        self._until = 0.0
        super().__init__(
            self._handler,
            data_size_limit=deps.settings.inbound_limit,
            enable_SMTPUTF8=True,
            # Else aiosmtpd asks the resolver for this machine's name, which can take seconds.
            hostname=house.name,
            ident="Letterbox",
            timeout=deps.settings.inbound_timeout.total_seconds(),
            loop=asyncio.get_running_loop(),
        )

    def _reset_timeout(self, duration: float | None = None) -> None:
        """Wait for the next sign of life, and not beyond the time that a message may take."""
        left = self._until - self.loop.time()
        if left > 0:
            super()._reset_timeout(min(duration or self._timeout_duration, left))
        elif self.transport is not None:
            # Not by a timer: whoever talks fast enough would put it off again each time.
            self.transport.close()

    def _begin(self) -> None:
        """Give time for a message."""
        self._until = self.loop.time() + self._timeout_duration * PATIENCE

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not self._house.enter(self):
            self._is_refused = True
            _hang_up(transport, replies.FULL)
            return
        self._begin()
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._is_refused:
            self._house.leave(self)
            super().connection_lost(error)

    def eof_received(self) -> bool | None:
        """Hang up on who has: aiosmtpd leaves that to a task, which may never have begun."""
        if self._is_refused:
            return None
        super().eof_received()
        return False

    def dismiss(self) -> None:
        """Say that this server is stopping, and hang up."""
        _hang_up(self.transport, replies.STOPPING)

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Read an address and what follows it; (None, None) for none.

        aiosmtpd's own takes control characters, which would stand in a header of what is kept, and
        refuses mail for the sake of an odd sender. "<>" is nobody.
        """
        found = None if _CONTROL.search(arg) else _PATH.fullmatch(arg)
        return (None, None) if found is None else (found[1] or "<>", found[2])

    async def push(self, status: str | bytes) -> None:
        text = status.decode() if isinstance(status, bytes) else status
        # Some repeat what was said, which may be any octets.
        text = text.encode("ascii", "replace").decode()
        await super().push(text if self._is_hello else replies.enhanced(text))

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802 - aiosmtpd's name
        self._is_hello = True
        try:
            await super().smtp_EHLO(hostname)
        finally:
            self._is_hello = False

    @syntax("DATA")
    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd's name
        if await self.check_helo_needed():
            return
        if arg:
            await self.push("501 Syntax: DATA")
            return
        if self.envelope is None or not self.envelope.rcpt_tos:
            await self.push(replies.NO_RECIPIENT)
            return
        self.is_busy = True
        try:
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            await self._take(self.envelope)
        finally:
            self.is_busy = False
            self.envelope = self._create_envelope()
        if self._house.is_closing and self.transport is not None:
            self.dismiss()

    async def _take(self, envelope: Envelope) -> None:
        with self._house.room() as room:
            raw = await self._content(room.grow)
            recipients = list(envelope.rcpt_tos)
            if raw is None:
                answer = replies.BUSY if room.is_refused else replies.TOO_LARGE
                await self._answer(dict.fromkeys(recipients, answer), recipients)
                return
            self._begin()
            self._reset_timeout()
            sender = (envelope.mail_from or "").strip("<>")
            fates = await mail_servers.take(
                self._deps, raw, sender=sender, recipients=dict(self._handler.tenants)
            )
        answers = {address: replies.FATES[fate] for address, fate in fates.items()}
        await self._answer(answers, recipients)

    async def _answer(self, answers: Mapping[str, str], recipients: Iterable[str]) -> None:
        """Answer for each recipient in LMTP (RFC 2033 section 4.2), else once for all."""
        if self.is_lmtp:
            for address in recipients:
                await self.push(answers[address])
            return
        # Once more for all, where one has it not yet: whoever has it keeps it once.
        order = [replies.STORE_AWAY, replies.BUSY, *sorted(set(answers.values()), reverse=True)]
        await self.push(next(one for one in order if one in answers.values()))

    async def _content(self, grow: Callable[[int], bool]) -> bytes | None:
        """Read a message to its end, dots taken off (RFC 5321 section 4.5.2).

        None when it is larger than the limit, or than there is room for. It takes as long as there
        are octets, whatever lines they make.
        """
        limit = self._deps.settings.inbound_limit
        # The line of the command ends before the first of the message.
        octets, since_alive, fits, end = bytearray(_LINE_END), 0, True, -1
        while end < 0:
            block = await self._reader.read(_PROGRESS)
            if not block:
                raise ConnectionResetError
            since_alive += len(block)
            if since_alive >= _PROGRESS:
                since_alive = 0
                self._reset_timeout()
            begin = max(0, len(octets) - len(_END) + 1)
            octets += block
            end = octets.find(_END, begin)
            length = len(octets) - len(_END) if end < 0 else end
            fits = fits and length <= limit and grow(len(block))
            if not fits and end < 0:
                del octets[: 1 - len(_END)]
        # Commands may follow at once (RFC 2920 section 3.1).
        _put_back(self._reader, octets[end + len(_END) :])
        del octets[end + len(_LINE_END) :]
        if not fits:
            return None
        content = octets.replace(b"\r\n.", _LINE_END)
        octets.clear()
        return bytes(memoryview(content)[len(_LINE_END) :])


class LmtpSession(SmtpSession):
    is_lmtp = True

    @syntax("LHLO hostname")
    async def smtp_LHLO(self, hostname: str) -> None:  # noqa: N802 - aiosmtpd's name
        await super().smtp_EHLO(hostname)

    async def smtp_HELO(self, _hostname: str) -> None:  # noqa: N802 - aiosmtpd's name
        await self.push("500 5.5.1 This is LMTP: say LHLO")

    async def smtp_EHLO(self, _hostname: str) -> None:  # noqa: N802 - aiosmtpd's name
        await self.push("500 5.5.1 This is LMTP: say LHLO")


def _put_back(reader: asyncio.StreamReader, octets: bytes | bytearray) -> None:
    """Have octets that were read be read next; asyncio offers no way to look ahead."""
    buffer: bytearray = reader._buffer  # type: ignore[attr-defined]  # noqa: SLF001
    buffer[:0] = octets


def _hang_up(transport: asyncio.BaseTransport | None, last_words: str) -> None:
    if transport is not None:
        # uvloop's are of no class of asyncio's.
        writing = cast("asyncio.WriteTransport", transport)
        writing.write(f"{last_words}\r\n".encode())
        writing.close()
