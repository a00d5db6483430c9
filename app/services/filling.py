"""What a mail says: variables filled in, links and opens routed through us."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from beanie import PydanticObjectId

from app.documents.communications import ClickedLink
from app.errors import FieldError, InvalidInputError
from app.mail.quoting import text_below
from app.mail.templates.filling import check, html_pieces, render_text
from app.mail.templates.values import RenderError
from app.mail.templates.wording import Lines
from app.mail.tracking import track
from app.services.inputs import parse_subject
from app.services.unsubscribing.ways import RESERVED, Way, names_ways, own_pages
from app.settings import Settings

TRACKED_LINKS_LIMIT = 1000
_SUBJECT_OCTETS = 4000
# What only filling in decides.
_VARIES = re.compile(r"\{\{|\{%")


@dataclass(frozen=True)
class Content:
    """Subject and HTML as they were given; with `variables` they are filled in.

    So is the `text` part, where there is one of its own, and what others wrote never: a subject
    that is literal, and `text_below` the text. `locale` is the language they are in.
    `lines` is where the author of a template wrote the marks of the body.
    """

    subject: str
    body: str
    variables: Mapping[str, Any] | None = None
    text: str | None = None
    lines: Lines = ()
    template_id: str | None = None
    template_name: str | None = None
    template_version: int | None = None
    template_version_id: PydanticObjectId | None = None
    locale: str | None = None
    is_subject_literal: bool = False
    text_below: str | None = None

    @property
    def templates(self) -> Sequence[str]:
        """What of the subject and the body may be filled in."""
        return [self.body] if self.is_subject_literal else [self.subject, self.body]


def with_ways_out(content: Content, way: Way | None) -> Content:
    """Let a mail name the pages by which its recipient leaves, whatever else it is filled in with.

    A mail without variables that names one is filled in as with an empty object.
    """
    if way is None:
        return content
    if content.variables is None and not any(map(names_ways, content.templates)):
        return content
    return replace(content, variables={**(content.variables or {}), **way.variables})


def filled_in(settings: Settings, content: Content) -> tuple[str, str]:
    """Give subject and body with the variables filled in; without variables they stay as given.

    Raises InvalidInputError.
    """
    subject, pieces = pieces_of(settings, content)
    return subject, "".join(pieces)


def pieces_of(settings: Settings, content: Content) -> tuple[str, list[str]]:
    """Give the same, the body in the pieces that `html_pieces` makes. Raises InvalidInputError."""
    if content.variables is None:
        return content.subject, [content.body]
    faults: list[FieldError] = []
    subject, pieces = content.subject, list[str]()
    try:
        if not content.is_subject_literal:
            subject = render_text(subject, content.variables, limit=_SUBJECT_OCTETS)
    except RenderError as error:
        faults.append(FieldError("subject", _told(error)))
    try:
        pieces = html_pieces(
            content.body, content.variables, limit=settings.body_limit, lines=content.lines
        )
        if not any(map(str.strip, pieces)):
            faults.append(FieldError("body", "must not be blank"))
    except RenderError as error:
        faults.append(FieldError("body", _told(error)))
    if faults:
        raise InvalidInputError.of(*faults)
    # Once more: a variable may have brought a line break into the subject.
    return parse_subject(subject), pieces


def text_of(settings: Settings, content: Content) -> str | None:
    """Give the text part with the variables filled in, None without one of its own.

    Raises InvalidInputError.
    """
    text = content.text
    if text is not None and content.variables is not None:
        try:
            text = render_text(text, content.variables, limit=settings.body_limit)
        except RenderError as error:
            raise InvalidInputError.of(FieldError("text", _told(error))) from error
    below = content.text_below
    return text if text is None or below is None else text_below(text, below)


def _told(error: RenderError) -> str:
    """Tell what is wrong, and of what only some mail has, which."""
    if not error.missing.isdisjoint(RESERVED):
        return f"{error}; {' and '.join(RESERVED)} are only in mail that one can unsubscribe from"
    return str(error)


def to_be_filled_in(
    settings: Settings, content: Content, *, clicks: bool
) -> tuple[str, str, list[ClickedLink]]:
    """Give subject and body of list mail as they stand, and the links that all members get alike.

    Raises InvalidInputError for what could never be filled in.
    """
    faults: list[FieldError] = []
    for path, text in (("subject", content.subject), ("body", content.body)):
        try:
            check(text)
        except RenderError as error:
            faults.append(FieldError(path, str(error)))
    if faults:
        raise InvalidInputError.of(*faults)
    link_url = str if clicks else None
    found = track(
        content.body, link_url=link_url, pixel_url=None, untouched=own_pages(settings)
    ).links
    if len(found) > TRACKED_LINKS_LIMIT:
        raise InvalidInputError.of(_too_many_links(len(found)))
    # Of other links each member has its own; they are listed once they are followed.
    links = [ClickedLink(original_url=url, url=url) for url in found if not _VARIES.search(url)]
    return content.subject, content.body, links


def tracking_base(settings: Settings) -> str:
    """Give what the addresses of tracked links and pictures begin with."""
    return f"{settings.public_base}/api/v1/communications"


def tracked(
    settings: Settings, body: str, tracking_id: str, *, opens: bool, clicks: bool
) -> tuple[str, list[ClickedLink]]:
    """Route links and opens through us. Raises InvalidInputError for too many links."""
    base = tracking_base(settings)

    def link_url(index: int) -> str:
        return f"{base}/link/{tracking_id}/{index}"

    pixel_url = f"{base}/track/{tracking_id}" if opens else None
    found = track(
        body,
        link_url=link_url if clicks else None,
        pixel_url=pixel_url,
        untouched=own_pages(settings),
    )
    if len(found.links) > TRACKED_LINKS_LIMIT:
        raise InvalidInputError.of(_too_many_links(len(found.links)))
    links = [
        ClickedLink(original_url=original, url=link_url(index))
        for index, original in enumerate(found.links)
    ]
    return found.html, links


def _too_many_links(count: int) -> FieldError:
    reason = (
        f"has {count} links; at most {TRACKED_LINKS_LIMIT} are tracked, "
        "send linkTrackingEnabled: false for more"
    )
    return FieldError("body", reason)
