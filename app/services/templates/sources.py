"""What the words of templates refer to by name: layouts and partials, as they are published."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from app.documents.template_versions import TemplateVersion, Use, Words
from app.documents.templates import Template
from app.documents.vocabulary import TemplateFormat, TemplateKind
from app.services.templates.locales import chosen

# More than this many different ones are no mail.
PARTIALS_LIMIT = 100
_INCLUDED = re.compile(r"""\{%[-+]?\s*include\s+(?:"([^"]*)"|'([^']*)')""")


@dataclass(frozen=True)
class Fault:
    """What is wrong or doubtful in a text, or in a field as a whole: without line and column.

    Both count from 1. `path` is a field, or `partials.NAME`.
    """

    path: str
    message: str
    line: int | None = None
    column: int | None = None

    @property
    def text(self) -> str:
        if self.line is None:
            return self.message
        return f"{self.message} (line {self.line}, column {self.column})"


@dataclass
class Referred:
    """What words refer to: bodies, by the names under which they do; what cannot be had is told.

    `layouts` are what the layout says in its languages.
    """

    layout: str | None = None
    layouts: dict[str, str] = field(default_factory=dict)
    partials: dict[str, str] = field(default_factory=dict)
    uses: list[Use] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def layout_in(self, locale: str | None) -> str | None:
        """Choose what the layout says to readers of a language; None without a layout."""
        found = chosen(locale, self.layouts)
        return self.layout if found is None else self.layouts[found]

    def take(self, found: Template) -> None:
        if found.version is not None and all(use.template_id != found.id for use in self.uses):
            use = Use(template_id=found.id, name=found.name, kind=found.kind, number=found.version)
            self.uses.append(use)


async def referred_to(tenant: str, words: Words, *, own: tuple[str, str] | None = None) -> Referred:
    """Find what words refer to, and what that refers to.

    `own` is the name of a partial whose words these are, and its body: it includes itself so.
    """
    found = Referred()
    texts = [words.body, *(one.body for one in words.locales if one.body is not None)]
    if words.layout is not None:
        layout = await _one(tenant, words.layout)
        if (reason := _refusal(layout, words.format)) is not None:
            found.faults.append(Fault("layout", f"the layout {words.layout} {reason}"))
        elif layout is not None:
            found.take(layout)
            said = await _said(layout)
            found.layout = said.body
            found.layouts = {one.locale: one.body for one in said.locales if one.body is not None}
            if said.locale is not None:
                found.layouts[said.locale] = said.body
            texts += [said.body, *found.layouts.values()]
    waiting = set(_names(texts))
    while waiting and len(found.partials) <= PARTIALS_LIMIT:
        partials = await _partials(tenant, waiting, own)
        bodies: list[str] = []
        for name in sorted(waiting):
            partial = partials.get(name.casefold())
            if isinstance(partial, str):
                found.partials[name] = partial
            elif partial is not None and _refusal(partial, words.format) is None:
                found.take(partial)
                found.partials[name] = partial.body
            else:
                reason = _refusal(partial, words.format)
                found.faults.append(Fault(f"partials.{name}", f"the partial {name} {reason}"))
                # So that it is told once, and by what keeps it away.
                found.partials[name] = ""
            bodies.append(found.partials[name])
        waiting = set(_names(bodies)) - found.partials.keys()
    if waiting:
        reason = f"more than {PARTIALS_LIMIT} different partials are included"
        found.faults.append(Fault("body", reason))
    return found


def _refusal(found: Template | None, written_in: TemplateFormat) -> str | None:
    """Tell why it cannot be used; None when it can."""
    if found is None:
        return "does not exist"
    if found.archived_at is not None:
        return "is archived"
    if found.version is None:
        return "was never published"
    if found.format is not written_in:
        return f"is written in {found.format.value}, and this in {written_in.value}"
    return None


async def _said(layout: Template) -> Words:
    id_ = layout.version_id
    version = None if id_ is None else await TemplateVersion.whole(id_)
    return Words(body=layout.body) if version is None else version.said


async def _one(tenant: str, name: str) -> Template | None:
    found = await Template.named(tenant, [name], [TemplateKind.LAYOUT])
    return found[0] if found else None


async def _partials(
    tenant: str, names: Iterable[str], own: tuple[str, str] | None
) -> Mapping[str, Template | str]:
    """Find partials by their names in small letters; of its own it is told the body."""
    found: dict[str, Template | str] = {
        one.name.casefold(): one
        for one in await Template.named(tenant, list(names), [TemplateKind.PARTIAL])
    }
    if own is not None:
        found[own[0].casefold()] = own[1]
    return found


def _names(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        for match in _INCLUDED.finditer(text):
            yield match[1] if match[1] is not None else match[2]
