"""The versions of a template: its draft, and how it becomes the one that is sent."""

from typing import Any

from app.context import Caller, Deps
from app.documents import publishing
from app.documents.publishing import Author
from app.documents.template_versions import TemplateVersion, Words
from app.documents.templates import Template
from app.documents.vocabulary import VersionState
from app.errors import ConflictError, NotFoundError
from app.services.templates.changes import check_fits, new_version
from app.services.templates.commands import (
    CURRENT,
    Choice,
    PublishTemplate,
    SaveDraft,
)
from app.services.templates.compiling import check_sizes, compile_into
from app.services.templates.found import draft_of, template_of, version_of
from app.services.templates.saying import words_of


async def save_draft(deps: Deps, caller: Caller, id_: str, command: SaveDraft) -> TemplateVersion:
    """Change the draft of a template; without one, begin it from the current version.

    A draft may hold faults. Raises NotFoundError, PayloadTooLargeError for bodies, ConflictError
    for another revision, or when somebody else began a draft meanwhile.
    """
    template = await template_of(caller, id_)
    said = words_of(command)
    draft = await TemplateVersion.draft_of(caller.tenant, template.id)
    if draft is None:
        if command.revision is not None:
            raise ConflictError("The template has no draft by now.")
        words = (await version_of(template, CURRENT)).said
        return await _begun(deps, caller, template, words, said, note=command.note)
    revision = draft.revision if command.revision is None else command.revision
    _say(deps, template, draft, draft.said.model_copy(update=said))
    if "note" in command.model_fields_set:
        draft.note = command.note
    draft.updated, draft.updated_by = deps.now(), caller.user
    saved = await draft.keep(revision=revision)
    if saved is None:
        raise ConflictError("The draft was changed, published or discarded meanwhile.")
    return saved


def _say(deps: Deps, template: Template, draft: TemplateVersion, words: Words) -> None:
    check_sizes(deps, words)
    check_fits(template.kind, words)
    draft.say(words)


async def _begun(
    deps: Deps,
    caller: Caller,
    template: Template,
    words: Words,
    said: dict[str, Any],
    **fields: Any,
) -> TemplateVersion:
    draft = new_version(deps, caller, template, state=VersionState.DRAFT, **fields)
    _say(deps, template, draft, words.model_copy(update=said))
    if not await draft.begin():
        raise ConflictError("The template has a draft: discard or publish it first.")
    return draft


async def publish(deps: Deps, caller: Caller, id_: str, command: PublishTemplate) -> Template:
    """Make the draft of a template its current version, compiled with the layouts of now.

    Of several who publish it at once, one does. Raises NotFoundError, InvalidInputError for a
    draft that could never be filled in, ConflictError for a template without a draft, archived, or
    whose draft has another revision.
    """
    template = await template_of(caller, id_)
    if template.archived_at is not None:
        raise ConflictError("The template is archived.")
    draft = await draft_of(template)
    if command.revision not in {None, draft.revision}:
        raise ConflictError(f"The draft has revision {draft.revision} by now.")
    words = draft.said
    check_fits(template.kind, words)
    await compile_into(deps, template, draft, words)
    if command.note is not None:
        draft.note = command.note
    by = Author(caller.user, deps.now())
    draft.updated, draft.updated_by = by.now, by.name
    published = await publishing.publish_draft(template, draft, by)
    if published is None:
        raise ConflictError("The draft was changed, published or discarded meanwhile.")
    return published


async def discard(caller: Caller, id_: str) -> Template:
    """Remove the draft of a template.

    Raises NotFoundError, ConflictError for a template that has none, or nothing else.
    """
    template = await template_of(caller, id_)
    if template.version is None:
        raise ConflictError("The template was never published: delete it instead.")
    if not await TemplateVersion.discard(caller.tenant, template.id):
        raise ConflictError("The template has no draft.")
    return template


async def restore(deps: Deps, caller: Caller, id_: str, number: int) -> TemplateVersion:
    """Begin a draft that says what an earlier version did.

    Raises NotFoundError for a version that there is not, ConflictError when there is a draft.
    """
    template = await template_of(caller, id_)
    words = (await version_of(template, Choice(version=number))).said
    return await _begun(deps, caller, template, words, {}, restored_from=number)


async def version_numbered(caller: Caller, id_: str, number: int) -> TemplateVersion:
    """Find the published version of a template with this number, in full. Raises NotFoundError."""
    template = await template_of(caller, id_)
    found = await TemplateVersion.numbered(caller.tenant, template.id, number)
    if found is None:
        raise NotFoundError(f"The template has no version {number}.")
    return found
