"""The plain text of mails that are alike but for a few words, laid out once for all of them."""

from collections.abc import Sequence

from app.mail.outline.marks import marked
from app.mail.outline.plans import LENGTH, Plan, planned
from app.mail.templates.remembering import Remembered
from app.mail.text import plain_text

_REMEMBERED_OCTETS = 64 * 1024**2
# What is kept of HTML takes four octets for each of its characters, several times.
_OCTETS_OF_A_CHARACTER = 16


def plain_text_of(pieces: Sequence[str]) -> str:
    """Give `plain_text` of the pieces together, of which each Value is what a variable brought in.

    The same for the same pieces, whether the layout was kept or not.
    """
    found = marked(pieces) if sum(map(len, pieces)) <= LENGTH else None
    plan = None if found is None else plans(found[0])
    text = None if plan is None or found is None else plan.text_with(found[1])
    return plain_text("".join(pieces), replacements={}) if text is None else text


def _planned(html: str) -> tuple[Plan | None, int]:
    return planned(html), _OCTETS_OF_A_CHARACTER * len(html)


plans = Remembered(_planned, room=_REMEMBERED_OCTETS)
