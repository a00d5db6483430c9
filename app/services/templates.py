"""Templates: a tenant's own words, kept under a name and filled in when they are sent."""

import asyncio
from dataclasses import dataclass

from app.context import Caller, Deps
from app.documents.catalogues import TEMPLATES
from app.documents.communications import Communication
from app.documents.templates import STORED_BODY_LIMIT, Template
from app.documents.vocabulary import CommunicationType
from app.errors import (
    ConflictError,
    FieldError,
    InvalidInputError,
    NotFoundError,
    PayloadTooLargeError,
)
from app.mail.render import check
from app.mail.template_values import RenderError
from app.mail.text import plain_text
from app.services import sending
from app.services.connections import EVERYTHING, ListCommand, Needs, Part, listed
from app.services.drafts import MailCommand, draft
from app.services.filling import Content, filled_in
from app.services.inputs import (
    Body,
    Command,
    Name,
    OptionalInstant,
    OptionalSubject,
    OptionalText,
    Subject,
    Variables,
)


class CreateTemplate(Command):
    name: Name
    subject: Subject
    body: Body
    description: OptionalText = None
    type: CommunicationType | None = None


class UpdateTemplate(Command):
    """What is left out stays as it is; null takes away what is optional.

    With `revision` it is done only while the template has that revision.
    """

    name: Name = ""
    subject: Subject = ""
    body: Body = ""
    description: OptionalText = None
    type: CommunicationType | None = None
    revision: int | None = None


class PreviewTemplate(Command):
    variables: Variables | None = None


class SendTemplate(MailCommand):
    """The contract's SendTemplateRequest; `subject` and `type` stand in for the template's."""

    subject: OptionalSubject = None
    scheduled_at: OptionalInstant = None


@dataclass(frozen=True)
class Preview:
    subject: str
    html: str
    text: str


async def template_of(caller: Caller, id_: str) -> Template:
    """Find the caller's template. Raises NotFoundError for unknown and other tenants' ids alike."""
    found = await Template.of_tenant(caller.tenant, id_)
    if found is None:
        raise NotFoundError("No template has this id.")
    return found


async def templates_of(
    caller: Caller, command: ListCommand, needs: Needs = EVERYTHING
) -> Part[Template]:
    """Give a part of the caller's templates, by name unless an order is named."""
    return await listed(caller, TEMPLATES, command, needs)


async def create(deps: Deps, caller: Caller, command: CreateTemplate) -> Template:
    """Keep a new template.

    Raises InvalidInputError for what could never be filled in, with the line, PayloadTooLargeError
    for the body, ConflictError for a name that is taken.
    """
    await _check(deps, command.subject, command.body)
    now = deps.now()
    template = Template(
        **command.model_dump(),
        tenant_id=caller.tenant,
        created=now,
        created_by=caller.user,
        updated=now,
        updated_by=caller.user,
    )
    await template.store()
    return template


async def update(deps: Deps, caller: Caller, id_: str, command: UpdateTemplate) -> Template:
    """Change what the command names; mails accepted before stay as they are.

    Raises NotFoundError, ConflictError for another revision, and what `create` raises.
    """
    found = await template_of(caller, id_)
    await _check(deps, command.subject, command.body)
    changed = await Template.change(
        caller.tenant,
        found.id,
        command.model_dump(exclude_unset=True, exclude={"revision"}),
        revision=command.revision,
        now=deps.now(),
        author=caller.user,
    )
    if changed is None:
        # Gone by now, or changed by someone else.
        current = await template_of(caller, id_)
        raise ConflictError(f"The template has revision {current.revision} by now.")
    return changed


async def delete(deps: Deps, caller: Caller, id_: str) -> None:
    """Hide a template; records made from it keep its id and name. Raises NotFoundError."""
    found = await template_of(caller, id_)
    deleted = await Template.delete_once(
        caller.tenant, found.id, now=deps.now(), author=caller.user
    )
    if not deleted:
        raise NotFoundError("No template has this id.")


async def preview(deps: Deps, caller: Caller, id_: str, command: PreviewTemplate) -> Preview:
    """Fill a template in, as a mail without tracking would show it.

    Raises NotFoundError, and InvalidInputError that names every missing variable.
    """
    template = await template_of(caller, id_)
    return await asyncio.to_thread(_preview, deps, template, command)


def _preview(deps: Deps, template: Template, command: PreviewTemplate) -> Preview:
    content = Content(template.subject, template.body, command.variables or {})
    subject, html = filled_in(deps.settings, content)
    return Preview(subject, html, plain_text(html, replacements={}))


async def send_template(
    deps: Deps,
    caller: Caller,
    template_id: str,
    command: SendTemplate,
    *,
    idempotency_key: str | None = None,
) -> Communication:
    """Accept a mail made from a template, filled in now; otherwise as `sending.accept`.

    An answer given before is given again, whatever became of the template. Raises NotFoundError
    for the template too, and InvalidInputError that names every missing variable.
    """

    async def prepare() -> Communication:
        template = await template_of(caller, template_id)
        content = Content(
            command.subject or template.subject,
            template.body,
            command.variables or {},
            template_id=str(template.id),
            template_name=template.name,
        )
        mail = command.model_copy(update={"type": command.type or template.type})
        return await draft(deps, caller, mail, content, scheduled_at=command.scheduled_at)

    return await sending.accept_draft(
        deps, caller, command, prepare, of=[template_id], idempotency_key=idempotency_key
    )


async def _check(deps: Deps, subject: str, body: str) -> None:
    limit = min(deps.settings.body_limit, STORED_BODY_LIMIT)
    if len(body.encode()) > limit:
        fault = FieldError("body", f"must be at most {limit} octets in UTF-8")
        raise PayloadTooLargeError(f"{fault.path}: {fault.message}", fields=[fault])
    faults = await asyncio.to_thread(_faults, subject, body)
    if faults:
        raise InvalidInputError.of(*faults)


def _faults(subject: str, body: str) -> list[FieldError]:
    faults = []
    for path, text in (("subject", subject), ("body", body)):
        try:
            check(text)
        except RenderError as error:
            faults.append(FieldError(path, str(error)))
    return faults
