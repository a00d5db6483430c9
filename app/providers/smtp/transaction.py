"""The mail transaction (RFC 5321 section 3.3), with as few waits as the server allows.

A server that offers PIPELINING (RFC 2920) is told sender, recipients and DATA together, and
answers each of them: one wait in place of one for each command.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import aiosmtplib
from aiosmtplib import (
    SMTPDataError,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPResponse,
    SMTPResponseException,
    SMTPSenderRefused,
)

from app.providers.base import UncertainError
from app.providers.smtp.replies import is_refusal
from app.providers.smtp.wire import GOING_AWAY, Wire

_DONE = 250
_TAKEN = {_DONE, 251}
_GO_AHEAD = 354
_PIPELINING = "pipelining"
# Printable, and without what would end it: no address smuggles in a parameter or a command.
_ADDRESS = re.compile(r"[!-;=?-~]+")

# What tells that the server said no to the mail.
Refused = SMTPResponseException | SMTPRecipientsRefused


@dataclass(frozen=True)
class Envelope:
    sender: str
    recipients: tuple[str, ...]

    def commands(self, parameters: str) -> list[bytes]:
        """MAIL, each RCPT and DATA. Raises ValueError for what is no address."""
        named = [f"RCPT TO:{_path(address)}\r\n".encode() for address in self.recipients]
        mail = f"MAIL FROM:{_path(self.sender)}{parameters}\r\n".encode()
        return [mail, *named, b"DATA\r\n"]

    def refused(self, answers: Sequence[SMTPResponse]) -> list[SMTPRecipientRefused]:
        """Tell which recipients were refused, of those that were answered."""
        return [
            SMTPRecipientRefused(answer.code, answer.message, address)
            for address, answer in zip(self.recipients, answers[1:], strict=False)
            if answer.code not in _TAKEN
        ]

    def verdict(self, answers: Sequence[SMTPResponse]) -> Refused | None:
        """Tell what ends the transaction, by the answers so far; None when it may go on."""
        if answers and answers[0].code != _DONE:
            return SMTPSenderRefused(answers[0].code, answers[0].message, self.sender)
        refused = self.refused(answers)
        # Who goes away hears nobody who is named after that.
        if len(refused) == len(self.recipients) or any(r.code == GOING_AWAY for r in refused):
            return SMTPRecipientsRefused(refused)
        if len(answers) == len(self.recipients) + 2 and answers[-1].code != _GO_AHEAD:
            return SMTPDataError(answers[-1].code, answers[-1].message)
        return None


async def transmit(
    wire: Wire, envelope: Envelope, content: bytes, *, limit: timedelta, last_limit: timedelta
) -> list[SMTPRecipientRefused]:
    """Hand a mail over; the recipients that were refused while others were taken.

    `content` has CRLF line ends. Each answer may take `limit`, that to the end of the mail
    `last_limit`. After a refusal the wire is in order for the next mail, or closed.

    Raises SMTPResponseException and SMTPRecipientsRefused for a refusal, other SMTPException and
    OSError when the connection is lost before the mail is out, UncertainError when that happens
    afterwards, ValueError for what is no address.
    """
    # RFC 1870.
    parameters = f" SIZE={len(content)}" if "size" in wire.extensions else ""
    commands = envelope.commands(parameters)
    introduce = _together if _PIPELINING in wire.extensions else _one_by_one
    try:
        answers = await introduce(wire, envelope, commands, limit)
        await _deliver(wire, content, last_limit)
    except (SMTPResponseException, SMTPRecipientsRefused) as error:
        await _recover(wire, error, limit)
        raise
    return envelope.refused(answers)


async def _one_by_one(
    wire: Wire, envelope: Envelope, commands: Sequence[bytes], limit: timedelta
) -> list[SMTPResponse]:
    answers: list[SMTPResponse] = []
    for command in commands:
        wire.say(command)
        answers.append(await wire.answer(limit))
        if error := envelope.verdict(answers):
            raise error
    return answers


async def _together(
    wire: Wire, envelope: Envelope, commands: Sequence[bytes], limit: timedelta
) -> list[SMTPResponse]:
    """Say all at once, DATA last, and read the answer to each (RFC 2920 section 3.1)."""
    answers: list[SMTPResponse] = []
    wire.say(b"".join(commands), answers=len(commands))
    try:
        while len(answers) < len(commands) and not _goes_away(answers):
            answers.append(await wire.answer(limit))
    except (aiosmtplib.SMTPException, OSError):
        wire.close()
        # What was refused before that stays refused.
        if envelope.verdict(answers) is None:
            raise
    if error := envelope.verdict(answers):
        if len(answers) == len(commands) and answers[-1].code == _GO_AHEAD:
            await _send_nothing(wire, envelope, answers, limit)
        raise error
    return answers


def _goes_away(answers: Sequence[SMTPResponse]) -> bool:
    return bool(answers) and answers[-1].code == GOING_AWAY


async def _send_nothing(
    wire: Wire, envelope: Envelope, answers: Sequence[SMTPResponse], limit: timedelta
) -> None:
    """Answer a server that waits for a mail though it took no recipient (RFC 2920 section 3.1).

    It gets a single dot. One that may have taken a recipient might send on even that, and is hung
    up on.
    """
    refused = envelope.refused(answers)
    if len(refused) < len(envelope.recipients) or not all(map(is_refusal, refused)):
        wire.close()
        return
    try:
        await wire.ask(b".", limit)
    except (aiosmtplib.SMTPException, OSError):
        wire.close()


async def _deliver(wire: Wire, content: bytes, limit: timedelta) -> None:
    wire.say(_stuffed(content))
    try:
        answer = await wire.answer(limit)
    except SMTPResponseException:
        raise
    except (aiosmtplib.SMTPException, OSError) as error:
        raise UncertainError(
            f"the relay did not confirm the mail, which may have arrived: {error}"
        ) from error
    if answer.code != _DONE:
        raise SMTPDataError(answer.code, answer.message)


async def _recover(wire: Wire, error: Refused, limit: timedelta) -> None:
    """Leave the transaction, so that the next mail may use the connection."""
    if not is_refusal(error) or _is_farewell(error):
        # In the middle of who knows what: its next answer may belong to this mail.
        wire.close()
    if not wire.is_open:
        return
    try:
        answer = await wire.ask(b"RSET", limit)
    except (aiosmtplib.SMTPException, OSError):
        wire.close()
        return
    if answer.code != _DONE:
        wire.close()


def _is_farewell(error: Refused) -> bool:
    if isinstance(error, SMTPRecipientsRefused):
        return any(one.code == GOING_AWAY for one in error.recipients)
    return error.code == GOING_AWAY


def _path(address: str) -> str:
    if not _ADDRESS.fullmatch(address):
        raise ValueError(f"{address!r} is no address")
    return f"<{address}>"


def _stuffed(content: bytes) -> bytes:
    """Write the mail as it goes over the wire (RFC 5321 section 4.5.2), its end included."""
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    opening = b"." if stuffed.startswith(b".") else b""
    closing = b".\r\n" if stuffed.endswith(b"\r\n") else b"\r\n.\r\n"
    return b"".join([opening, stuffed, closing])
