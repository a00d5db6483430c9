"""A compiled template filled in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.mail.outline.texts import plain_text_of
from app.mail.templates.compiling import Compiled
from app.mail.templates.filling import html_pieces, render_text
from app.mail.templates.values import missing_variables

SUBJECT_OCTETS = 4000


@dataclass(frozen=True)
class Rendered:
    subject: str
    html: str
    text: str


def render(compiled: Compiled, variables: Mapping[str, Any], *, limit: int) -> Rendered:
    """Fill `variables` (JSON values) into a compiled template.

    Raises RenderError for missing variables (all are named), for values that do not fit, for more
    work than a mail can need and for a part of more than `limit` octets in UTF-8.
    """
    missing = set(compiled.required) - variables.keys()
    if missing:
        raise missing_variables(missing)
    subject = render_text(compiled.subject, variables, limit=min(limit, SUBJECT_OCTETS))
    pieces = html_pieces(compiled.html, variables, limit=limit, lines=compiled.lines)
    if compiled.text is None:
        return Rendered(subject, "".join(pieces), plain_text_of(pieces))
    return Rendered(subject, "".join(pieces), render_text(compiled.text, variables, limit=limit))
