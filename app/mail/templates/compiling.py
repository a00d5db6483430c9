"""An author's source made into what is filled in: done once for each version of a template."""

from dataclasses import dataclass

from app.mail.templates import css, mjml
from app.mail.templates.composing import composed
from app.mail.templates.lexing import normalised
from app.mail.templates.looking import Report, look
from app.mail.templates.sources import Format, Source, TemplateFault, TemplateFaultsError
from app.mail.templates.syntax import Template, examined
from app.mail.templates.values import place_of
from app.mail.templates.veil import Veil

TOLD_LIMIT = 100


@dataclass(frozen=True)
class Compiled:
    """What is stored of a version, plain strings only; `rendering.render` fills it in.

    `text` is None where the text part is made from the HTML. Of the variables, `required` are
    those that are neither tested for nor have a default; `optional` are the others. `lines` is
    where the author wrote each mark of the HTML, its file and the line in it; nothing where the
    HTML is the body as it was written.
    """

    subject: str
    html: str
    text: str | None = None
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    lines: tuple[tuple[str, int], ...] = ()


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
    """Compile a source, and tell all that is wrong or doubtful; never raises.

    It may take as long as engines do with hostile HTML: it belongs into a process that can be
    ended.
    """
    return _Checking(source).checked()


class _Checking:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._whole, self._faults = composed(source)
        self._warnings: list[TemplateFault] = []
        self._lines: tuple[tuple[str, int], ...] = ()

    def checked(self) -> Checked:
        unsound = bool(self._faults)
        subject = self._line("subject", self._source.subject)
        text = None if self._source.text is None else self._line("text", self._source.text)
        body = None if unsound else self._body()
        if self._faults or subject is None or body is None:
            return Checked(sorted(set(self._faults)), sorted(set(self._warnings)), None)
        templates = [subject, body] if text is None else [subject, body, text]
        named = frozenset[str]().union(*(one.named for one in templates))
        required = frozenset[str]().union(*(one.required for one in templates))
        compiled = Compiled(
            subject=self._source.subject,
            html=body.text,
            text=self._source.text,
            required=tuple(sorted(required)),
            optional=tuple(sorted(named - required)),
            lines=self._lines,
        )
        return Checked([], sorted(set(self._warnings)), compiled)

    def _line(self, path: str, text: str) -> Template | None:
        """Examine what stands for itself: nothing can be included there."""
        clean = normalised(text)
        template, errors = examined(clean)
        self._faults += [
            TemplateFault(path, *place_of(clean, error.offset or 0), error.reason)
            for error in errors
        ]
        return template

    def _body(self) -> Template | None:
        template, errors = examined(self._whole.text)
        self._faults += [self._whole.fault(one.offset or 0, one.reason) for one in errors]
        if template is None:
            return None
        veil = Veil(self._whole.text)

        def report_to(told: list[TemplateFault]) -> Report:
            def report(place: int, message: str) -> None:
                if len(told) < TOLD_LIMIT:
                    told.append(self._whole.fault(veil.origin(place), message))

            return report

        fault, warn = report_to(self._faults), report_to(self._warnings)

        if self._source.format is Format.MJML:
            html = mjml.html_of(veil, fault, warn)
        else:
            html = _with_css(veil, warn)
        look(veil, warn)
        if html is None:
            return None
        self._lines = self._lines_of(veil, html)
        if html == veil.text:
            return template
        made, errors = examined(veil.lifted(html))
        self._faults += [TemplateFault("body", 1, 1, error.reason) for error in errors]
        return made

    def _lines_of(self, veil: Veil, html: str) -> tuple[tuple[str, int], ...]:
        if html == veil.text and len(self._whole.files) == 1:
            return ()
        found: dict[int, tuple[str, int]] = {}
        numbers = veil.lifted_numbers(html)
        for number in numbers:
            if number not in found:
                found[number] = self._whole.line(veil.marks[number].start)
        return tuple(found[number] for number in numbers)


def _with_css(veil: Veil, warn: Report) -> str:
    if not css.has_styles(veil.text):
        return veil.text
    try:
        return css.inlined(veil.text, veil)
    except css.NotInlinedError as error:
        warn(error.offset, f"the CSS is not inlined: {error}")
        return veil.text
