"""Mail made from templates: sent, tried out, and looked at."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.templates import Template
from app.documents.vocabulary import TemplateKind
from app.errors import ConflictError
from app.mail.text import plain_text
from app.services import sending
from app.services.drafts import draft
from app.services.filling import Content, filled_in, text_of
from app.services.inputs import SUBJECT_LENGTH
from app.services.templates.commands import (
    CURRENT,
    Choice,
    PreviewTemplate,
    SendTemplate,
    SendTest,
)
from app.services.templates.filled import content_of
from app.services.templates.found import template_of, version_of
from app.services.templates.variables import examples_of
from app.services.unsubscribing.ways import sample_way


@dataclass(frozen=True)
class Preview:
    subject: str
    html: str
    text: str
    locale: str | None = None
    version: int | None = None


async def preview(deps: Deps, caller: Caller, id_: str, command: PreviewTemplate) -> Preview:
    """Fill a template in, as a mail without tracking would show it.

    Without variables it shows the examples. Raises NotFoundError, ConflictError for one that was
    never published, and InvalidInputError that names every variable that is missing, or not what
    it must be.
    """
    template = await template_of(caller, id_)
    return await asyncio.to_thread(shown, deps, await _tried(deps, template, command))


async def _tried(deps: Deps, template: Template, command: PreviewTemplate) -> Content:
    """Make ready what is shown to those who try a template out."""
    variables: Mapping[str, Any] | None = command.variables
    if variables is None:
        variables = examples_of((await version_of(template, command)).said.variables)
    samples = sample_way(deps.settings).variables
    return await content_of(deps, template, command, {**samples, **variables})


def shown(deps: Deps, content: Content) -> Preview:
    """Fill in what mail, or a part of it, says. Raises InvalidInputError."""
    # Parts have no subject, and mail must have one.
    named = content if content.subject else replace(content, subject="-")
    subject, html = filled_in(deps.settings, named)
    text = text_of(deps.settings, content)
    return Preview(
        subject if content.subject else "",
        html,
        plain_text(html, replacements={}) if text is None else text,
        content.locale,
        content.template_version,
    )


async def send_template(
    deps: Deps,
    caller: Caller,
    template_id: str,
    command: SendTemplate,
    choice: Choice = CURRENT,
    *,
    idempotency_key: str | None = None,
) -> Communication:
    """Accept a mail made from a template, filled in now; otherwise as `sending.accept`.

    An answer given before is given again, whatever became of the template. Raises NotFoundError
    for the template too, ConflictError for one that is archived or was never published, and
    InvalidInputError that names every variable that is missing, or not what it must be.
    """

    async def prepare() -> Communication:
        template = await template_of(caller, template_id)
        check_sendable(template)
        complete = command.recipient_list_id is None
        content = await content_of(
            deps, template, choice, command.variables or {}, complete=complete
        )
        return await made(deps, caller, template, command, content)

    chosen = choice.model_dump(exclude_defaults=True)
    return await sending.accept_draft(
        deps,
        caller,
        command,
        prepare,
        of=[template_id, *([chosen] if chosen else [])],
        idempotency_key=idempotency_key,
    )


def check_sendable(template: Template) -> None:
    """Raise ConflictError for what no mail can be made from."""
    if template.kind is not TemplateKind.TEMPLATE:
        raise ConflictError(f"A {template.kind.value} cannot be sent: it is a part of templates.")
    if template.archived_at is not None:
        raise ConflictError("The template is archived and cannot be sent.")


async def made(
    deps: Deps, caller: Caller, template: Template, command: SendTemplate, content: Content
) -> Communication:
    """Make the record; the command's subject and type stand in for the template's."""
    mail = command.model_copy(update={"type": command.type or template.type})
    if command.subject is not None:
        content = replace(content, subject=command.subject)
    return await draft(deps, caller, mail, content, scheduled_at=command.scheduled_at)


async def send_test(
    deps: Deps,
    caller: Caller,
    template_id: str,
    command: SendTest,
    *,
    idempotency_key: str | None = None,
) -> Communication:
    """Accept a mail that tries a template out: marked as a test, not tracked, never counted.

    Its draft may be tried too. Otherwise as `send_template`.
    """
    given = {"recipients": command.recipients, "trackingEnabled": False}
    mail = SendTemplate.model_validate({**given, "variables": command.variables})

    async def prepare() -> Communication:
        template = await template_of(caller, template_id)
        check_sendable(template)
        record = await made(deps, caller, template, mail, await _tried(deps, template, command))
        record.is_test = True
        record.subject = f"{command.subject_prefix} {record.subject}".strip()[:SUBJECT_LENGTH]
        return record

    asked = ["test", template_id, command.model_dump(mode="json", exclude_defaults=True)]
    return await sending.accept_draft(
        deps, caller, mail, prepare, of=asked, idempotency_key=idempotency_key
    )
