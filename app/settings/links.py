"""The settings of addresses that are given out for a while."""

from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings

from app.settings.durations import Duration


class LinkSettings(BaseSettings):
    attachment_link_lifetime: Duration = Field(
        timedelta(minutes=30),
        ge=timedelta(minutes=1),
        le=timedelta(days=1),
        description="How long a link to an attachment works at least; at most twice that.",
    )
