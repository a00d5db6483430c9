"""What callers may do with templates: who may, then one call. Both doors come through here."""

from collections.abc import Collection, Mapping

from app.context import Context, Scope
from app.documents.communications import Communication
from app.documents.templates import Template
from app.documents.vocabulary import TemplateKind
from app.services import templates
from app.services.connections import ListCommand, Needs, Part
from app.services.templates import (
    CURRENT,
    Choice,
    CreateTemplate,
    DuplicateTemplate,
    Preview,
    PreviewTemplate,
    SendTemplate,
    SendTest,
    UpdateTemplate,
)


async def template(context: Context, id_: str) -> Template:
    """Give the caller's template. Raises NotFoundError for unknown and other tenants' ids alike."""
    return await templates.template_of(context.require(Scope.TEMPLATES_READ), id_)


async def templates_with_ids(
    context: Context, ids: Collection[str], *, without: Collection[str] = ()
) -> Mapping[str, Template]:
    """Give the caller's templates by their ids; the fields `without` are left empty."""
    caller = context.require(Scope.TEMPLATES_READ)
    return await Template.with_ids(caller.tenant, ids, without=without)


async def list_templates(
    context: Context,
    command: ListCommand,
    needs: Needs,
    *,
    kinds: list[TemplateKind] | None = None,
    archived: bool | None = False,
) -> Part[Template]:
    """Give a part of the caller's templates; as `templates_of`."""
    caller = context.require(Scope.TEMPLATES_READ)
    return await templates.templates_of(caller, command, needs, kinds=kinds, archived=archived)


async def preview_template(context: Context, id_: str, command: PreviewTemplate) -> Preview:
    """Fill a template in and send nothing. Raises what `templates.preview` raises."""
    caller = context.require(Scope.TEMPLATES_READ)
    return await templates.preview(context.deps, caller, id_, command)


async def create_template(context: Context, command: CreateTemplate) -> Template:
    """Keep a new template. Raises what `templates.create` raises."""
    caller = context.require(Scope.TEMPLATES_WRITE)
    return await templates.create(context.deps, caller, command)


async def update_template(context: Context, id_: str, command: UpdateTemplate) -> Template:
    """Change a template. Raises what `templates.update` raises."""
    caller = context.require(Scope.TEMPLATES_WRITE)
    return await templates.update(context.deps, caller, id_, command)


async def delete_template(context: Context, id_: str) -> None:
    """Hide a template. Raises what `templates.delete` raises."""
    caller = context.require(Scope.TEMPLATES_WRITE)
    await templates.delete(context.deps, caller, id_)


async def duplicate_template(context: Context, id_: str, command: DuplicateTemplate) -> Template:
    """Make a copy of a template. Raises what `templates.duplicate` raises."""
    caller = context.require(Scope.TEMPLATES_WRITE)
    return await templates.duplicate(context.deps, caller, id_, command)


async def archive_template(context: Context, id_: str) -> Template:
    """Put a template away. Raises what `templates.archive` raises."""
    return await templates.archive(context.deps, context.require(Scope.TEMPLATES_WRITE), id_)


async def unarchive_template(context: Context, id_: str) -> Template:
    """Take a template out again. Raises what `templates.unarchive` raises."""
    return await templates.unarchive(context.deps, context.require(Scope.TEMPLATES_WRITE), id_)


async def send_template(
    context: Context,
    template_id: str,
    command: SendTemplate,
    choice: Choice = CURRENT,
    *,
    idempotency_key: str | None = None,
) -> Communication:
    """Accept a mail made from a template; `idempotency_key` stands in for the request's own.

    Raises what `templates.send_template` raises.
    """
    caller = context.require(Scope.COMMUNICATIONS_SEND)
    key = context.idempotency_key if idempotency_key is None else idempotency_key
    return await templates.send_template(
        context.deps, caller, template_id, command, choice, idempotency_key=key
    )


async def send_test(
    context: Context, template_id: str, command: SendTest, *, idempotency_key: str | None = None
) -> Communication:
    """Accept a mail that tries a template out. Raises what `templates.send_test` raises."""
    caller = context.require(Scope.COMMUNICATIONS_SEND)
    key = context.idempotency_key if idempotency_key is None else idempotency_key
    return await templates.send_test(
        context.deps, caller, template_id, command, idempotency_key=key
    )
