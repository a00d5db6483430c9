"""What a provider is to us: something that takes a mail and says how it went."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from app.mail.compose import Message


async def _forget(state: str) -> None:
    """Keep nothing, for a provider that hands over in one step."""


@dataclass(frozen=True)
class OutgoingMessage:
    """One hand-over: what the mail says, and to which addresses it goes this time.

    `recipients` may leave out addresses of To and Cc (they have it, or must not get it), and holds
    those of Bcc, which stand nowhere in `message`. `idempotency_key` and `message` are the same for
    every attempt at the same delivery.

    A provider that hands over in steps writes down with `save` how far it came; `state` is what was
    saved last, at this or an earlier attempt. What `save` raises, `send` raises.

    `answers` is the provider's own id of the received message that this mail answers, where it is
    known.
    """

    idempotency_key: str
    recipients: tuple[str, ...]
    message: Message
    state: str | None = None
    save: Callable[[str], Awaitable[None]] = _forget
    answers: str | None = None


@dataclass(frozen=True)
class Refusal:
    """The provider's words about one address; `transient` when it may be taken later."""

    reply: str
    transient: bool


@dataclass(frozen=True)
class Receipt:
    """Taken by the provider under its own `provider_id`, for all but the `refused` addresses.

    `internet_message_id` is the Message-ID that recipients see, angle brackets included; None when
    the provider chooses it and does not tell it yet. `conversation_id` is the provider's own.
    """

    provider_id: str
    internet_message_id: str | None
    conversation_id: str | None = None
    refused: Mapping[str, Refusal] = field(default_factory=dict)


class ProviderError(Exception):
    """The message was taken for nobody. The text is readable and holds the provider's words."""

    def __init__(self, detail: str, *, refused: Mapping[str, Refusal] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.refused: Mapping[str, Refusal] = refused or {}


class TransientError(ProviderError):
    """The same message may be taken later, after `retry_after` where the provider says when."""

    def __init__(
        self,
        detail: str,
        *,
        refused: Mapping[str, Refusal] | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(detail, refused=refused)
        self.retry_after = retry_after


class UncertainError(TransientError):
    """The provider never said whether it took the message: it may have arrived."""


class AccountError(TransientError):
    """The account or its service does not work now, whatever the message: another one might.

    It is not reachable, refuses our credentials, or fails by its own fault.
    """


class ParkedError(TransientError):
    """It is not this message's turn before `retry_after`: pacing, or a quota that is used up.

    This is no failed attempt.
    """

    def __init__(self, detail: str, *, retry_after: timedelta) -> None:
        super().__init__(detail, retry_after=retry_after)


class PermanentError(ProviderError):
    """The same message will never be taken."""


class EmailProvider(Protocol):
    async def send(self, message: OutgoingMessage) -> Receipt:
        """Hand the message over. Raises TransientError or PermanentError, nothing else."""
        ...

    async def verify(self) -> None:
        """Find out, sending nothing, whether the account works.

        Raises ProviderError with words for whoever set the account up, without its secrets.
        """
        ...

    async def identify(self, provider_id: str) -> str | None:
        """Ask for the Message-ID of a mail whose receipt did not tell it.

        With angle brackets; None while the provider does not know it. Raises ProviderError; a
        PermanentError when it will never tell.
        """
        ...

    async def close(self) -> None: ...


class Turn(Protocol):
    async def sends(self) -> None:
        """Say that the mail is sent now: that is what the pace counts.

        Raises ParkedError when the turn was lost meanwhile; then it must not be sent.
        """
        ...


class Pacer(Protocol):
    """Keeps a provider's account within what its service allows, over all workers."""

    def turn(self, who: str) -> AbstractAsyncContextManager[Turn]:
        """Wait for a turn, no longer than a moment; it lasts as long as the block.

        `who` names the mail, and is the same at each attempt. Raises ParkedError that says when
        to come again.
        """
        ...

    def reading(self) -> AbstractAsyncContextManager[None]:
        """Take one of the account's places for as long as the block runs, to send nothing.

        Waits no longer than a moment. Raises ParkedError when all of them are taken.
        """
        ...
