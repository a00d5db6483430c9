"""From what a caller wrote to the record that will go out: rendered, tracked, checked."""

import asyncio
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import uuid4

from pydantic import Field, StrictBool

from app.context import Caller, Deps
from app.documents.communications import ClickedLink, Communication, Event
from app.documents.vocabulary import (
    CommunicationStatus,
    CommunicationType,
    EventType,
    ProviderType,
)
from app.errors import FieldError, InvalidInputError, PayloadTooLargeError
from app.instants import format_instant
from app.mail.render import render_html, render_text
from app.mail.search_text import search_text
from app.mail.template_values import RenderError
from app.mail.tracking import track
from app.services.account_choice import Route, choose
from app.services.attachments import OptionalAttachments
from app.services.inputs import (
    Addresses,
    Command,
    OptionalAddress,
    OptionalAddresses,
    OptionalLine,
    Variables,
    parse_subject,
)
from app.settings import Settings

TRACKED_LINKS_LIMIT = 1000
_SUBJECT_OCTETS = 4000
# Larger bodies are worked on in a thread, so that other requests do not wait for them; so are
# variables, because filling them in may take a quarter of a second.
_LARGE_BODY = 256 * 1024


class MailCommand(Command):
    """The fields that every documented way of sending shares."""

    recipients: Annotated[Addresses, Field(min_length=1)]
    cc: OptionalAddresses = Field(default_factory=list)
    bcc: OptionalAddresses = Field(default_factory=list)
    reply_to: OptionalAddress = None
    sender_email: OptionalAddress = None
    sender_name: OptionalLine = None
    type: CommunicationType | None = None
    provider_type: ProviderType | None = None
    related_entity_type: OptionalLine = None
    related_entity_id: OptionalLine = None
    recipient_list_id: OptionalLine = None
    variables: Variables | None = None
    tracking_enabled: StrictBool | None = None
    link_tracking_enabled: StrictBool | None = None
    conversation_id: OptionalLine = None
    attachments: OptionalAttachments = Field(default_factory=list)


@dataclass(frozen=True)
class Content:
    """Subject and HTML as they were given; with `variables` they are filled in."""

    subject: str
    body: str
    variables: Mapping[str, Any] | None = None
    template_id: str | None = None
    template_name: str | None = None


async def draft(
    deps: Deps,
    caller: Caller,
    command: MailCommand,
    content: Content,
    *,
    scheduled_at: datetime | None = None,
) -> Communication:
    """Make the record of a mail, due at `scheduled_at` or at once; nothing is stored.

    Raises PayloadTooLargeError for the body, InvalidInputError that names every field at fault.
    """
    limit = deps.settings.body_limit
    if len(content.body.encode()) > limit:
        fault = FieldError("body", f"must be at most {limit} octets in UTF-8")
        raise PayloadTooLargeError(f"{fault.path}: {fault.message}", fields=[fault])
    chosen = await choose(
        deps,
        caller.tenant,
        provider_type=command.provider_type,
        sender_email=command.sender_email,
    )
    faults = list(_faults(deps, command, scheduled_at))
    if isinstance(chosen, FieldError):
        raise InvalidInputError.of(*faults, chosen)
    if faults:
        raise InvalidInputError.of(*faults)
    record = partial(_record, deps, caller, command, content, chosen, scheduled_at)
    if len(content.body) > _LARGE_BODY or content.variables is not None:
        return await asyncio.to_thread(record)
    return record()


def _faults(
    deps: Deps, command: MailCommand, scheduled_at: datetime | None
) -> Iterator[FieldError]:
    count = len(command.recipients) + len(command.cc) + len(command.bcc)
    limit = deps.settings.recipient_limit
    if count > limit:
        reason = f"recipients, cc and bcc have {count} addresses; at most {limit} fit one mail"
        yield FieldError("recipients", reason)
    if command.recipient_list_id is not None:
        yield FieldError("recipientListId", "no recipient list has this id")
    if scheduled_at is not None and scheduled_at <= deps.now():
        reason = f"must be in the future; it is {format_instant(deps.now())} now"
        yield FieldError("scheduledAt", reason)


def _record(  # noqa: PLR0917 - all of what is accepted
    deps: Deps,
    caller: Caller,
    command: MailCommand,
    content: Content,
    chosen: Route,
    scheduled_at: datetime | None,
) -> Communication:
    now = deps.now()
    tracks_opens, tracks_links = _tracks(command)
    subject, body = filled_in(deps.settings, content)
    tracking_id = secrets.token_urlsafe(16)
    tracked_body, links = _tracked(
        deps.settings, body, tracking_id, opens=tracks_opens, clicks=tracks_links
    )
    record = Communication(
        tenant_id=caller.tenant,
        status=(
            CommunicationStatus.PENDING if scheduled_at is None else CommunicationStatus.SCHEDULED
        ),
        type=command.type,
        subject=subject,
        body=tracked_body,
        original_body=content.body,
        variables=command.variables,
        template_id=content.template_id,
        template_name=content.template_name,
        sender_email=chosen.sender,
        sender_name=_sender_name(deps.settings, command, chosen),
        reply_to=command.reply_to,
        recipients=command.recipients,
        cc=command.cc,
        bcc=command.bcc,
        provider_type=chosen.provider_type,
        account_id=chosen.account_id,
        related_entity_type=command.related_entity_type,
        related_entity_id=command.related_entity_id,
        conversation_id=command.conversation_id or uuid4().hex,
        scheduled_at=scheduled_at,
        tracking_enabled=tracks_opens,
        link_tracking_enabled=tracks_links,
        clicked_links=links,
        events=_first_events(caller, now, scheduled_at),
        created=now,
        created_by=caller.user,
        updated=now,
        updated_by=caller.user,
        tracking_id=tracking_id,
        dispatch_at=scheduled_at or now,
    )
    record.search_text = _search_text(record, body)
    return record


def _search_text(record: Communication, body: str) -> str:
    """Make what searches look in; `body` still shows where its links lead."""
    senders = [record.sender_email, record.sender_name or ""]
    return search_text([record.subject, *senders, *record.recipients, *record.cc], body)


def _tracks(command: MailCommand) -> tuple[bool, bool]:
    """Whether opens and clicks are counted."""
    opens = command.tracking_enabled is not False
    # Whoever turns tracking off and says nothing of links means both.
    clicks = opens if command.link_tracking_enabled is None else command.link_tracking_enabled
    return opens, clicks


def _sender_name(settings: Settings, command: MailCommand, chosen: Route) -> str | None:
    """Give the default name to the default address only, where nothing else was asked for."""
    asked = command.sender_email is not None or command.sender_name is not None
    if asked or chosen.sender != settings.default_sender_email:
        return command.sender_name
    return settings.default_sender_name


def _first_events(caller: Caller, now: datetime, scheduled_at: datetime | None) -> list[Event]:
    created = Event(type=EventType.CREATE, date=now, author_id=caller.user)
    if scheduled_at is None:
        return [created]
    scheduled = Event(
        type=EventType.SCHEDULE,
        date=now,
        author_id=caller.user,
        description=f"for {format_instant(scheduled_at)}",
    )
    return [created, scheduled]


def filled_in(settings: Settings, content: Content) -> tuple[str, str]:
    """Give subject and body with the variables filled in; without variables they stay as given.

    Raises InvalidInputError.
    """
    if content.variables is None:
        return content.subject, content.body
    faults: list[FieldError] = []
    subject = body = ""
    try:
        subject = render_text(content.subject, content.variables, limit=_SUBJECT_OCTETS)
    except RenderError as error:
        faults.append(FieldError("subject", str(error)))
    try:
        body = render_html(content.body, content.variables, limit=settings.body_limit)
        if not body.strip():
            faults.append(FieldError("body", "must not be blank"))
    except RenderError as error:
        faults.append(FieldError("body", str(error)))
    if faults:
        raise InvalidInputError.of(*faults)
    # Once more: a variable may have brought a line break into the subject.
    return parse_subject(subject), body


def _tracked(
    settings: Settings, body: str, tracking_id: str, *, opens: bool, clicks: bool
) -> tuple[str, list[ClickedLink]]:
    base = f"{settings.public_base}/api/v1/communications"

    def link_url(index: int) -> str:
        return f"{base}/link/{tracking_id}/{index}"

    pixel_url = f"{base}/track/{tracking_id}" if opens else None
    tracked = track(body, link_url=link_url if clicks else None, pixel_url=pixel_url)
    if len(tracked.links) > TRACKED_LINKS_LIMIT:
        reason = (
            f"has {len(tracked.links)} links; at most {TRACKED_LINKS_LIMIT} are tracked, "
            "send linkTrackingEnabled: false for more"
        )
        raise InvalidInputError.of(FieldError("body", reason))
    links = [
        ClickedLink(original_url=original, url=link_url(index))
        for index, original in enumerate(tracked.links)
    ]
    return tracked.html, links
