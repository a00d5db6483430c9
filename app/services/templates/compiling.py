"""From what an author wrote to what is filled in: checked, and compiled once for each version."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from app.compiler.client import compiled_apart
from app.context import Deps
from app.documents.template_versions import (
    Compiled,
    Form,
    LocaleWords,
    TemplateVersion,
    Use,
    Words,
)
from app.documents.templates import STORED_BODY_LIMIT, Template
from app.documents.vocabulary import TemplateFormat, TemplateKind
from app.errors import FieldError, InvalidInputError, PayloadTooLargeError
from app.mail.templates.sources import Format, Source, TemplateFault
from app.patience import Patience, Patiences
from app.services.templates.locales import ranges
from app.services.templates.sources import Fault, Referred, referred_to
from app.services.unsubscribing.ways import RESERVED

# What stands in a layout while it is looked at alone.
_CONTENT = {
    TemplateFormat.HTML: "<p>…</p>",
    TemplateFormat.MJML: ("<mj-section><mj-column><mj-text>…</mj-text></mj-column></mj-section>"),
}
# Nobody reads more of them.
TOLD_LIMIT = 100
# All languages of a version together; one alone has its own limit.
COMPILING_SECONDS = 10.0
# Not those that all else uses: an engine may keep a thread waiting for long.
_THREADS = ThreadPoolExecutor(4, thread_name_prefix="compiling")
# Templates of one tenant that are endless work keep no other from publishing.
_PATIENCES = Patiences()


@dataclass(frozen=True)
class _Bounds:
    """How many octets of HTML a form may have, and what is left to try of endless work."""

    octets: int
    patience: Patience


@dataclass
class Compilation:
    """What came of words; `faults` keep them from being filled in, `warnings` do not.

    `variables` are those that they name.
    """

    compiled: Compiled | None = None
    uses: list[Use] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    variables: set[str] = field(default_factory=set)


def check_sizes(deps: Deps, words: Words) -> None:
    """Raise PayloadTooLargeError for bodies that are too large, one or all of a version."""
    limit = min(deps.settings.body_limit, STORED_BODY_LIMIT)
    total = 0
    for path, text in _texts(words):
        octets = len(text.encode())
        total += octets
        if octets > limit:
            raise _too_large(path, f"must be at most {limit} octets in UTF-8")
    if total > STORED_BODY_LIMIT:
        raise _too_large("locales", f"must be at most {STORED_BODY_LIMIT} octets in all")


def _too_large(path: str, reason: str) -> PayloadTooLargeError:
    return PayloadTooLargeError(f"{path}: {reason}", fields=[FieldError(path, reason)])


def _texts(words: Words) -> Iterator[tuple[str, str]]:
    yield "body", words.body
    if words.text is not None:
        yield "text", words.text
    for number, one in enumerate(words.locales):
        for name, text in (("body", one.body), ("text", one.text)):
            if text is not None:
                yield f"locales[{number}].{name}", text


async def compilation_of(
    deps: Deps, tenant: str, kind: TemplateKind, words: Words, *, name: str | None = None
) -> Compilation:
    """Check and compile words, with the layout and the partials of now.

    `name` is that of the template, where it has one.
    """
    own = (name, words.body) if name is not None and kind is TemplateKind.PARTIAL else None
    referred = await referred_to(tenant, words, own=own)
    loop, limit = asyncio.get_running_loop(), deps.settings.body_limit
    bounds = _Bounds(limit, _PATIENCES.of(tenant))
    return await loop.run_in_executor(_THREADS, _compiled, kind, words, referred, bounds)


async def compile_into(
    deps: Deps, template: Template, version: TemplateVersion, words: Words
) -> None:
    """Put the words into a version, compiled. Raises InvalidInputError that tells every fault."""
    made = await compilation_of(deps, template.tenant_id, template.kind, words, name=template.name)
    if made.compiled is None:
        raise refused(made.faults)
    version.say(words)
    version.compiled = made.compiled.model_dump_json(by_alias=True)
    version.uses = made.uses


def refused(faults: list[Fault]) -> InvalidInputError:
    return InvalidInputError.of(*(FieldError(fault.path, fault.text) for fault in faults))


async def compiled_of(
    deps: Deps, version: TemplateVersion, kind: TemplateKind = TemplateKind.TEMPLATE
) -> Compiled:
    """Give what is filled in of a version. Raises InvalidInputError for a faulty draft."""
    if version.compiled is not None:
        return Compiled.model_validate_json(version.compiled)
    made = await compilation_of(deps, version.tenant_id, kind, version.said)
    if made.compiled is None:
        raise refused(made.faults)
    return made.compiled


def _compiled(kind: TemplateKind, words: Words, referred: Referred, bounds: _Bounds) -> Compilation:
    made = Compilation(uses=referred.uses, faults=list(referred.faults))
    source = _source(kind, words, referred)
    form = _form(made, source, bounds, _paths(kind))
    locales: dict[str, Form | None] = {}
    end = time.monotonic() + COMPILING_SECONDS
    for number, one in enumerate(words.locales):
        if time.monotonic() > end:
            made.faults.append(Fault("locales", "take more time to compile than a mail can need"))
            break
        if kind is TemplateKind.LAYOUT:
            said = replace(source, layout=one.body)
            paths = dict.fromkeys(("layout", "body"), f"locales[{number}].body")
        else:
            said = _in_locale(source, words, one)
            said = replace(said, layout=referred.layout_in(one.locale))
            paths = _own_paths(number, one, told=bool(made.faults))
        locales[one.locale] = _form(made, said, bounds, paths)
    # Those of parts are declared by what uses them.
    if kind is TemplateKind.TEMPLATE and not made.faults:
        _compare(made, words)
    if form is not None and not made.faults:
        whole = {locale: one for locale, one in locales.items() if one is not None}
        made.compiled = Compiled(form=form, locales=whole)
    del made.faults[TOLD_LIMIT:], made.warnings[TOLD_LIMIT:]
    return made


def _source(kind: TemplateKind, words: Words, referred: Referred) -> Source:
    source = Source(
        subject=words.subject,
        body=words.body,
        format=Format(words.format.value),
        text=words.text,
        layout=referred.layout_in(words.locale),
        partials=referred.partials,
    )
    if kind is TemplateKind.LAYOUT:
        return replace(source, layout=words.body, body=_CONTENT[words.format])
    # Alone a partial is no MJML: it is compiled with what includes it.
    return replace(source, format=Format.HTML) if kind is TemplateKind.PARTIAL else source


def _in_locale(source: Source, words: Words, one: LocaleWords) -> Source:
    """Let what is not said in a language be said as in the next one: `nl-BE`, `nl`, without."""
    by_locale = {said.locale: said for said in words.locales}
    chain = [by_locale[tag] for tag in ranges(one.locale) if tag in by_locale]
    subject = next((said.subject for said in chain if said.subject is not None), source.subject)
    text: str | None = None
    for said in chain:
        text = said.text if text is None else text
        if said.body is not None:
            # A text part of farther away would be of another body.
            return replace(source, subject=subject, body=said.body, text=text)
    return replace(source, subject=subject, text=source.text if text is None else text)


def _paths(kind: TemplateKind) -> dict[str, str]:
    """Name the fields of the words by those of their source."""
    if kind is TemplateKind.LAYOUT:
        return {"layout": "body", "body": "body"}
    return {name: name for name in ("subject", "body", "text", "layout")}


def _own_paths(number: int, one: LocaleWords, *, told: bool) -> dict[str, str]:
    """Name those that are given in a language; the others only where no fault of them is `told`."""
    return {
        name: f"locales[{number}].{name}"
        for name in ("subject", "body", "text")
        if getattr(one, name) is not None or not told
    }


def _form(made: Compilation, source: Source, bounds: _Bounds, paths: dict[str, str]) -> Form | None:
    checked = compiled_apart(source, bounds.patience)
    made.faults += _told(checked.faults, paths, made.faults)
    made.warnings += _told(checked.warnings, paths, made.warnings)
    compiled = checked.compiled
    if compiled is None:
        return None
    made.variables |= {*compiled.required, *compiled.optional}
    if len(compiled.html.encode()) > bounds.octets:
        reason = f"makes HTML of more than {bounds.octets} octets in UTF-8"
        made.faults.append(Fault(paths.get("body", "body"), reason))
    lines = [(paths.get(path, path), line) for path, line in compiled.lines]
    return Form(subject=compiled.subject, html=compiled.html, text=compiled.text, lines=lines)


def _told(faults: list[TemplateFault], paths: dict[str, str], told: list[Fault]) -> Iterator[Fault]:
    for fault in faults:
        if fault.path in paths or fault.path.startswith("partials."):
            path = paths.get(fault.path, fault.path)
            found = Fault(path, fault.message, fault.line, fault.column)
            if found not in told:
                yield found


def _compare(made: Compilation, words: Words) -> None:
    """Warn of variables that are named and not declared, and of those that are never named."""
    declared = {variable.name for variable in words.variables}
    # The language is given where the words have one.
    given = {*RESERVED, *([] if words.locale is None else ["locale"])}
    for name in sorted(made.variables - declared - given):
        made.warnings.append(Fault("variables", f"{name} is used and not declared"))
    for number, variable in enumerate(words.variables):
        if variable.name not in made.variables:
            reason = f"{variable.name} is declared and never used"
            made.warnings.append(Fault(f"variables[{number}].name", reason))
