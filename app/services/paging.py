"""Pages as Spring Data's PageImpl counts them; both doors show the same numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from pydantic import AliasChoices, BeforeValidator, Field, StrictInt

from app.services.inputs import Command

DEFAULT_SIZE = 20
LARGEST_SIZE = 2000
LARGEST_NUMBER = 2**31 - 1

Item = TypeVar("Item")


def _whole(value: object) -> object:
    """Read 3.0 as 3, as JSON Schema does."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Number = Annotated[StrictInt, BeforeValidator(_whole), Field(ge=0, le=LARGEST_NUMBER)]


@dataclass(frozen=True)
class Window:
    """Which page, from 0, and how many records make one."""

    number: int = 0
    size: int = DEFAULT_SIZE

    @property
    def offset(self) -> int:
        return self.number * self.size


class PageCommand(Command):
    """The contract's `page` and `size`, or what Spring's clients also call them."""

    page: Number | None = Field(None, validation_alias=AliasChoices("page", "pageNumber"))
    size: Number | None = Field(None, validation_alias=AliasChoices("size", "pageSize"))

    @property
    def given(self) -> bool:
        return self.page is not None or self.size is not None

    @property
    def window(self) -> Window:
        """A size of 0 means the default; a larger one than 2000 is cut."""
        return Window(self.page or 0, min(self.size or DEFAULT_SIZE, LARGEST_SIZE))


@dataclass(frozen=True)
class Page(Generic[Item]):
    """A part of a list; `ordered` tells whether the caller named an order."""

    content: Sequence[Item]
    window: Window
    total_elements: int
    ordered: bool = False

    @classmethod
    def of(
        cls, content: Sequence[Item], window: Window, counted: int, *, ordered: bool = False
    ) -> "Page[Item]":
        """Make a page of what was read and, at about the same time, counted."""
        reached = window.offset + len(content)
        # As Spring: what was read is right where the count says otherwise.
        contradicts = bool(content) and window.offset + window.size > counted
        return cls(content, window, reached if contradicts else counted, ordered)

    @property
    def total_pages(self) -> int:
        size = self.window.size
        return -(-self.total_elements // size) if size else 1

    @property
    def number_of_elements(self) -> int:
        return len(self.content)

    @property
    def first(self) -> bool:
        return self.window.number == 0

    @property
    def last(self) -> bool:
        return self.window.number + 1 >= self.total_pages

    @property
    def empty(self) -> bool:
        return not self.content


def counted_by(content: Sequence[object], window: Window) -> int | None:
    """Tell the number of all there are, where a page that is not full shows it."""
    if len(content) < window.size and (content or window.number == 0):
        return window.offset + len(content)
    return None
