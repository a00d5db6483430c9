"""The settings of opens and clicks: what is kept of them, and what machines are known by."""

from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_network
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from app.settings.durations import Seconds
from app.settings.protection import words

_ANY = "*"


class AddressKeeping(StrEnum):
    """How much of a client's address is kept with what it fetched."""

    NETWORK = "network"
    FULL = "full"
    NONE = "none"


class TrackingSettings(BaseSettings):
    scan_delay: Annotated[Seconds, Field(ge=timedelta(0), le=timedelta(minutes=5))] = Field(
        timedelta(seconds=5),
        description="A link that is followed sooner after its mail was handed over or delivered "
        "was followed by a scanner; `0`: that is no sign of one.",
    )
    engagement_retention: Annotated[Seconds, Field(gt=timedelta(0), le=timedelta(days=3650))] = (
        Field(
            timedelta(days=90),
            description="How long each open and click is kept as it came; their counts stay.",
        )
    )
    engagement_address: AddressKeeping = Field(
        AddressKeeping.NETWORK,
        description="What is kept with it of the client's address: `network` (/24, of IPv6 /48), "
        "`full` or `none`.",
    )
    trusted_proxies: str = Field(
        "127.0.0.1,::1",
        description="Addresses and networks of proxies, comma separated, whose `X-Forwarded-For` "
        "is believed; `*` for any.",
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, text: str) -> str:
        for word in words(text):
            if word != _ANY:
                ip_network(word)
        return text
