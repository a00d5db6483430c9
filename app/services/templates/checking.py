"""Looking at words that are not kept: what is wrong with them, and what they would show."""

import asyncio
from dataclasses import dataclass, field

from app.context import Caller, Deps
from app.documents.template_versions import Words
from app.documents.templates import Template
from app.documents.vocabulary import TemplateKind
from app.errors import AppError
from app.services.filling import Content
from app.services.templates.changes import check_fits
from app.services.templates.commands import PreviewTemplate, SourceCommand, new_words
from app.services.templates.compiling import check_sizes, compilation_of, refused
from app.services.templates.filled import Texts
from app.services.templates.found import draft_of, template_of
from app.services.templates.sending import Preview, shown
from app.services.templates.sources import Fault
from app.services.templates.variables import examples_of
from app.services.unsubscribing.ways import RESERVED, sample_way


@dataclass(frozen=True)
class Check:
    """`faults` keep a version from being published, `warnings` do not.

    `variables` are the names of those that the texts ask for, and mail does not fill in by itself.
    """

    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    variables: list[str] = field(default_factory=list)


async def validate(deps: Deps, caller: Caller, command: SourceCommand) -> Check:
    """Tell what is wrong or doubtful in words that are not kept. Raises PayloadTooLargeError."""
    return await _checked(deps, caller, command.kind, new_words(command))


async def validate_draft(deps: Deps, caller: Caller, id_: str) -> Check:
    """Tell what keeps the draft of a template from being published, or is doubtful in it.

    Raises NotFoundError, ConflictError without a draft.
    """
    template = await template_of(caller, id_)
    words = (await draft_of(template)).said
    return await _checked(deps, caller, template.kind, words, template)


async def _checked(
    deps: Deps, caller: Caller, kind: TemplateKind, words: Words, template: Template | None = None
) -> Check:
    check_sizes(deps, words)
    try:
        check_fits(kind, words)
    except AppError as error:
        return Check([Fault(one.path, one.message) for one in error.fields])
    name = None if template is None else template.name
    made = await compilation_of(deps, caller.tenant, kind, words, name=name)
    return Check(made.faults, made.warnings, sorted(made.variables - {*RESERVED}))


async def preview_source(
    deps: Deps, caller: Caller, command: SourceCommand, asked: PreviewTemplate
) -> Preview:
    """Show what words that are not kept would say to readers of a language.

    Without variables it shows the examples. Raises InvalidInputError that tells every fault, and
    PayloadTooLargeError.
    """
    words = new_words(command)
    check_sizes(deps, words)
    check_fits(command.kind, words)
    made = await compilation_of(deps, caller.tenant, command.kind, words)
    if made.compiled is None:
        raise refused(made.faults)
    given = asked.variables
    values = examples_of(words.variables) if given is None else given
    texts = Texts(made.compiled, words.locale, words.variables)
    values = {**sample_way(deps.settings).variables, **values}
    content = texts.content_for(Content("", "", values), reader=asked.locale)
    return await asyncio.to_thread(shown, deps, content)
