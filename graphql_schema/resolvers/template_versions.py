"""What callers may do with the versions of templates."""

from collections.abc import Collection, Mapping

from app.context import Context, Scope
from app.documents.template_versions import TemplateVersion
from app.documents.templates import Template
from app.services import templates
from app.services.templates import (
    Check,
    Preview,
    PreviewTemplate,
    PublishTemplate,
    SaveDraft,
    SourceCommand,
)


async def versions_with_ids(
    context: Context, ids: Collection[str], *, without: Collection[str] = ()
) -> Mapping[str, TemplateVersion | Exception]:
    """Give the caller's versions by their ids; the fields `without` are left empty."""
    caller = context.require(Scope.TEMPLATES_READ)
    return await TemplateVersion.load_contents(
        await TemplateVersion.with_ids(caller.tenant, ids, without=without)
    )


async def drafts_of(
    context: Context, template_ids: Collection[str], *, without: Collection[str] = ()
) -> Mapping[str, TemplateVersion]:
    """Give the drafts of the caller's templates by the ids of these."""
    caller = context.require(Scope.TEMPLATES_READ)
    return await TemplateVersion.drafts_of(caller.tenant, template_ids, without=without)


async def version_numbered(context: Context, id_: str, number: int) -> TemplateVersion:
    """Give a published version of a template. Raises NotFoundError."""
    caller = context.require(Scope.TEMPLATES_READ)
    return await templates.version_numbered(caller, id_, number)


async def save_draft(context: Context, id_: str, command: SaveDraft) -> TemplateVersion:
    """Change the draft of a template, or begin one. Raises what `versions.save_draft` raises."""
    caller = context.require(Scope.TEMPLATES_WRITE)
    return await templates.save_draft(context.deps, caller, id_, command)


async def publish(context: Context, id_: str, command: PublishTemplate) -> Template:
    """Make the draft of a template its current version. Raises what `versions.publish` raises."""
    caller = context.require(Scope.TEMPLATES_WRITE)
    return await templates.publish(context.deps, caller, id_, command)


async def discard(context: Context, id_: str) -> Template:
    """Remove the draft of a template. Raises what `versions.discard` raises."""
    return await templates.discard(context.require(Scope.TEMPLATES_WRITE), id_)


async def restore(context: Context, id_: str, number: int) -> TemplateVersion:
    """Begin a draft from an earlier version. Raises what `versions.restore` raises."""
    caller = context.require(Scope.TEMPLATES_WRITE)
    return await templates.restore(context.deps, caller, id_, number)


async def validate(context: Context, command: SourceCommand) -> Check:
    """Tell what is wrong with words that are not kept. Raises what `checking.validate` raises."""
    caller = context.require(Scope.TEMPLATES_READ)
    return await templates.validate(context.deps, caller, command)


async def validate_draft(context: Context, id_: str) -> Check:
    """Tell what is wrong with a draft. Raises what `checking.validate_draft` raises."""
    caller = context.require(Scope.TEMPLATES_READ)
    return await templates.validate_draft(context.deps, caller, id_)


async def preview_source(
    context: Context, command: SourceCommand, asked: PreviewTemplate
) -> Preview:
    """Show what words that are not kept would say. Raises what `checking.preview_source` raises."""
    caller = context.require(Scope.TEMPLATES_READ)
    return await templates.preview_source(context.deps, caller, command, asked)
