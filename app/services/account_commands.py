"""What callers may say about provider accounts; one part for each kind of provider."""

import re
from ipaddress import AddressValueError, IPv6Address
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from app.mail.addresses import parse_mailbox
from app.services.inputs import Command, Line, Name, OptionalInstant, OptionalLine, storable
from app.settings import SmtpSecurity

SENDERS_LIMIT = 100
SECRET_LENGTH = 2048
CONNECTIONS_LIMIT = 20
# Fields that are sealed, and never given back.
SECRETS = frozenset({"password", "api_key", "webhook_secret", "client_secret", "client_state"})
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9.])?")
# A directory is named by its GUID or by one of its domains. It becomes part of an address.
_DIRECTORY = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def _a_host(text: str) -> str:
    if not _HOST.fullmatch(text):
        try:
            return str(IPv6Address(text))
        except AddressValueError:
            raise ValueError("must be a host name or an IP address, without a port") from None
    return text.lower()


def _a_directory(text: str) -> str:
    if not _DIRECTORY.fullmatch(text):
        raise ValueError("must be the GUID or a domain of the directory")
    return text.lower()


def _a_guid(text: str) -> str:
    if not _GUID.fullmatch(text):
        raise ValueError("must be a GUID, as in 00000000-0000-0000-0000-000000000000")
    return text.lower()


def _a_mailbox(text: str) -> str:
    if _GUID.fullmatch(text):
        return text.lower()
    return _bare(text)


def _a_sender(text: str) -> str:
    if text.startswith("@"):
        return _bare(f"x{text}").removeprefix("x")
    return _bare(text)


def _bare(text: str) -> str:
    mailbox = parse_mailbox(text)
    if mailbox.name is not None or text.endswith(">"):
        raise ValueError("must be the address alone, without a name")
    return mailbox.address.lower()


def _each_once(texts: list[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _null_is_empty(value: object) -> object:
    return [] if value is None else value


def _a_secret(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not text.strip():
        raise ValueError("must not be blank")
    if len(text) > SECRET_LENGTH:
        raise ValueError(f"must have at most {SECRET_LENGTH} characters")
    if any(ord(character) < ord(" ") or ord(character) == 0x7F for character in storable(text)):  # noqa: PLR2004 - DEL
        raise ValueError("must not contain line breaks or other control characters")
    return secret


Host = Annotated[Line, AfterValidator(_a_host)]
Port = Annotated[int, Field(ge=1, le=65535)]
Connections = Annotated[int, Field(ge=1, le=CONNECTIONS_LIMIT)]
Directory = Annotated[Line, AfterValidator(_a_directory)]
Guid = Annotated[Line, AfterValidator(_a_guid)]
MailboxName = Annotated[Line, AfterValidator(_a_mailbox)]
Secret = Annotated[SecretStr, AfterValidator(_a_secret)]
Sender = Annotated[Line, AfterValidator(_a_sender)]
Senders = Annotated[
    list[Sender],
    Field(max_length=SENDERS_LIMIT),
    AfterValidator(_each_once),
    BeforeValidator(_null_is_empty),
]


class SmtpPart(Command):
    host: Host
    port: Port = 587
    security: SmtpSecurity = SmtpSecurity.STARTTLS
    username: OptionalLine = None
    connections: Connections = 4
    password: Secret | None = None


class ResendPart(Command):
    api_key: Secret
    webhook_secret: Secret | None = None


class GraphPart(Command):
    directory_id: Directory
    client_id: Guid
    mailbox: MailboxName
    client_secret: Secret
    client_state: Secret | None = None
    receives_mail: bool = False
    receives_since: OptionalInstant = None


class CreateProviderAccount(Command):
    """Exactly one part is given, which makes it an account of that kind."""

    name: Name
    sender_emails: Senders = Field(default_factory=list)
    fallback_id: OptionalLine = None
    smtp: SmtpPart | None = None
    resend: ResendPart | None = None
    graph: GraphPart | None = None

    @model_validator(mode="after")
    def _one_part(self) -> Self:
        given = [part for part in (self.smtp, self.resend, self.graph) if part is not None]
        if len(given) != 1:
            raise ValueError("must have exactly one of smtp, resend, graph")
        return self


class SmtpChanges(Command):
    host: Host = ""
    port: Port = 587
    security: SmtpSecurity = SmtpSecurity.STARTTLS
    username: OptionalLine = None
    connections: Connections = 4
    password: Secret | None = None


class ResendChanges(Command):
    api_key: Secret = SecretStr("")
    webhook_secret: Secret | None = None


class GraphChanges(Command):
    directory_id: Directory = ""
    client_id: Guid = ""
    mailbox: MailboxName = ""
    client_secret: Secret = SecretStr("")
    client_state: Secret | None = None
    receives_mail: bool = False
    receives_since: OptionalInstant = None


class UpdateProviderAccount(Command):
    """What is left out stays as it is; null takes away what is optional.

    Only the part of the account's own kind may be given. With `revision` it is done only while the
    account has that revision.
    """

    name: Name = ""
    sender_emails: Senders = Field(default_factory=list)
    fallback_id: OptionalLine = None
    smtp: SmtpChanges | None = None
    resend: ResendChanges | None = None
    graph: GraphChanges | None = None
    revision: int | None = None
