"""Making templates, changing them, putting them away."""

from collections.abc import Iterator
from typing import Any

from app.context import Caller, Deps
from app.documents import publishing
from app.documents.publishing import Author
from app.documents.template_versions import TemplateVersion, Words
from app.documents.templates import Template
from app.documents.vocabulary import TemplateKind, VersionState
from app.errors import ConflictError, FieldError, InvalidInputError, NotFoundError
from app.services.templates.commands import (
    CURRENT,
    CreateTemplate,
    UpdateTemplate,
    new_words,
)
from app.services.templates.compiling import check_sizes, compile_into
from app.services.templates.found import template_of, version_of
from app.services.templates.saying import words_of

_OF_TEMPLATE = {"name", "description", "type"}
# Of several who change at once each has its turn, unless they never end.
_TURNS = 10
_NAMED = 3


def new_version(deps: Deps, caller: Caller, template: Template, **fields: Any) -> TemplateVersion:
    """Make a version of a template that says nothing yet."""
    now = deps.now()
    return TemplateVersion(
        tenant_id=caller.tenant,
        template_id=template.id,
        format=template.format,
        subject=template.subject,
        created=now,
        created_by=caller.user,
        updated=now,
        updated_by=caller.user,
        **fields,
    )


def published_by(deps: Deps, caller: Caller) -> dict[str, Any]:
    """Give the fields of a version that is published now."""
    return {
        "state": VersionState.PUBLISHED,
        "published_at": deps.now(),
        "published_by": caller.user,
    }


async def create(deps: Deps, caller: Caller, command: CreateTemplate) -> Template:
    """Keep a new template; its first version is published, unless it is to be a draft.

    Raises InvalidInputError for what could never be filled in, with the line, PayloadTooLargeError
    for bodies, ConflictError for a name that is taken.
    """
    words = new_words(command)
    fields = command.model_dump(include={*_OF_TEMPLATE, "kind"})
    return await keep_new(deps, caller, words, fields, draft=command.draft, note=command.note)


async def keep_new(
    deps: Deps,
    caller: Caller,
    words: Words,
    fields: dict[str, Any],
    *,
    draft: bool,
    note: str | None,
) -> Template:
    """Keep a template that says this, with its other `fields`; raises as `create`."""
    check_sizes(deps, words)
    check_fits(fields["kind"], words)
    now = deps.now()
    template = Template(
        **fields,
        format=words.format,
        subject=words.subject,
        body=words.body,
        versioned=True,
        tenant_id=caller.tenant,
        created=now,
        created_by=caller.user,
        updated=now,
        updated_by=caller.user,
    )
    if draft:
        version = new_version(deps, caller, template, note=note, state=VersionState.DRAFT)
        version.say(words)
    else:
        made = published_by(deps, caller)
        version = new_version(deps, caller, template, note=note, number=1, **made)
        await compile_into(deps, template, version, words)
        template.version, template.version_id = 1, version.id
        template.uses = [use.template_id for use in version.uses]
    await publishing.create(template, version)
    return template


def check_fits(kind: TemplateKind, words: Words) -> None:
    """Raise InvalidInputError for what templates of this kind do not have."""
    faults = list(_misfits(kind, words))
    faults += [
        FieldError(f"locales[{number}].locale", "is the language of the template itself")
        for number, one in enumerate(words.locales)
        if one.locale == words.locale
    ]
    if faults:
        raise InvalidInputError.of(*faults)


def _misfits(kind: TemplateKind, words: Words) -> Iterator[FieldError]:
    if kind is TemplateKind.TEMPLATE:
        if not words.subject:
            yield FieldError("subject", "is required")
        return
    named: dict[str, Any] = {
        "subject": words.subject,
        "text": words.text,
        "layout": words.layout,
    }
    if kind is TemplateKind.PARTIAL:
        named |= {"locales": words.locales, "locale": words.locale}
    for number, one in enumerate(words.locales if kind is TemplateKind.LAYOUT else ()):
        named |= {f"locales[{number}].subject": one.subject, f"locales[{number}].text": one.text}
        if one.body is None:
            yield FieldError(f"locales[{number}].body", "is required")
    for name, given in named.items():
        if given:
            yield FieldError(name, f"must not be given for a {kind.value}")


async def update(deps: Deps, caller: Caller, id_: str, command: UpdateTemplate) -> Template:
    """Change what the command names; other words are published at once, as a new version.

    Mails accepted before stay as they are. Raises NotFoundError, ConflictError for another
    revision, for a name that others refer to, and for other words of a template that was never
    published, and what `create` raises.
    """
    changes = command.model_dump(exclude_unset=True, include=_OF_TEMPLATE)
    said = words_of(command)
    for _ in range(_TURNS):
        found = await template_of(caller, id_)
        await _check_name(found, changes)
        if said:
            changed = await _published(deps, caller, found, said, changes, command)
        else:
            changed = await Template.change(
                caller.tenant,
                found.id,
                changes,
                revision=command.revision,
                now=deps.now(),
                author=caller.user,
            )
        if changed is not None:
            return changed
        if command.revision is not None:
            break
    # Gone by now, or changed by someone else.
    current = await template_of(caller, id_)
    raise ConflictError(f"The template has revision {current.revision} by now.")


async def _published(  # noqa: PLR0917 - all of one change
    deps: Deps,
    caller: Caller,
    found: Template,
    said: dict[str, Any],
    changes: dict[str, Any],
    command: UpdateTemplate,
) -> Template | None:
    if found.archived_at is not None:
        raise ConflictError("The template is archived.")
    words = (await version_of(found, CURRENT)).said.model_copy(update=said)
    check_sizes(deps, words)
    check_fits(found.kind, words)
    version = new_version(deps, caller, found, note=command.note, **published_by(deps, caller))
    await compile_into(deps, found, version, words)
    by = Author(caller.user, deps.now())
    return await publishing.publish(found, version, by, changes=changes, revision=command.revision)


async def _check_name(found: Template, changes: dict[str, Any]) -> None:
    """Raise ConflictError for another name where others refer to the one it has."""
    if "name" in changes and changes["name"] != found.name:
        await _check_unused(found, "renamed")


async def _check_unused(found: Template, done: str) -> None:
    users = await Template.users_of(found.tenant_id, found.id, _NAMED + 1)
    if users:
        more = " and others" if len(users) > _NAMED else ""
        named = ", ".join(users[:_NAMED])
        raise ConflictError(f"It is used by {named}{more}, and cannot be {done}.")


async def delete(deps: Deps, caller: Caller, id_: str) -> None:
    """Hide a template; records made from it keep its id and name.

    Raises NotFoundError, ConflictError for a layout or partial of others.
    """
    found = await template_of(caller, id_)
    await _check_unused(found, "deleted")
    if not await publishing.delete(found, Author(caller.user, deps.now())):
        raise NotFoundError("No template has this id.")


async def archive(deps: Deps, caller: Caller, id_: str) -> Template:
    """Put a template away: it is listed and sent no more, until it is taken out again.

    What was compiled with it stays as it is. Raises NotFoundError, and ConflictError for one that
    is archived already.
    """
    found = await template_of(caller, id_)
    moved = await Template.archive(caller.tenant, found.id, now=deps.now(), author=caller.user)
    if moved is None:
        raise ConflictError("The template is archived already.")
    return moved


async def unarchive(deps: Deps, caller: Caller, id_: str) -> Template:
    """Take out an archived template. Raises NotFoundError, ConflictError for one that is not."""
    found = await template_of(caller, id_)
    moved = await Template.unarchive(caller.tenant, found.id, now=deps.now(), author=caller.user)
    if moved is None:
        raise ConflictError("The template is not archived.")
    return moved
