"""An author's source made into what is filled in: done once for each version of a template."""

from dataclasses import dataclass

from app.mail.templates.composing import Composed, composed
from app.mail.templates.lexing import normalised
from app.mail.templates.sources import Source, TemplateFault, TemplateFaultsError
from app.mail.templates.syntax import Template, examined
from app.mail.templates.values import RenderError, place_of


@dataclass(frozen=True)
class Compiled:
    """What is stored of a version, plain strings only; `rendering.render` fills it in.

    `text` is None where the text part is made from the HTML. Of the variables, `required` are
    those that are neither tested for nor have a default; `optional` are the others.
    """

    subject: str
    html: str
    text: str | None = None
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checked:
    """`faults` forbid publishing, `warnings` do not; both by path, line and column.

    `compiled` is None when there are faults.
    """

    faults: list[TemplateFault]
    warnings: list[TemplateFault]
    compiled: Compiled | None


def compile_source(source: Source) -> Compiled:
    """Make what is stored of a version. Raises TemplateFaultsError with all that is wrong."""
    checked = check(source)
    if checked.compiled is None:
        raise TemplateFaultsError(checked.faults)
    return checked.compiled


def check(source: Source) -> Checked:
    """Compile a source, and tell all that is wrong or doubtful; never raises."""
    whole, faults = composed(source)
    templates = [
        _line("subject", source.subject, faults),
        None if source.text is None else _line("text", source.text, faults),
        None if faults else _whole(whole, faults),
    ]
    if faults:
        return Checked(sorted(set(faults)), [], None)
    named = frozenset[str]().union(*(one.named for one in templates if one))
    required = frozenset[str]().union(*(one.required for one in templates if one))
    compiled = Compiled(
        subject=source.subject,
        html=whole.text,
        text=source.text,
        required=tuple(sorted(required)),
        optional=tuple(sorted(named - required)),
    )
    return Checked([], [], compiled)


def _line(path: str, text: str, faults: list[TemplateFault]) -> Template | None:
    """Examine what stands for itself: nothing can be included there."""
    clean = normalised(text)
    template, errors = examined(clean)
    faults += [TemplateFault(path, *_place(clean, error), error.reason) for error in errors]
    return template


def _whole(whole: Composed, faults: list[TemplateFault]) -> Template | None:
    template, errors = examined(whole.text)
    faults += [whole.fault(error.offset or 0, error.reason) for error in errors]
    return template


def _place(text: str, error: RenderError) -> tuple[int, int]:
    return place_of(text, error.offset or 0)
