"""From what a caller wrote to the record that will go out: rendered, tracked, checked."""

import asyncio
import secrets
from datetime import datetime
from functools import partial
from uuid import uuid4

from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.base import object_id_of
from app.documents.communications import Communication, Event
from app.documents.vocabulary import (
    CommunicationStatus,
    EventType,
)
from app.errors import FieldError, InvalidInputError, PayloadTooLargeError
from app.instants import format_instant
from app.mail.search_text import search_text
from app.services.account_choice import Route, choose
from app.services.consent import check_topic
from app.services.filling import (
    Content,
    filled_in,
    text_of,
    to_be_filled_in,
    tracked,
    with_ways_out,
)
from app.services.list_mail import check_list
from app.services.mail_commands import MailCommand, faults_of
from app.services.unsubscribing.offering import offer_of
from app.services.unsubscribing.ways import way_to
from app.settings import Settings

# Larger bodies are worked on in a thread, so that other requests do not wait for them; so are
# variables, because filling them in may take a quarter of a second.
_LARGE_BODY = 256 * 1024


async def draft(
    deps: Deps,
    caller: Caller,
    command: MailCommand,
    content: Content,
    *,
    scheduled_at: datetime | None = None,
    account_id: PydanticObjectId | None = None,
) -> Communication:
    """Make the record of a mail, due at `scheduled_at` or at once; nothing is stored.

    It goes by the account `account_id` while there is such, else as `choose` says.

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
        before=account_id,
    )
    faults = await check_list(caller, command.recipient_list_id)
    faults += await check_topic(caller, command.topic_id, addresses=command.addresses)
    faults += faults_of(deps, command, scheduled_at)
    offered = _offered(deps, command)
    faults += [one for one in (chosen, offered) if isinstance(one, FieldError)]
    if faults or isinstance(chosen, FieldError):
        raise InvalidInputError.of(*faults)
    record = partial(_record, deps, caller, command, content, chosen, scheduled_at)
    if len(content.body) > _LARGE_BODY or content.variables is not None:
        return await asyncio.to_thread(record)
    return record()


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
    tracking_id = secrets.token_urlsafe(16)
    offered, unsubscribe_id = _offered(deps, command) is True, None
    text = None
    if command.recipient_list_id is None:
        unsubscribe_id = PydanticObjectId() if offered else None
        content = with_ways_out(content, way_to(deps.settings, caller.tenant, unsubscribe_id))
        subject, body = filled_in(deps.settings, content)
        text = text_of(deps.settings, content)
        tracked_body, links = tracked(
            deps.settings, body, tracking_id, opens=tracks_opens, clicks=tracks_links
        )
    else:
        subject, body, links = to_be_filled_in(deps.settings, content, clicks=tracks_links)
        tracked_body = body
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
        template_version=content.template_version,
        template_version_id=content.template_version_id,
        locale=content.locale,
        text=text,
        sender_email=chosen.sender,
        sender_name=_sender_name(deps.settings, command, chosen),
        reply_to=command.reply_to,
        recipients=command.recipients,
        cc=command.cc,
        bcc=command.bcc,
        provider_type=chosen.provider_type,
        account_id=chosen.account_id,
        recipient_list_id=command.recipient_list_id,
        related_entity_type=command.related_entity_type,
        related_entity_id=command.related_entity_id,
        conversation_id=command.conversation_id or uuid4().hex,
        scheduled_at=scheduled_at,
        cancel_on_reply=bool(command.cancel_on_reply),
        topic_id=object_id_of(command.topic_id or ""),
        unsubscribable=offered,
        unsubscribe_id=unsubscribe_id,
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


def _offered(deps: Deps, command: MailCommand) -> bool | FieldError:
    """Whether the mail lets its recipients leave, or why it cannot."""
    return offer_of(
        deps.settings,
        asked=command.unsubscribable,
        is_bulk=command.recipient_list_id is not None or command.topic_id is not None,
        addresses=command.addresses,
    )


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
