"""What a provider is to us: something that takes a composed message and says how it went."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class OutgoingMessage:
    """`content` is the RFC 5322 message; `message_id` its Message-ID, angle brackets included.

    `idempotency_key` is the same for every attempt at the same delivery.
    """

    idempotency_key: str
    sender: str
    recipients: tuple[str, ...]
    message_id: str
    content: bytes


@dataclass(frozen=True)
class Refusal:
    """The provider's words about one address; `transient` when it may be taken later."""

    reply: str
    transient: bool


@dataclass(frozen=True)
class Receipt:
    """Taken by the provider under its own `provider_id`, for all but the `refused` addresses."""

    provider_id: str
    internet_message_id: str
    refused: Mapping[str, Refusal] = field(default_factory=dict)


class ProviderError(Exception):
    """The message was taken for nobody. The text is readable and holds the provider's words."""

    def __init__(self, detail: str, *, refused: Mapping[str, Refusal] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.refused: Mapping[str, Refusal] = refused or {}


class TransientError(ProviderError):
    """The same message may be taken later."""


class UncertainError(TransientError):
    """The provider never said whether it took the message: it may have arrived."""


class PermanentError(ProviderError):
    """The same message will never be taken."""


class EmailProvider(Protocol):
    async def send(self, message: OutgoingMessage) -> Receipt:
        """Hand the message over. Raises TransientError or PermanentError, nothing else."""
        ...

    async def close(self) -> None: ...
