"""Values inside a template: JSON, and nothing of Python."""

import math
from collections.abc import Collection, Mapping
from typing import Any

# No single text that a template makes may be longer.
TEXT_LIMIT = 1_000_000
_INTEGER_LIMIT = 2**63
_PREFIX = "template error: "
# Names that are told, and characters of one.
_NAMES, _NAME = 100, 100


class RenderError(ValueError):
    """A template that cannot be filled in; the text says why, in the author's terms.

    `offset` is where in the template, None when it is no single place; `reason` is the bare text.
    `missing` are the variables that it names and were not given, where that is all.
    """

    def __init__(
        self, text: str, *, offset: int | None = None, missing: frozenset[str] = frozenset()
    ) -> None:
        super().__init__(text)
        self.missing = missing
        self.reason = text.removeprefix(_PREFIX)
        self.offset = offset

    def placed(self, where: str) -> "RenderError":
        """The same, with the place in its text."""
        return RenderError(f"{self} ({where})", offset=self.offset)


class ValueFault(ValueError):  # noqa: N818 - it becomes a RenderError, which knows the place
    """A value that a filter, a test or a sign cannot work on."""


def template_error(reason: str, offset: int) -> RenderError:
    """An error at `offset` of the template."""
    return RenderError(f"{_PREFIX}{reason}", offset=offset)


def missing_variables(names: Collection[str]) -> RenderError:
    """An error that names them, as far as anybody reads on."""
    named = sorted(name if len(name) <= _NAME else f"{name[:_NAME]}..." for name in names)
    more = " and others" if len(named) > _NAMES else ""
    text = f"missing variables: {', '.join(named[:_NAMES])}{more}"
    return RenderError(text, missing=frozenset(names))


def place_of(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both counted from 1, the column in characters."""
    start = text.rfind("\n", 0, offset) + 1
    return text.count("\n", 0, start) + 1, offset - start + 1


class Escaped(str):
    """Text that is HTML already: a template escaped it itself.

    `raw` is what it was before, for filters that come after; None where that would lose markup.
    """

    __slots__ = ("raw",)
    raw: str | None

    @classmethod
    def of(cls, html: str, raw: str | None) -> "Escaped":
        made = cls(html)
        made.raw = raw
        return made


class Absent:
    """Stands for a value that is not there; `path` is what the template calls it."""

    def __init__(self, path: str = "") -> None:
        self.path = path


def text_of(value: object) -> str:
    """A value as it is written out: null is empty. Raises ValueFault for lists and objects."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool() | int() | float():
            return str(value)
    kind = "an object" if isinstance(value, Mapping) else "a list"
    raise ValueFault(f"{kind} cannot be written out; name one of its values, or loop over it")


def number_of(value: object) -> int | float:
    """The number that it is; true and false are none. Raises ValueFault."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueFault("works on numbers only")
    return value


def whole_of(value: object) -> int:
    """The whole number that it is. Raises ValueFault."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueFault("takes a whole number")
    return value


def checked_number(value: float) -> int | float:
    """The number itself. Raises ValueFault for one that 64 bits do not hold."""
    # An int first: one of a million bits has no float to be looked at.
    fits = -_INTEGER_LIMIT <= value < _INTEGER_LIMIT or isinstance(value, float)
    if not fits or not math.isfinite(value):
        raise ValueFault("the number is too large")
    return value


def check_size(size: int) -> None:
    """Raise ValueFault for a text of so many characters, before it is made."""
    if size > TEXT_LIMIT:
        raise ValueFault(f"the text has more than {TEXT_LIMIT} characters")


def member(value: object, key: object) -> object:
    """One value of an object, list or text, Absent when it is not there."""
    if isinstance(value, Mapping):
        return value.get(key, Absent()) if isinstance(key, str) else Absent()
    if not isinstance(value, list | str) or isinstance(key, bool) or not isinstance(key, int):
        return Absent()
    return value[key] if -len(value) <= key < len(value) else Absent()


def size_of(value: object) -> int:
    """How many values a loop over it goes through. Raises ValueFault for what is no container."""
    if isinstance(value, list | Mapping | str):
        return len(value)
    raise ValueFault("works on lists, objects and texts only")


def items_of(value: Any) -> list[Any]:
    """What a loop goes through: values of a list, names of an object, characters of a text.

    Raises ValueFault.
    """
    size_of(value)
    return list(value)


def in_order(left: object, right: object) -> tuple[Any, Any]:
    """Two values that one may be less than the other. Raises ValueFault."""
    if isinstance(left, str) and isinstance(right, str):
        return left, right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left, right
    raise ValueFault("compares numbers with numbers and texts with texts only")


def is_in(item: object, container: object) -> bool:
    """Whether a list or object holds it, or a text contains it. Raises ValueFault."""
    match container:
        case str():
            return text_of(item) in container
        case list():
            return item in container
        case Mapping():
            return isinstance(item, str) and item in container
    raise ValueFault("works on lists, objects and texts only")
