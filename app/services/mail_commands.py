"""What every way of sending is told of a mail, and what may be wrong with that."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from pydantic import Field, StrictBool, ValidationInfo, field_validator, model_validator

from app.context import Deps
from app.documents.vocabulary import CommunicationType, ProviderType
from app.errors import FieldError
from app.instants import format_instant
from app.services.attachments import OptionalAttachments
from app.services.inputs import (
    Addresses,
    Command,
    OptionalAddress,
    OptionalAddresses,
    OptionalLine,
    Variables,
)


class MailCommand(Command):
    """The fields that every documented way of sending shares.

    Mail to a list has no other recipients: each of its members gets a mail of its own.
    """

    # Before the recipients: with it, there need be none.
    recipient_list_id: OptionalLine = None
    recipients: Addresses
    cc: OptionalAddresses = Field(default_factory=list)
    bcc: OptionalAddresses = Field(default_factory=list)
    reply_to: OptionalAddress = None
    sender_email: OptionalAddress = None
    sender_name: OptionalLine = None
    type: CommunicationType | None = None
    provider_type: ProviderType | None = None
    related_entity_type: OptionalLine = None
    related_entity_id: OptionalLine = None
    variables: Variables | None = None
    tracking_enabled: StrictBool | None = None
    link_tracking_enabled: StrictBool | None = None
    conversation_id: OptionalLine = None
    attachments: OptionalAttachments = Field(default_factory=list)
    cancel_on_reply: StrictBool | None = None
    topic_id: OptionalLine = None
    unsubscribable: StrictBool | None = None

    @model_validator(mode="before")
    @classmethod
    def _none_beside_a_list(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and data.get("recipients") is None:
            list_id = data.get("recipientListId")
            if isinstance(list_id, str) and list_id.strip():
                return {**data, "recipients": []}
        return data

    @field_validator("recipients")
    @classmethod
    def _some_without_a_list(cls, value: list[str], info: ValidationInfo) -> list[str]:
        if not value and info.data.get("recipient_list_id") is None:
            raise ValueError("must have at least 1")
        return value

    @property
    def addresses(self) -> list[str] | None:
        """All that it goes to; None for mail to a list."""
        if self.recipient_list_id is not None:
            return None
        return [*self.recipients, *self.cc, *self.bcc]


def faults_of(
    deps: Deps, command: MailCommand, scheduled_at: datetime | None
) -> Iterator[FieldError]:
    """Tell what is wrong with a mail by itself, whatever the tenant has."""
    count = len(command.recipients) + len(command.cc) + len(command.bcc)
    limit = deps.settings.recipient_limit
    if count > limit:
        reason = f"recipients, cc and bcc have {count} addresses; at most {limit} fit one mail"
        yield FieldError("recipients", reason)
    if command.recipient_list_id is not None:
        for name in ("recipients", "cc", "bcc"):
            if getattr(command, name):
                yield FieldError(name, "must be empty: the mail goes to the members of the list")
    if command.cancel_on_reply:
        yield from _no_follow_up(command, scheduled_at)
    yield from past(deps, scheduled_at)


def _no_follow_up(command: MailCommand, scheduled_at: datetime | None) -> Iterator[FieldError]:
    """Tell why no reply could call this mail off."""
    if scheduled_at is None:
        yield FieldError("cancelOnReply", "is for mail that waits: give it a scheduledAt")
    if command.recipient_list_id is not None:
        yield FieldError(
            "cancelOnReply", "is not for mail to a list, which has no replies of its own"
        )
    elif command.conversation_id is None:
        yield FieldError("cancelOnReply", "needs the conversationId in which a reply is waited for")


def past(deps: Deps, scheduled_at: datetime | None) -> Iterator[FieldError]:
    """Tell that this is no time for a mail to wait for."""
    if scheduled_at is not None and scheduled_at <= deps.now():
        reason = f"must be in the future; it is {format_instant(deps.now())} now"
        yield FieldError("scheduledAt", reason)
