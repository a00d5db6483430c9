"""Answers to mail: in its conversation, to whom it came from, under its subject."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from beanie import PydanticObjectId
from pydantic import Field, StrictBool, ValidationInfo, field_validator

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.documents.vocabulary import CommunicationType
from app.errors import ConflictError, FieldError, InvalidInputError, NotFoundError
from app.mail.subjects import answered_subject
from app.services import quoting, sending
from app.services.account_choice import own_address
from app.services.answer_recipients import whom
from app.services.attachments import FILES_LIMIT
from app.services.drafts import draft
from app.services.filling import Content
from app.services.inputs import (
    Body,
    Command,
    OptionalAddresses,
    OptionalInstant,
    OptionalLine,
    OptionalSubject,
)
from app.services.mail_commands import MailCommand
from app.services.quoting import OptionalTimezone, Original, Quoted, Room
from app.services.records import record_of
from app.services.templates.saying import OptionalTag

# Characters; a subject may have 900.
_SUBJECT = 894


class ReplyTarget(Command):
    """What is answered: one of both is given."""

    communication_id: OptionalLine = None
    inbound_message_id: OptionalLine = None


class Reply(MailCommand):
    """A mail as any other; what is left out is as the answered mail suggests."""

    body: Body
    subject: OptionalSubject = None
    recipients: OptionalAddresses = Field(default_factory=list)
    scheduled_at: OptionalInstant = None
    reply_all: StrictBool | None = None
    quote_original: StrictBool | None = None
    quote_locale: OptionalTag = None
    quote_timezone: OptionalTimezone = None

    @field_validator("recipients")
    @classmethod
    def _some_without_a_list(cls, value: list[str], info: ValidationInfo) -> list[str]:  # noqa: ARG003 - none will do
        return value


@dataclass(frozen=True)
class _Answered:
    """What an answer takes over; `message_id` is None for a mail that has none we know.

    By `account_id` its conversation ran, None for the service's own relay. `original` gives what
    can be quoted of it, and `locale` is the language it is likely to be in.
    """

    conversation_id: str
    subject: str | None
    recipients: Sequence[str]
    cc: Sequence[str]
    sender_email: str | None
    sender_name: str | None
    type: CommunicationType | None
    related_entity_type: str | None
    related_entity_id: str | None
    message_id: str | None
    account_id: PydanticObjectId | None
    locale: str | None
    original: Callable[[Room], Awaitable[Original]]


async def reply(
    deps: Deps,
    caller: Caller,
    target: ReplyTarget,
    command: Reply,
    *,
    idempotency_key: str | None = None,
) -> Communication:
    """Accept a mail that answers another; otherwise as `sending.accept`.

    It goes to where a received message wants answers (Reply-To, else its author), with `reply_all`
    to everybody it names; after a mail of ours, to the same recipients once more. It comes from the
    address that the answered mail was sent from or to, by the account that carried or received
    that. Raises NotFoundError for the target too, ConflictError for a mail of ours that
    is not out yet, and InvalidInputError where there is nobody to answer; with `quote_original`
    both also where nothing can be quoted.
    """

    async def prepare() -> Communication:
        answered = await _answered(deps, caller, target, everybody=bool(command.reply_all))
        subject = command.subject or answered_subject(answered.subject, limit=_SUBJECT)
        mail = command.model_copy(update=_suggested(command, answered))
        if not mail.recipients:
            reason = "is required: the answered mail names nobody who could be answered"
            raise InvalidInputError.of(FieldError("recipients", reason))
        quoted = await _quoted(deps, command, answered)
        content = Content(
            subject,
            quoted.html,
            text=quoted.text,
            is_subject_literal=command.subject is None,
            text_below=quoted.below,
        )
        record = await draft(
            deps,
            caller,
            mail,
            content,
            scheduled_at=command.scheduled_at,
            account_id=answered.account_id if command.sender_email is None else None,
        )
        record.in_reply_to = answered.message_id
        record.original_body = command.body
        record.attachments = list(quoted.pictures)
        return record

    of = ["reply", target.communication_id, target.inbound_message_id]
    return await sending.accept_draft(
        deps, caller, command, prepare, of=of, idempotency_key=idempotency_key
    )


async def _quoted(deps: Deps, command: Reply, answered: _Answered) -> Quoted:
    if not command.quote_original:
        return Quoted(command.body, None, None, ())
    taken = sum(one.content.size for one in command.attachments)
    room = Room(
        files=FILES_LIMIT - len(command.attachments),
        octets=deps.settings.attachments_limit - taken,
    )
    return await quoting.quoted(
        command.body,
        await answered.original(room),
        locale=command.quote_locale or answered.locale,
        timezone=command.quote_timezone,
    )


async def _answered(
    deps: Deps, caller: Caller, target: ReplyTarget, *, everybody: bool
) -> _Answered:
    if target.communication_id is not None:
        return _of_ours(deps, await record_of(caller, target.communication_id))
    found = await InboundMessage.of_tenant(caller.tenant, target.inbound_message_id or "")
    if found is None:
        raise NotFoundError("No received message has this id.")
    return await _of_theirs(deps, found, everybody=everybody)


def _of_ours(deps: Deps, record: Communication) -> _Answered:
    if record.sent_at is None:
        raise ConflictError(f"A communication that is {record.status} is not out yet.")
    return _Answered(
        conversation_id=record.conversation_id,
        subject=record.subject,
        recipients=record.recipients,
        cc=record.cc,
        sender_email=record.sender_email,
        sender_name=record.sender_name,
        type=record.type,
        related_entity_type=record.related_entity_type,
        related_entity_id=record.related_entity_id,
        message_id=record.internet_message_id,
        account_id=record.account_id,
        locale=record.locale,
        original=partial(quoting.of_ours, deps, record),
    )


async def _of_theirs(deps: Deps, message: InboundMessage, *, everybody: bool) -> _Answered:
    parent = None
    if message.parent_communication_id is not None:
        parent = await Communication.of_tenant(
            message.tenant_id, str(message.parent_communication_id)
        )
    to = await whom(deps, message, parent, everybody=everybody)
    if parent is None:
        sender = await own_address(message.tenant_id, [*message.recipients, *message.cc])
        account_id = message.provider_account_id if sender is None else None
    else:
        sender, account_id = parent.sender_email, parent.account_id
    return _Answered(
        conversation_id=message.conversation_id,
        subject=message.subject,
        recipients=to.to,
        cc=to.cc,
        sender_email=sender,
        sender_name=None if parent is None else parent.sender_name,
        type=None if parent is None else parent.type,
        related_entity_type=message.related_entity_type,
        related_entity_id=message.related_entity_id,
        message_id=message.internet_message_id,
        account_id=account_id,
        locale=None if parent is None else parent.locale,
        original=partial(quoting.of_theirs, deps, message),
    )


def _suggested(command: Reply, answered: _Answered) -> dict[str, Any]:
    update: dict[str, Any] = {
        "conversation_id": answered.conversation_id,
        "type": command.type or answered.type,
    }
    if command.related_entity_type is None and command.related_entity_id is None:
        update["related_entity_type"] = answered.related_entity_type
        update["related_entity_id"] = answered.related_entity_id
    if not command.recipients:
        update["recipients"] = list(answered.recipients)
        update["cc"] = command.cc or list(answered.cc)
    if command.sender_email is None and answered.sender_email is not None:
        update["sender_email"] = answered.sender_email
        update["sender_name"] = command.sender_name or answered.sender_name
    return update
