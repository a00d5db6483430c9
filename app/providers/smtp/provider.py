"""Handing mails to a relay over kept connections."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import aiosmtplib
from aiosmtplib import SMTPRecipientsRefused, SMTPResponseException

from app.mail.compose import compose
from app.providers.base import OutgoingMessage, PermanentError, Receipt, TransientError
from app.providers.smtp.opening import SmtpAccount, connect
from app.providers.smtp.replies import all_refused, is_refusal, refusal, refusals
from app.providers.smtp.transaction import Envelope, transmit
from app.providers.smtp.wire import Wire

# Relays drop silent connections after some minutes (RFC 5321 section 4.5.3.2.7 asks for five).
_IDLE_LIMIT = 60.0
# A connection silent for longer is asked before it gets a mail.
_TRUSTED = 5.0
_LARGE_BODY = 256 * 1024
# What is only a courtesy gets no more time than this.
_COURTESY = timedelta(seconds=2)
_DONE = 250


class SmtpProvider:
    """At most `account.connections` mails are handed over at a time; others wait their turn.

    SMTP knows no idempotency: a connection lost after DATA leaves it open whether the mail was
    taken. That is an UncertainError, and the mail is sent again with the same Message-ID.
    """

    def __init__(self, account: SmtpAccount) -> None:
        self._account = account
        self._turns = asyncio.Semaphore(account.connections)
        self._idle: deque[tuple[Wire, float]] = deque()

    async def send(self, message: OutgoingMessage) -> Receipt:
        """Hand it over. The server's 4xx and a lost connection are transient, 5xx permanent."""
        content = await _composed(message)
        envelope = Envelope(message.message.sender.address, message.recipients)
        limit, last_limit = self._account.timeout, self._account.data_timeout
        try:
            async with self._connection() as wire:
                refused = await transmit(
                    wire, envelope, content, limit=limit, last_limit=last_limit
                )
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

    async def verify(self) -> None:
        """Connect, and log in where the account has a user; raises AccountError."""
        async with self._connection():
            pass

    async def identify(self, provider_id: str) -> str | None:
        """Give the Message-ID, which is ours and stands in every receipt."""
        return f"<{provider_id}>"

    async def close(self) -> None:
        while self._idle:
            wire, _ = self._idle.pop()
            await _quit(wire)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Wire]:
        async with self._turns:
            wire = await self._kept() or await connect(self._account)
            try:
                yield wire
            except BaseException as error:
                if is_refusal(error):
                    # It refused a mail, and is fit for the next.
                    self._keep(wire)
                else:
                    # In the middle of who knows what: its next answer may belong to this mail.
                    wire.close()
                raise
            self._keep(wire)

    def _keep(self, wire: Wire) -> None:
        if wire.is_open:
            self._idle.append((wire, time.monotonic()))

    async def _kept(self) -> Wire | None:
        """Find a kept wire that still answers; the last used first."""
        while self._idle:
            wire, since = self._idle.pop()
            idle = time.monotonic() - since
            if idle > _IDLE_LIMIT:
                await _quit(wire)
            elif wire.is_open and (idle < _TRUSTED or await _answers(wire)):
                return wire
            else:
                wire.close()
        return None


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


async def _answers(wire: Wire) -> bool:
    try:
        return (await wire.ask(b"NOOP", _COURTESY)).code == _DONE
    except (aiosmtplib.SMTPException, OSError):
        return False
    except BaseException:
        wire.close()
        raise


async def _quit(wire: Wire) -> None:
    try:
        await wire.ask(b"QUIT", _COURTESY)
    except (aiosmtplib.SMTPException, OSError):
        pass
    finally:
        wire.close()
