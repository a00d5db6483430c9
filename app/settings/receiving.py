"""The settings of how mail comes in."""

from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings

from app.settings.durations import Duration


class ReceivingSettings(BaseSettings):
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
