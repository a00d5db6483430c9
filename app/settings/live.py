"""The settings of what stays open: sockets and event streams."""

from pydantic import Field
from pydantic_settings import BaseSettings


class LiveSettings(BaseSettings):
    live_connections: int = Field(
        1000,
        ge=1,
        description="Sockets and event streams one tenant may have open at one API process.",
    )
    live_subscriptions: int = Field(
        5000,
        ge=1,
        description="Subscriptions one tenant may have open at one API process, over all of its "
        "sockets and event streams.",
    )
    socket_operations: int = Field(
        100, ge=1, description="Operations one socket may run at a time, subscriptions among them."
    )
    socket_message_limit: int = Field(
        1024 * 1024,
        ge=1024,
        description="Largest message of a socket; larger input goes over HTTP.",
    )
