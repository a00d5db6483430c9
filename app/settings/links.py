"""The settings of addresses that are given out for a while."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings

from app.settings.durations import Duration, Seconds


class LinkSettings(BaseSettings):
    attachment_link_lifetime: Duration = Field(
        timedelta(minutes=30),
        ge=timedelta(minutes=1),
        le=timedelta(days=1),
        description="How long a link to an attachment works at least; at most twice that.",
    )
    unsubscribe_retention: Annotated[Seconds, Field(ge=timedelta(days=60))] = Field(
        timedelta(days=1095),
        le=timedelta(days=3650),
        description="How long links to unsubscribe work whose mail was deleted, counted from when "
        "it was made; at least 60 days.",
    )
