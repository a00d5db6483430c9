"""What an author writes, and how its faults are told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Format(StrEnum):
    """What the body, the layout and the partials are written in."""

    HTML = "HTML"
    MJML = "MJML"


@dataclass(frozen=True)
class Source:
    """A template as its author wrote it.

    `layout` is what stands around the body, which takes the place of its `{{ content }}`;
    `partials` are the texts that may be included, by name. Without `text` the text part is made
    from the HTML.
    """

    subject: str
    body: str
    format: Format = Format.HTML
    text: str | None = None
    layout: str | None = None
    partials: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, order=True)
class TemplateFault:
    """What is wrong, and where: `path` is subject, body, text, layout or partials.NAME.

    Line and column count from 1, the column in characters.
    """

    path: str
    line: int
    column: int
    message: str


class TemplateFaultsError(ValueError):
    """A template that could never be sent; `faults` are all that were found, in order."""

    def __init__(self, faults: list[TemplateFault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = faults
