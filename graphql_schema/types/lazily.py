"""Types that show a record field by field, as it is asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import strawberry
from beanie import Document


@dataclass(frozen=True)
class Shown:
    """Shows the attribute `name` of a record, null or written by `write`."""

    name: str
    write: Callable[[Any], Any]

    def __call__(self, record: Any) -> Any:
        value = getattr(record, self.name)
        return None if value is None else self.write(value)


def shown_id(name: str) -> Shown:
    """Show the id that stands in an attribute of a record."""
    return Shown(name, as_id)


def as_id(id_: Any) -> strawberry.ID:
    """Write an id as it is shown."""
    return strawberry.ID(str(id_))


class ShownLazily:
    """Shows a `record` of `document`: its attribute of the same name, or what `shows` makes of it.

    Each is worked out once, when it is asked for: most fields of most records never are.
    """

    document: ClassVar[type[Document]]
    shows: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}
    record: Any

    @classmethod
    def of(cls, record: Any) -> Self:
        shown = object.__new__(cls)
        shown.__dict__["record"] = record
        return shown

    def __getattr__(self, name: str) -> Any:
        # Only called for what is not there. Without a record nothing is worked out yet.
        if name == "record":
            raise AttributeError(name)
        show = self.shows.get(name)
        value = getattr(self.record, name) if show is None else show(self.record)
        self.__dict__[name] = value
        return value
