"""How long templates take: made ready once for each version, and filled in for each mail."""

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from app.apart import end_idle
from app.compiler.client import compiled_apart
from app.mail.templates.compiling import Compiled
from app.mail.templates.rendering import Rendered, render
from app.mail.templates.sources import Format, Source
from app.patience import Patience
from tests.bench.figures import Figure
from tests.stack import Stack

Result = TypeVar("Result")
NAMES = [f"v{number}" for number in range(20)]
MAILS = 300
LIMIT = 10_000_000
_ROWS = "".join(
    f"<mj-section><mj-column><mj-text>Label: {{{{ {name} }}}}</mj-text></mj-column></mj-section>"
    for name in NAMES[:18]
)
_BUTTON = (
    '<mj-section><mj-column><mj-button href="https://acme.test/{{ v18|urlencode }}">'
    "{{ v19 }}</mj-button></mj-column></mj-section>"
)
# An offer as authors of HTML write it: lines in columns, and links that are each reader's own.
_OFFER = "".join(
    [
        "<p>Dear {{ v0 }}, of {{ v1 }}</p><table>",
        *(f"<tr><td>{{{{ v{n} }}}}</td><td>{{{{ v{n + 1} }}}}</td></tr>" for n in range(2, 16, 2)),
        '</table><p><a href="https://acme.test/{{ v16|urlencode }}?a={{ v17|urlencode }}">',
        "{{ v18 }}</a></p><p>{{ v19 }}</p>",
    ]
)
_WORDS = "".join(f"Label: {{{{ {name} }}}}\n" for name in NAMES)


async def templates(_: Stack) -> list[Figure]:
    """20 variables in MJML: 18 in texts, one in an address and one on its button.

    Then as many in HTML with a table. Each mail has words of its own, and names with signs that
    HTML writes otherwise.
    """
    body = f"<mjml><mj-body>{_ROWS}{_BUTTON}</mj-body></mjml>"
    source = Source("Offer {{ v0 }}", body, Format.MJML, text=_WORDS)
    first, compiled = _timed(partial(_compiled, source))
    again = statistics.median(_timed(partial(_compiled, source))[0] for _ in range(20))
    end_idle()
    offer = Source("Offer {{ v0 }}", _OFFER)
    made_from_html = Compiled(compiled.subject, compiled.html)
    filled_first = _timed(partial(_filled, compiled, 0))[0]
    return [
        Figure("compile MJML, with the start of a process", first * 1000, "ms", "-"),
        Figure("  in a process that runs", again * 1000, "ms", "-"),
        Figure("fill in 20 variables, the first time", filled_first * 1000, "ms", "-"),
        Figure("  after that, median", _median(compiled), "ms", "< 1"),
        Figure("  with the text made from the HTML", _median(made_from_html), "ms", "< 1"),
        Figure("  and a table in columns", _median(_compiled(offer)), "ms", "< 1"),
    ]


def _compiled(source: Source) -> Compiled:
    compiled = compiled_apart(source, Patience()).compiled
    assert compiled is not None
    return compiled


def _median(compiled: Compiled) -> float:
    """In milliseconds, each mail with values of its own."""
    mails = [_timed(partial(_filled, compiled, mail))[0] for mail in range(MAILS)]
    return 1000 * statistics.median(mails)


def _filled(compiled: Compiled, mail: int) -> Rendered:
    values = {name: f"value {name} of O'Neill & {mail}" for name in NAMES}
    return render(compiled, values, limit=LIMIT)


def _timed(work: Callable[[], Result]) -> tuple[float, Result]:
    begun = time.perf_counter()
    made = work()
    return time.perf_counter() - begun, made
