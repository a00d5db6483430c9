"""The settings of how mail comes in."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, StringConstraints
from pydantic_settings import BaseSettings

from app.settings.durations import Duration

# In ASCII (RFC 5891), as DNS has it.
DomainName = Annotated[
    str,
    StringConstraints(to_lower=True, max_length=253, pattern=r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"),
]


HostAndPort = Annotated[str, StringConstraints(max_length=260, pattern=r"^[^\s:]+:[0-9]{1,5}$")]


class ReceivingSettings(BaseSettings):
    inbound_domain: DomainName | None = Field(
        None,
        description="Domain whose mail reaches this service: answers come to an address there that "
        "names the mail they answer. Needs LETTERBOX_SECRET_KEYS.",
    )
    inbound_listener: HostAndPort | None = Field(
        None,
        description="Where `letterbox inbound` listens, as `127.0.0.1:2424`: its default, and "
        "where `letterbox doctor` looks for it.",
    )
    inbound_connections: int = Field(
        100, ge=1, description="Connections one `letterbox inbound` has open at a time."
    )
    inbound_timeout: Duration = Field(
        timedelta(minutes=5),
        description="Longest silence of a mail server at `letterbox inbound` (RFC 5321 asks for "
        "5 minutes).",
    )
    backfill_interval: Duration = Field(
        timedelta(minutes=5),
        description="How often Resend's list of received mail is looked through for what no "
        "webhook told of.",
    )
