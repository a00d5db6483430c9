"""Accepting mail: one write, after which it is on its way whatever breaks."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from app.context import Caller, Deps
from app.documents import lifecycle
from app.documents.answers import first_answer
from app.documents.communications import Communication, Event
from app.documents.templates import Template
from app.documents.vocabulary import EventType
from app.errors import ConflictError, FieldError, InvalidInputError
from app.queue import JobName
from app.services import attachments, idempotency, list_mail
from app.services.attachments import File
from app.services.drafts import draft
from app.services.filling import Content
from app.services.idempotency import Repeatable
from app.services.inputs import Body, OptionalLine, Subject
from app.services.mail_commands import MailCommand
from app.services.records import record_of

# What is due later is left to the sweep: the queue need not keep a job for weeks.
_QUEUED_AHEAD = timedelta(days=1)

_LATER_FIELDS = ("topic_id", "unsubscribable")


class SendCommunication(MailCommand):
    """The contract's SendRequest."""

    subject: Subject
    body: Body
    template_id: OptionalLine = None


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
    key that came with another request before; then nothing was stored.
    """

    async def prepare() -> Communication:
        return await draft(deps, caller, command, await content_of(caller, command))

    return await accept_draft(deps, caller, command, prepare, idempotency_key=idempotency_key)


async def resend(
    deps: Deps, caller: Caller, id_: str, *, idempotency_key: str | None = None
) -> Communication:
    """Send a settled mail once more: same record and content, new attempt, new Message-ID.

    Raises NotFoundError, and ConflictError while it waits or is being sent, when it was
    cancelled, or for a key that came with another request before.
    """
    found = await record_of(caller, id_)
    if found.recipient_list_id is not None:
        await list_mail.check_again(caller, found.recipient_list_id)
    key = None
    if idempotency_key is not None:
        repeatable = Repeatable.of(idempotency_key, ["resend", str(found.id)])
        key = await idempotency.use_of(deps, caller, repeatable, found.id)
    event = Event(type=EventType.RESEND, date=deps.now(), author_id=caller.user)
    resent = await lifecycle.resend(caller.tenant, found.id, event, key=key)
    if resent is None:
        current = await record_of(caller, id_)
        if key is not None and key in current.resend_keys:
            await current.load_content()
            return current
        raise ConflictError(f"A communication that is {current.status} cannot be sent again.")
    await deps.queue.enqueue(_job(resent), str(resent.id), turn=resent.dispatches)
    return resent


async def content_of(caller: Caller, command: SendCommunication) -> Content:
    """Give what a mail says; a template it names is noted on the record and fills nothing in.

    Raises InvalidInputError for a template that the tenant does not have.
    """
    template_name = None
    if command.template_id is not None:
        template_name = await Template.name_of(caller.tenant, command.template_id)
        if template_name is None:
            raise InvalidInputError.of(FieldError("templateId", "no template has this id"))
    return Content(
        command.subject,
        command.body,
        command.variables,
        template_id=command.template_id,
        template_name=template_name,
    )


def fingerprinted(command: MailCommand, files: Sequence[File]) -> Sequence[object]:
    """Give what makes two requests the same: the kind of command, its fields and its files."""
    # The fingerprints of before there were these fields must stay what they were.
    absent = {name for name in _LATER_FIELDS if getattr(command, name) is None}
    fields = command.model_dump(mode="json", exclude={"attachments", *absent})
    attached = [file.shown.model_dump() for file in files]
    return [type(command).__name__, fields, *([attached] if attached else [])]


async def accept_draft(
    deps: Deps,
    caller: Caller,
    command: MailCommand,
    prepare: Callable[[], Awaitable[Communication]],
    *,
    of: Sequence[object] = (),
    idempotency_key: str | None,
) -> Communication:
    """Store what `prepare` makes of `command`, unless it was answered before; wake a worker.

    `of` is what else makes two requests the same. Raises what `prepare` raises, and
    PayloadTooLargeError for attachments and ConflictError; then nothing was stored.
    """
    files = await attachments.read(deps, command.attachments)
    if idempotency_key is None:
        return await _stored(deps, await prepare(), files)
    repeatable = Repeatable.of(idempotency_key, [*fingerprinted(command, files), *of])
    # Before anything is checked: the answer stands, even if it would be refused by now.
    id_ = await idempotency.held(deps, caller, repeatable)
    earlier = None if id_ is None else await first_answer(caller.tenant, id_)
    if earlier is not None:
        return earlier
    record = await prepare()
    # A key whose record was never written (a crash in between) lends its id.
    record.id = await idempotency.reserve(deps, caller, repeatable, record.id)
    return await _stored(deps, record, files)


async def _stored(deps: Deps, record: Communication, files: Sequence[File]) -> Communication:
    # What a draft has already is there by itself.
    record.attachments = [*(file.shown for file in files), *record.attachments]
    # The contents first: a crash in between leaves what a purge finds, never a mail without them.
    await attachments.keep(deps, record.tenant_id, files)
    if not await deps.gathered.accept(record):
        earlier = await first_answer(record.tenant_id, record.id)
        return record if earlier is None else earlier
    await wake(deps, record)
    return record


async def wake(deps: Deps, record: Communication) -> None:
    """Have a worker see to it when it is due; what is due later than in a day the sweep finds."""
    due = record.dispatch_at
    if due is None or due <= deps.now() + _QUEUED_AHEAD:
        await deps.queue.enqueue(_job(record), str(record.id), turn=record.dispatches, at=due)


def _job(record: Communication) -> JobName:
    return JobName.DISPATCH if record.recipient_list_id is None else JobName.FAN_OUT
