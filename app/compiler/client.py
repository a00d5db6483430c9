"""Templates compiled beside this process, because engines for HTML know no limits.

HTML of a few kilobytes can keep them busy for hours, fill the memory or overflow the stack. What
needs no engine is compiled here: it is bounded as it is.
"""

from app.apart import BusyError, Processes
from app.compiler.wire import checked_of, source_line
from app.mail.templates.compiling import Checked, check
from app.mail.templates.sources import Format, Source, TemplateFault
from app.patience import Patience

_PROCESSES = Processes("app.compiler", 2)


def compiled_apart(source: Source, patience: Patience) -> Checked:
    """Give what `compiling.check` does, within 2 seconds of computing and 1 GB of memory.

    What takes more is a fault, and so is all that needs an engine when the patience is gone.
    Blocks: it belongs into a thread.
    """
    if source.format is Format.HTML and not _has_css(source):
        return check(source)
    if patience.is_gone:
        return _refused("is not looked at for half a minute: several took too much time or memory")
    try:
        answer = _PROCESSES.answer(source_line(source))
    except BusyError:
        return _refused("could not be looked at in time; try again")
    if answer is None:
        patience.lose()
        return _refused("takes more time or memory to compile than a mail can need")
    return checked_of(answer)


def _has_css(source: Source) -> bool:
    texts = [source.body, source.layout or "", *source.partials.values()]
    return any("<style" in text.lower() for text in texts)


def _refused(reason: str) -> Checked:
    return Checked([TemplateFault("body", 1, 1, reason)], [], None)
