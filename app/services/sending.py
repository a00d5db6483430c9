"""Accepting mail: one write, after which it is on its way whatever breaks."""

import asyncio
import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated
from uuid import uuid4

import orjson
from beanie import PydanticObjectId
from pydantic import Field, StrictBool

from app.context import Caller, Deps
from app.documents.communications import ClickedLink, Communication, Event
from app.documents.idempotency_keys import IdempotencyKey
from app.documents.vocabulary import (
    CommunicationStatus,
    CommunicationType,
    EventType,
    ProviderType,
)
from app.errors import ConflictError, FieldError, InvalidInputError, PayloadTooLargeError
from app.mail.render import RenderError, render_html, render_text
from app.mail.tracking import track
from app.queue import JobName
from app.services.inputs import (
    Addresses,
    Body,
    Command,
    OptionalAddress,
    OptionalAddresses,
    OptionalLine,
    Subject,
    Variables,
    parse_subject,
)
from app.settings import Settings

TRACKED_LINKS_LIMIT = 1000
IDEMPOTENCY_KEY_LENGTH = 256
_SUBJECT_OCTETS = 4000
# Larger bodies are worked on in a thread, so that other requests do not wait for them.
_LARGE_BODY = 256 * 1024


class SendCommunication(Command):
    """The contract's SendRequest."""

    subject: Subject
    body: Body
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
    template_id: OptionalLine = None
    variables: Variables | None = None
    tracking_enabled: StrictBool | None = None
    link_tracking_enabled: StrictBool | None = None
    conversation_id: OptionalLine = None


async def accept(
    deps: Deps,
    caller: Caller,
    command: SendCommunication,
    *,
    idempotency_key: str | None = None,
) -> Communication:
    """Store a mail to be sent at once and wake a worker; the record as its first answer shows it.

    With an `idempotency_key` that the tenant used in the last 24 hours, the first answer is given
    again and nothing is sent.

    Raises InvalidInputError and PayloadTooLargeError for what cannot be sent, ConflictError for a
    key that came with another body before; then nothing was stored.
    """
    check(deps, command)
    record = await _prepare(deps, caller, command)
    if idempotency_key is not None:
        earlier = await _reserve(deps, caller, command, idempotency_key, record)
        if earlier is not None:
            return earlier.as_accepted()
    if not await record.store():
        stored = await Communication.shown(caller.tenant, str(record.id))
        return record if stored is None else stored.as_accepted()
    await deps.queue.enqueue(JobName.DISPATCH, str(record.id), turn=0)
    return record


def check(deps: Deps, command: SendCommunication) -> None:
    """Refuse what cannot be sent. Raises InvalidInputError that names every field at fault."""
    limit = deps.settings.body_limit
    if len(command.body.encode()) > limit:
        raise PayloadTooLargeError(
            f"body: must be at most {limit} octets in UTF-8",
            fields=[FieldError("body", f"must be at most {limit} octets in UTF-8")],
        )
    faults = list(_faults(deps, command))
    if faults:
        raise InvalidInputError.of(*faults)


def _faults(deps: Deps, command: SendCommunication) -> Iterable[FieldError]:
    count = len(command.recipients) + len(command.cc) + len(command.bcc)
    limit = deps.settings.recipient_limit
    if count > limit:
        reason = f"recipients, cc and bcc have {count} addresses; at most {limit} fit one mail"
        yield FieldError("recipients", reason)
    if command.sender_email is None and deps.settings.default_sender_email is None:
        yield FieldError("senderEmail", "is required: this service has no default sender")

    if command.template_id is not None:
        yield FieldError("templateId", "no template has this id")
    if command.recipient_list_id is not None:
        yield FieldError("recipientListId", "no recipient list has this id")
    if command.provider_type is not None and command.provider_type not in deps.providers:
        usable = ", ".join(sorted(deps.providers))
        reason = f"{command.provider_type} is not set up here; usable: {usable}"
        yield FieldError("providerType", reason)


async def _prepare(deps: Deps, caller: Caller, command: SendCommunication) -> Communication:
    if len(command.body) > _LARGE_BODY:
        return await asyncio.to_thread(_record, deps, caller, command)
    return _record(deps, caller, command)


def _record(deps: Deps, caller: Caller, command: SendCommunication) -> Communication:
    now = deps.now()
    tracks_opens = command.tracking_enabled is not False
    # Whoever turns tracking off and says nothing of links means both.
    tracks_links = (
        tracks_opens if command.link_tracking_enabled is None else command.link_tracking_enabled
    )
    subject, body = _rendered(deps.settings, command)
    tracking_id = secrets.token_urlsafe(16)
    tracked_body, links = _tracked(
        deps.settings, body, tracking_id, opens=tracks_opens, clicks=tracks_links
    )
    return Communication(
        tenant_id=caller.tenant,
        status=CommunicationStatus.PENDING,
        type=command.type,
        subject=subject,
        body=tracked_body,
        original_body=command.body,
        variables=command.variables,
        sender_email=command.sender_email or deps.settings.default_sender_email or "",
        sender_name=(
            command.sender_name
            if command.sender_email is not None or command.sender_name is not None
            else deps.settings.default_sender_name
        ),
        reply_to=command.reply_to,
        recipients=command.recipients,
        cc=command.cc,
        bcc=command.bcc,
        provider_type=command.provider_type or next(iter(deps.providers)),
        related_entity_type=command.related_entity_type,
        related_entity_id=command.related_entity_id,
        conversation_id=command.conversation_id or uuid4().hex,
        tracking_enabled=tracks_opens,
        link_tracking_enabled=tracks_links,
        clicked_links=links,
        events=[Event(type=EventType.CREATE, date=now, author_id=caller.user)],
        created=now,
        created_by=caller.user,
        updated=now,
        updated_by=caller.user,
        tracking_id=tracking_id,
        dispatch_at=now,
    )


def _rendered(settings: Settings, command: SendCommunication) -> tuple[str, str]:
    """Give subject and body with the variables filled in; without variables they stay as given."""
    if command.variables is None:
        return command.subject, command.body
    faults: list[FieldError] = []
    subject = body = ""
    try:
        subject = render_text(command.subject, command.variables, limit=_SUBJECT_OCTETS)
    except RenderError as error:
        faults.append(FieldError("subject", str(error)))
    try:
        body = render_html(command.body, command.variables, limit=settings.body_limit)
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


async def _reserve(
    deps: Deps, caller: Caller, command: SendCommunication, key: str, record: Communication
) -> Communication | None:
    """Take `key` for `record`; the record it already stands for, if there is one.

    A key whose record was never written (a crash in between) lends its id to `record`.
    """
    if not 0 < len(key) <= IDEMPOTENCY_KEY_LENGTH or not key.isprintable():
        reason = f"must have 1 to {IDEMPOTENCY_KEY_LENGTH} printable characters"
        raise InvalidInputError.of(FieldError("Idempotency-Key", reason))
    fingerprint = _fingerprint(command)
    now = deps.now()
    held = await IdempotencyKey(
        tenant_id=caller.tenant,
        created=now,
        key=key,
        fingerprint=fingerprint,
        communication_id=record.id,
        expires=now + timedelta(hours=deps.settings.idempotency_hours),
    ).reserve()
    if not secrets.compare_digest(held.fingerprint, fingerprint):
        raise ConflictError("This Idempotency-Key was used with another body.")
    if held.communication_id == record.id:
        return None
    record.id = PydanticObjectId(held.communication_id)
    return await Communication.shown(caller.tenant, str(record.id))


def _fingerprint(command: SendCommunication) -> str:
    """Give a digest that is the same for the same request, however it was spelled or sent."""
    canonical = orjson.dumps(
        [type(command).__name__, command.model_dump(mode="json")], option=orjson.OPT_SORT_KEYS
    )
    return hashlib.sha256(canonical).hexdigest()
