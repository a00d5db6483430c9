"""An SMTP relay (RFC 5321), over connections that are kept open between mails."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from socket import socket
from typing import TypeVar

import aiosmtplib
from aiosmtplib import (
    SMTP,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from app.mail.compose import compose
from app.providers.base import (
    AccountError,
    OutgoingMessage,
    PermanentError,
    Receipt,
    TransientError,
    UncertainError,
)
from app.providers.reach import ForbiddenHostError, connect_public
from app.providers.smtp_replies import all_refused, is_refusal, refusal, refusals, words
from app.settings import SmtpSecurity

# Relays drop silent connections after some minutes (RFC 5321 section 4.5.3.2.7 asks for five).
_IDLE_LIMIT = 60.0
# A connection silent for longer is asked before it gets a mail.
_TRUSTED = 5.0
_GOING_AWAY = 421
_LARGE_BODY = 256 * 1024
# What is only a courtesy gets no more time than this.
_COURTESY = timedelta(seconds=2)

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class SmtpAccount:
    """`public_only`: the host was named by a tenant, and must be one of the Internet's."""

    host: str
    port: int
    security: SmtpSecurity
    username: str | None
    password: str | None = field(repr=False)
    ca_file: Path | None
    connections: int
    timeout: timedelta
    data_timeout: timedelta
    public_only: bool = False


class SmtpProvider:
    """At most `account.connections` mails are handed over at a time; others wait their turn.

    SMTP knows no idempotency: a connection lost after DATA leaves it open whether the mail was
    taken. That is an UncertainError, and the mail is sent again with the same Message-ID.
    """

    def __init__(self, account: SmtpAccount) -> None:
        self._account = account
        self._turns = asyncio.Semaphore(account.connections)
        self._idle: deque[tuple[SMTP, float]] = deque()

    async def send(self, message: OutgoingMessage) -> Receipt:
        """Hand it over. The server's 4xx and a lost connection are transient, 5xx permanent."""
        content = await _composed(message)
        try:
            async with self._connection() as connection:
                refused = await self._transmit(connection, message, content)
        except SMTPRecipientsRefused as error:
            raise all_refused(error) from error
        except SMTPResponseException as error:
            raise refusal(error) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise TransientError(f"connection to the relay lost: {error}") from error
        except ValueError as error:
            raise PermanentError(f"no relay can be given this envelope: {error}") from error
        return Receipt(
            provider_id=message.message.message_id.strip("<>"),
            internet_message_id=message.message.message_id,
            refused=refusals({one.recipient: (one.code, one.message) for one in refused}),
        )

    async def _transmit(
        self, connection: SMTP, message: OutgoingMessage, content: bytes
    ) -> list[SMTPRecipientRefused]:
        """Speak the mail transaction (section 3.3); the recipients that were refused.

        Not by the library's sendmail(), which gives the answer to the final dot no more time
        than any other, nor by send_message(), which re-flattens and breaks long header tokens.
        """
        try:
            sender = message.message.sender.address
            options = _size(connection, content)
            await _within(self._account.timeout, connection.mail(sender, options=options))
            refused = await self._name(connection, message.recipients)
        except (SMTPResponseException, SMTPRecipientsRefused):
            await self._reset(connection)
            raise
        try:
            await _within(self._account.data_timeout, connection.data(content))
        except SMTPResponseException:
            await self._reset(connection)
            raise
        except (aiosmtplib.SMTPException, OSError) as error:
            raise UncertainError(
                f"the relay did not confirm the mail, which may have arrived: {error}"
            ) from error
        return refused

    async def _name(self, connection: SMTP, addresses: Sequence[str]) -> list[SMTPRecipientRefused]:
        """Name the recipients. Raises SMTPRecipientsRefused when none was taken."""
        refused: list[SMTPRecipientRefused] = []
        for address in addresses:
            try:
                await _within(self._account.timeout, connection.rcpt(address))
            except SMTPRecipientRefused as error:
                refused.append(error)
                if error.code == _GOING_AWAY:
                    # It has hung up: whoever is named after this is not heard.
                    raise SMTPRecipientsRefused(refused) from error
        if len(refused) == len(addresses):
            raise SMTPRecipientsRefused(refused)
        return refused

    async def _reset(self, connection: SMTP) -> None:
        """Leave the transaction, so that the next mail may use the connection."""
        try:
            await _within(self._account.timeout, connection.rset())
        except (aiosmtplib.SMTPException, OSError):
            connection.close()

    async def verify(self) -> None:
        """Connect, and log in where the account has a user; raises AccountError."""
        async with self._connection():
            pass

    async def identify(self, provider_id: str) -> str | None:
        """Give the Message-ID, which is ours and stands in every receipt."""
        return f"<{provider_id}>"

    async def close(self) -> None:
        while self._idle:
            connection, _ = self._idle.pop()
            await _quit(connection)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[SMTP]:
        async with self._turns:
            connection = await self._kept() or await self._connect()
            try:
                yield connection
            except BaseException as error:
                if is_refusal(error):
                    # It refused a mail, and is fit for the next.
                    self._keep(connection)
                else:
                    # In the middle of who knows what: its next answer may belong to this mail.
                    connection.close()
                raise
            self._keep(connection)

    def _keep(self, connection: SMTP) -> None:
        if connection.is_connected:
            self._idle.append((connection, time.monotonic()))

    async def _kept(self) -> SMTP | None:
        """Find a kept connection that still answers; the last used first."""
        while self._idle:
            connection, since = self._idle.pop()
            idle = time.monotonic() - since
            if idle > _IDLE_LIMIT:
                await _quit(connection)
            elif connection.is_connected and (idle < _TRUSTED or await _answers(connection)):
                return connection
            else:
                connection.close()
        return None

    async def _connect(self) -> SMTP:
        account = self._account
        reached = await self._reached()
        connection = SMTP(
            # By this name the certificate is checked, wherever the connection was made to.
            hostname=account.host,
            port=account.port if reached is None else None,
            sock=reached,
            username=account.username,
            password=account.password,
            use_tls=account.security is SmtpSecurity.TLS,
            start_tls=account.security is SmtpSecurity.STARTTLS,
            cert_bundle=None if account.ca_file is None else str(account.ca_file),
            # Each command has its own limit, of ours: see _within().
            timeout=None,
        )
        try:
            await _within(account.timeout, _open(connection))
        except aiosmtplib.SMTPAuthenticationError as error:
            # Wrong credentials are mended by a person; the mail must not be lost meanwhile.
            raise AccountError(f"the relay refused our credentials: {words(error)}") from error
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise self._unreachable(error) from error
        return connection

    async def _reached(self) -> socket | None:
        """Connect to a public host; None where any host will do, and none was connected to."""
        account = self._account
        if not account.public_only:
            return None
        try:
            return await connect_public(account.host, account.port, limit=account.timeout)
        except (ForbiddenHostError, OSError) as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> AccountError:
        place = f"{self._account.host}:{self._account.port}"
        reason = str(error) or type(error).__name__
        return AccountError(f"no connection to the relay {place}: {reason}")


async def _within(limit: timedelta, answer: Awaitable[Answer]) -> Answer:
    """Wait for an answer; raises SMTPReadTimeoutError when there is none in time.

    The library's own limits are `asyncio.wait_for`, which in Python 3.11 loses a cancellation that
    arrives together with the answer (python/cpython#86296): a worker that is to stop would go on.
    """
    try:
        async with asyncio.timeout(limit.total_seconds()):
            return await answer
    except TimeoutError as error:
        reason = f"no answer within {limit.total_seconds():g} seconds"
        raise aiosmtplib.SMTPReadTimeoutError(reason) from error


async def _open(connection: SMTP) -> None:
    try:
        await connection.connect()
        if connection.is_ehlo_or_helo_needed:
            await _greet(connection)
    except BaseException:
        connection.close()
        raise


async def _greet(connection: SMTP) -> None:
    try:
        await connection.ehlo()
    except aiosmtplib.SMTPHeloError:
        # Servers older than RFC 1869 know only this.
        await connection.helo()


async def _composed(message: OutgoingMessage) -> bytes:
    """Write the mail; a long one in a thread, so that other mails and leases go on.

    Raises PermanentError for what no header can hold.
    """
    try:
        attached = sum(attachment.size for attachment in message.message.attachments)
        if len(message.message.html) + attached > _LARGE_BODY:
            return await asyncio.to_thread(compose, message.message)
        return compose(message.message)
    except ValueError as error:
        raise PermanentError(f"this mail cannot be written: {error}") from error


def _size(connection: SMTP, content: bytes) -> list[str]:
    """Declare the size where the server asks for it (RFC 1870)."""
    return [f"size={len(content)}"] if connection.supports_extension("size") else []


async def _answers(connection: SMTP) -> bool:
    try:
        await _within(_COURTESY, connection.noop())
    except (aiosmtplib.SMTPException, OSError):
        return False
    return True


async def _quit(connection: SMTP) -> None:
    try:
        await _within(_COURTESY, connection.quit())
    except (aiosmtplib.SMTPException, OSError):
        connection.close()
