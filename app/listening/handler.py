"""What aiosmtpd asks about envelopes."""

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from app.documents.base import StoreUnavailableError
from app.listening import replies
from app.listening.owners import Owners
from app.settings import Settings

log = structlog.get_logger()

MAX_RECIPIENTS = 1000


class Handler:
    """Answers for one connection; `tenants` are those of the recipients taken."""

    def __init__(self, settings: Settings, owners: Owners) -> None:
        self._settings, self._owners = settings, owners
        self.tenants: dict[str, str] = {}

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, told: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*told[:-1], "250-PIPELINING", "250-ENHANCEDSTATUSCODES", told[-1]]

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        self.tenants.clear()
        envelope.mail_from = address
        return replies.SENDER_OK

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return replies.TOO_MANY
        try:
            tenant = await self._owners.owner_of(self._settings, address)
        except StoreUnavailableError:
            return replies.STORE_AWAY
        if tenant is None:
            return replies.UNKNOWN
        envelope.rcpt_tos.append(address)
        self.tenants[address] = tenant
        return replies.RECIPIENT_OK

    async def handle_exception(self, error: Exception) -> str:
        log.error("listener.fault", error=type(error).__name__)
        return replies.FAULT
