"""Every setting of Letterbox, read once from `LETTERBOX_*` environment variables."""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Literal, Self

from pydantic import (
    AnyHttpUrl,
    Field,
    FilePath,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.encryption import derived, read_keys
from app.settings.durations import Duration, Seconds
from app.settings.links import LinkSettings
from app.settings.live import LiveSettings
from app.settings.protection import ProtectionSettings
from app.settings.receiving import ReceivingSettings
from app.settings.tracking import AddressKeeping, TrackingSettings

__all__ = ["AddressKeeping", "Environment", "Settings", "SmtpSecurity"]

MEBIBYTE = 1024 * 1024
# A shorter key is weaker than HS256 itself.
SECRET_LENGTH = 32


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class SmtpSecurity(StrEnum):
    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class _GeneralSettings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="LETTERBOX_",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        # A secret that is refused must not be printed.
        hide_input_in_errors=True,
    )

    environment: Environment = Field(
        Environment.PRODUCTION,
        description="`development` adds the inbox page at /dev/inbox and readable logs.",
    )
    host: str = Field("127.0.0.1", description="Address the API listens on.")
    port: int = Field(18080, ge=1, le=65535, description="Port the API listens on.")
    public_url: AnyHttpUrl = Field(
        AnyHttpUrl("http://localhost:18080"),
        description="Address at which mail clients reach this API; tracking links start with it.",
    )
    data_dir: Path = Field(
        Path(".letterbox"), description="Folder of the development stack (servers, inbox, logs)."
    )

    mongo_url: str = Field(
        "mongodb://127.0.0.1:27017/?replicaSet=rs0",
        description="MongoDB, as a replica set (one node is enough).",
    )
    mongo_database: str = Field("letterbox", description="Database name.")
    redis_url: str = Field(
        "redis://127.0.0.1:6379/0", description="Redis or Valkey, for the queue."
    )

    jwt_secret: SecretStr | None = Field(
        None, description="Secret of HS256 bearer tokens, at least 32 characters."
    )
    jwt_jwks_url: AnyHttpUrl | None = Field(
        None, description="JWKS address of your identity provider (RS256 or ES256 tokens)."
    )
    jwt_issuer: str | None = Field(None, description="Required `iss` of tokens, when set.")
    jwt_audience: str | None = Field(None, description="Required `aud` of tokens, when set.")
    jwt_tenant_claim: str = Field("tenant", description="Claim that names the tenant.")
    jwt_user_claim: str = Field("sub", description="Claim that names the user.")
    jwt_leeway: Seconds = Field(
        timedelta(0),
        ge=timedelta(0),
        description="Clock difference tolerated in `exp`, `nbf` and `iat`.",
    )

    smtp_host: str = Field("127.0.0.1", description="SMTP relay that takes the mail.")
    smtp_port: int = Field(1025, ge=1, le=65535, description="Its port.")
    smtp_username: str | None = Field(None, description="Its user, when it asks for one.")
    smtp_password: SecretStr | None = Field(None, description="Its password.")
    smtp_security: SmtpSecurity = Field(
        SmtpSecurity.NONE, description="`none`, `starttls` or `tls`."
    )
    smtp_ca_file: FilePath | None = Field(
        None, description="Certificates (PEM) to trust the relay by, instead of the system's."
    )
    smtp_connections: int = Field(4, ge=1, le=100, description="Connections kept per worker.")
    smtp_timeout: Duration = Field(
        timedelta(seconds=30), description="Longest wait for one answer of the relay."
    )

    smtp_data_timeout: Duration = Field(
        timedelta(minutes=10),
        description="Longest wait for the relay to confirm a mail (RFC 5321 asks for 10 minutes).",
    )

    secret_keys: SecretStr | None = Field(
        None,
        description="Keys, comma separated, that encrypt the secrets of provider accounts and sign "
        "links to unsubscribe, each 32 random bytes in base64 (`openssl rand -base64 32`); the "
        "first encrypts and signs, all are accepted.",
    )
    allow_private_hosts: bool = Field(
        False,
        description="`true` lets SMTP accounts of tenants name private hosts, and any port.",
    )
    account_failures: int = Field(
        5, ge=1, description="Failures in a row after which an account counts as down."
    )
    account_pause: Duration = Field(
        timedelta(seconds=30),
        description="How long it does before one mail is let through to try; doubles each time.",
    )
    account_pause_limit: Duration = Field(
        timedelta(minutes=15), description="Longest wait between two such trials."
    )
    resend_url: AnyHttpUrl = Field(
        AnyHttpUrl("https://api.resend.com"), description="Where Resend's API is."
    )
    graph_url: AnyHttpUrl = Field(
        AnyHttpUrl("https://graph.microsoft.com/v1.0"),
        description="Where Microsoft Graph's API is.",
    )
    graph_login_url: AnyHttpUrl = Field(
        AnyHttpUrl("https://login.microsoftonline.com"),
        description="Where Microsoft gives out tokens for Graph.",
    )
    graph_catch_up_interval: Duration = Field(
        timedelta(minutes=15),
        description="How often a mailbox that Graph tells of is looked into all the same.",
    )
    graph_poll_interval: Duration = Field(
        timedelta(minutes=1),
        description="How often one is looked into that Graph does not tell of.",
    )
    http_timeout: Duration = Field(
        timedelta(seconds=30),
        description="Longest wait for a piece of an answer of Resend or Graph.",
    )

    default_sender_email: str | None = Field(
        None, description="Sender of mail that names none; without it `senderEmail` is required."
    )
    default_sender_name: str | None = Field(None, description="Display name beside it.")

    send_attempts: int = Field(
        12, ge=1, description="Attempts before a mail that fails for a passing reason is given up."
    )
    retry_delay: Duration = Field(
        timedelta(seconds=15), description="Wait before the second attempt; doubles each time."
    )
    retry_delay_limit: Duration = Field(
        timedelta(hours=1), description="Longest wait between two attempts."
    )
    lease: Duration = Field(
        timedelta(seconds=30),
        description="How long a silent worker keeps what it took; renewed while it is alive.",
    )
    sweep_interval: Seconds = Field(
        timedelta(seconds=2),
        ge=timedelta(seconds=1),
        le=timedelta(seconds=60),
        description="How often due work that nobody holds is looked for; 1 to 60.",
    )
    worker_jobs: int = Field(20, ge=1, le=1000, description="Jobs one worker runs at a time.")

    list_jobs: int = Field(
        5, ge=1, le=100, description="Batches of list mail one worker sends at a time."
    )
    list_connections: int = Field(
        3,
        ge=1,
        le=100,
        description=(
            "Mails to lists one worker hands over at a time; fewer than the connections, so that "
            "other mail always finds one free."
        ),
    )

    body_limit: int = Field(10 * MEBIBYTE, ge=1, description="Largest body of a mail.")
    request_limit: int = Field(64 * MEBIBYTE, ge=1024, description="Largest request body.")
    inbound_limit: int = Field(25 * MEBIBYTE, ge=1, description="Largest message received.")
    attachments_limit: int = Field(
        25 * MEBIBYTE, ge=1, description="Largest attachments of one mail, all together."
    )
    recipient_limit: int = Field(50, ge=1, description="Most addresses in one mail.")
    retention: Duration = Field(
        timedelta(days=30),
        description="How long deleted mail is kept, and its links work; templates too.",
    )
    event_retention: Duration = Field(
        timedelta(days=30), description="How long events of providers are kept as they came."
    )
    idempotency_hours: int = Field(24, ge=1, description="How long an Idempotency-Key is kept.")

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="`DEBUG`, `INFO`, `WARNING` or `ERROR`."
    )

    @field_validator("jwt_secret")
    @classmethod
    def _long_enough(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(secret.get_secret_value()) < SECRET_LENGTH:
            raise ValueError(f"must have at least {SECRET_LENGTH} characters (RFC 7518)")
        return secret

    @field_validator("secret_keys")
    @classmethod
    def _keys(cls, keys: SecretStr | None) -> SecretStr | None:
        if keys is not None:
            read_keys(keys.get_secret_value())
        return keys

    @model_validator(mode="after")
    def _one_kind_of_key(self) -> Self:
        if self.jwt_secret is not None and self.jwt_jwks_url is not None:
            raise ValueError(
                "LETTERBOX_JWT_SECRET and LETTERBOX_JWT_JWKS_URL exclude each other: "
                "with both, whoever knows one could sign for the other"
            )
        return self

    @property
    def public_base(self) -> str:
        """`public_url` without a slash at its end."""
        return str(self.public_url).rstrip("/")

    @property
    def encryption_keys(self) -> tuple[bytes, ...]:
        """The keys in `secret_keys`; none when none are set."""
        keys = self.secret_keys
        return () if keys is None else read_keys(keys.get_secret_value())


class Settings(
    LinkSettings,
    TrackingSettings,
    ProtectionSettings,
    LiveSettings,
    ReceivingSettings,
    _GeneralSettings,
):
    """Durations are given in seconds, sizes in bytes, addresses as URLs."""

    @model_validator(mode="after")
    def _keys_for_answers(self) -> Self:
        if self.inbound_domain is not None and self.secret_keys is None:
            raise ValueError(
                "LETTERBOX_INBOUND_DOMAIN needs LETTERBOX_SECRET_KEYS, by which addresses for "
                "answers are signed"
            )
        return self

    @property
    def listener_place(self) -> tuple[str, int] | None:
        """Host and port of LETTERBOX_INBOUND_LISTENER."""
        if self.inbound_listener is None:
            return None
        host, _, port = self.inbound_listener.rpartition(":")
        return host, int(port)

    @property
    def reply_keys(self) -> tuple[bytes, ...]:
        """Keys that sign addresses for answers, made of those that encrypt; the first one signs."""
        return tuple(derived(key, "reply addresses") for key in self.encryption_keys)

    @property
    def attachment_keys(self) -> tuple[bytes, ...]:
        """Keys that sign links to attachments, made of those that encrypt; the first one signs."""
        return tuple(derived(key, "attachments") for key in self.encryption_keys)

    @property
    def unsubscribe_keys(self) -> tuple[bytes, ...]:
        """Keys that sign links to unsubscribe, made of the same; none when none are set."""
        return tuple(derived(key, "unsubscribe") for key in self.encryption_keys)

    @property
    def suggests_names(self) -> bool:
        """Whether errors of GraphQL say which name may have been meant."""
        if self.graphql_suggestions is not None:
            return self.graphql_suggestions
        return self.environment is Environment.DEVELOPMENT
