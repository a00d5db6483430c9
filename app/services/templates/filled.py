"""What mail from a template says: the version and language that are asked for, made ready."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.context import Deps
from app.documents.communications import Communication
from app.documents.template_versions import Compiled, Form, TemplateVersion, Variable
from app.documents.templates import Template
from app.documents.vocabulary import TemplateKind
from app.errors import InvalidInputError
from app.services.filling import Content
from app.services.templates.commands import Choice
from app.services.templates.compiling import compiled_of
from app.services.templates.found import version_of
from app.services.templates.locales import chosen
from app.services.templates.variables import values_of


def with_locale(values: Mapping[str, Any], locale: str | None) -> Mapping[str, Any]:
    """Let a template ask for the language it is filled in for, unless it is told another thing."""
    return values if locale is None or "locale" in values else {**values, "locale": locale}


def checked(
    declared: Sequence[Variable],
    given: Mapping[str, Any],
    *,
    complete: bool = True,
    written: bool = False,
) -> dict[str, Any]:
    """Give the values to fill in. Raises InvalidInputError that names every variable at fault."""
    values, faults = values_of(declared, given, complete=complete, written=written)
    if faults:
        raise InvalidInputError.of(*faults)
    return values


@dataclass(frozen=True)
class Texts:
    """What a version says, in each of its languages; `locale` is the one it is written in.

    `subject` stands in for those of the version, where another was asked for.
    """

    compiled: Compiled
    locale: str | None
    declared: Sequence[Variable]
    subject: str | None = None

    @classmethod
    async def of(
        cls, deps: Deps, version: TemplateVersion, kind: TemplateKind = TemplateKind.TEMPLATE
    ) -> "Texts":
        """Read a version. Raises InvalidInputError for a faulty draft."""
        words = version.said
        return cls(await compiled_of(deps, version, kind), words.locale, words.variables)

    def form_in(self, wanted: str | None) -> tuple[Form, str | None]:
        """Choose the form for readers of a language, and tell its own.

        What is said without one serves whom none of the languages does.
        """
        at_hand = [*self.compiled.locales, *([] if self.locale is None else [self.locale])]
        locale = chosen(wanted, at_hand)
        if locale is None or locale not in self.compiled.locales:
            return self.compiled.form, self.locale
        return self.compiled.locales[locale], locale

    def content_for(
        self, content: Content, *, reader: str | None = None, written: bool = False
    ) -> Content:
        """Give what a reader gets, whose language may stand in the variables of `content` too.

        These may have been `written` in a file.

        Raises InvalidInputError that names every variable at fault.
        """
        given = content.variables or {}
        wanted = given.get("locale") if reader is None else reader
        form, locale = self.form_in(wanted if isinstance(wanted, str) else content.locale)
        return replace(
            content,
            subject=self.subject or form.subject,
            body=form.html,
            lines=form.lines,
            text=form.text,
            variables=with_locale(checked(self.declared, given, written=written), locale),
            locale=locale,
        )


async def texts_of(deps: Deps, communication: Communication) -> Texts | None:
    """Give what the template of list mail says, in the version that it was accepted with.

    None for mail of another kind.
    """
    id_ = communication.template_version_id
    version = None if id_ is None else await TemplateVersion.whole(id_)
    if version is None:
        return None
    texts = await Texts.of(deps, version)
    form, _ = texts.form_in(communication.locale)
    own = form.subject == communication.subject
    return texts if own else replace(texts, subject=communication.subject)


async def content_of(
    deps: Deps,
    template: Template,
    choice: Choice,
    given: Mapping[str, Any],
    *,
    complete: bool = True,
) -> Content:
    """Make ready what a version says to readers of a language.

    Values of list mail need not be `complete`: its members have their own. Raises NotFoundError
    and ConflictError as `version_of` does, and InvalidInputError that names every variable at
    fault.
    """
    version = await version_of(template, choice)
    texts = await Texts.of(deps, version, template.kind)
    form, locale = texts.form_in(choice.locale)
    values: Mapping[str, Any] = checked(texts.declared, given, complete=complete)
    return Content(
        form.subject,
        form.html,
        with_locale(values, locale) if complete else values,
        lines=form.lines,
        text=form.text,
        template_id=str(template.id),
        template_name=template.name,
        template_version=version.number,
        template_version_id=version.id,
        locale=locale,
    )
