"""Connecting to an SMTP server: the network, TLS, the greeting and the login."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from socket import socket
from typing import cast

import aiosmtplib
from aiosmtplib import SMTP

from app.providers.base import AccountError
from app.providers.reach import ForbiddenHostError, connect_public
from app.providers.smtp.replies import words
from app.providers.smtp.wire import Wire, within
from app.settings import SmtpSecurity


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


async def connect(account: SmtpAccount) -> Wire:
    """Connect, and log in where the account has a user; raises AccountError."""
    reached = await _reached(account)
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
        # There is one limit for all of it, of ours: see within().
        timeout=None,
    )
    try:
        return await within(account.timeout, _opened(connection))
    except aiosmtplib.SMTPAuthenticationError as error:
        # Wrong credentials are mended by a person; the mail must not be lost meanwhile.
        raise AccountError(f"the relay refused our credentials: {words(error)}") from error
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        raise _unreachable(account, error) from error


async def _reached(account: SmtpAccount) -> socket | None:
    """Connect to a public host; None where any host will do, and none was connected to."""
    if not account.public_only:
        return None
    try:
        return await connect_public(account.host, account.port, limit=account.timeout)
    except (ForbiddenHostError, OSError) as error:
        raise _unreachable(account, error) from error


def _unreachable(account: SmtpAccount, error: Exception) -> AccountError:
    place = f"{account.host}:{account.port}"
    reason = str(error) or type(error).__name__
    return AccountError(f"no connection to the relay {place}: {reason}")


async def _opened(connection: SMTP) -> Wire:
    try:
        await connection.connect()
        if connection.is_ehlo_or_helo_needed:
            await _greet(connection)
        return _taken_over(connection)
    except BaseException:
        connection.close()
        raise


def _taken_over(connection: SMTP) -> Wire:
    if connection.transport is None:
        raise aiosmtplib.SMTPServerDisconnected("Connection lost")
    # What was offered before TLS does not count (RFC 3207 section 4.2): the library forgot it.
    extensions = frozenset(connection.esmtp_extensions)
    return Wire(cast(asyncio.Transport, connection.transport), extensions)


async def _greet(connection: SMTP) -> None:
    try:
        await connection.ehlo()
    except aiosmtplib.SMTPHeloError:
        # Servers older than RFC 1869 know only this.
        await connection.helo()
