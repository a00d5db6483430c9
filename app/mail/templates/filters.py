"""The filters and tests of templates, by Jinja's names."""

import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from html import escape
from operator import ge, gt, le, lt
from typing import Any
from urllib.parse import quote

from app.mail.templates.localised import LOCALISED
from app.mail.templates.values import (
    Absent,
    Escaped,
    ValueFault,
    check_size,
    checked_number,
    in_order,
    is_in,
    items_of,
    member,
    number_of,
    size_of,
    text_of,
    whole_of,
)

_DIGITS = 15
_WORD_STARTS = re.compile(r"([-\s({\[<]+)")
_ROUNDING: Mapping[str, Callable[[float], int]] = {"ceil": math.ceil, "floor": math.floor}


# Working it out takes longer than all else that is asked of a filter.
_signature = lru_cache(inspect.signature)


def accepts(function: Any, positional: int, keywords: Sequence[str]) -> bool:
    """Whether it takes, after the value, so many arguments and these named ones."""
    try:
        _signature(function).bind(None, *[None] * positional, **dict.fromkeys(keywords))
    except TypeError:
        return False
    return True


def _capitalize(value: object, /) -> str:
    return text_of(value).capitalize()


def _lower(value: object, /) -> str:
    return text_of(value).lower()


def _upper(value: object, /) -> str:
    return text_of(value).upper()


def _title(value: object, /) -> str:
    words = _WORD_STARTS.split(text_of(value))
    return "".join(word[:1].upper() + word[1:].lower() for word in words)


def _trim(value: object, /) -> str:
    return text_of(value).strip()


def escaped(value: object, /) -> Escaped:
    """Escape a value for HTML, once only."""
    if isinstance(value, Escaped):
        return value
    return Escaped.of(escape(text_of(value)), text_of(value))


def _nl2br(value: object, /) -> Escaped:
    lines = (escape(line) for line in text_of(value).splitlines())
    return Escaped.of("<br>\n".join(lines), None)


def _urlencode(value: object, /) -> str:
    return quote(text_of(value))


def _replace(value: object, /, old: object, new: object, count: object = None) -> str:
    text, before, after = text_of(value), text_of(old), text_of(new)
    found = text.count(before)
    times = found if count is None else min(found, max(whole_of(count), 0))
    check_size(len(text) + times * (len(after) - len(before)))
    return text.replace(before, after, times)


def _truncate(
    value: object,
    /,
    length: object = 255,
    killwords: object = False,
    end: object = "...",
    leeway: object = 5,
) -> str:
    text, tail, size = text_of(value), text_of(end), whole_of(length)
    if size < len(tail):
        raise ValueFault(f"takes a length of at least {len(tail)}")
    if len(text) <= size + max(whole_of(leeway), 0):
        return text
    kept = text[: size - len(tail)]
    return (kept if killwords else kept.rsplit(" ", 1)[0]) + tail


def _join(value: object, /, d: object = "", attribute: object = None) -> str:
    parts = [_part(item, attribute) for item in items_of(value)]
    separator = text_of(d)
    check_size(sum(map(len, parts)) + len(separator) * max(len(parts) - 1, 0))
    return separator.join(parts)


def _part(item: object, attribute: object) -> str:
    found = item if attribute is None else member(item, attribute)
    if isinstance(found, Absent):
        raise ValueFault(f"an entry has no {text_of(attribute)}")
    raw = found.raw if isinstance(found, Escaped) else None
    return text_of(found) if raw is None else raw


def _sum(value: object, /, attribute: object = None) -> int | float:
    total: int | float = 0
    for item in items_of(value):
        found = item if attribute is None else member(item, attribute)
        if isinstance(found, Absent):
            raise ValueFault(f"an entry has no {text_of(attribute)}")
        total = checked_number(total + number_of(found))
    return total


def _items(value: object, /) -> list[list[object]]:
    if not isinstance(value, Mapping):
        raise ValueFault("works on objects only")
    return [[name, item] for name, item in value.items()]


def _first(value: Any, /) -> object:
    return next(iter(value)) if size_of(value) else Absent()


def _last(value: Any, /) -> object:
    return next(reversed(value)) if size_of(value) else Absent()


def _default(value: object, /, default_value: object = "", boolean: object = False) -> object:
    missing = isinstance(value, Absent) or (boolean and not value)
    return default_value if missing else value


def _abs(value: object, /) -> int | float:
    return checked_number(abs(number_of(value)))


def _float(value: object, /, default: object = 0.0) -> object:
    try:
        return checked_number(float(value)) if isinstance(value, str | int | float) else default
    except (ValueError, OverflowError):
        return default


def _int(value: object, /, default: object = 0) -> object:
    if isinstance(value, int):
        return int(value)
    try:
        # "42.5" gives 42, as in Jinja.
        number = int(value) if isinstance(value, str) and _is_whole(value) else float(value)  # type: ignore[arg-type]
        return checked_number(int(number))
    except (TypeError, ValueError, OverflowError):
        return default


def _is_whole(text: str) -> bool:
    return text.strip().lstrip("+-").isdecimal()


def _round(value: object, /, precision: object = 0, method: object = "common") -> float:
    number, digits = number_of(value), whole_of(precision)
    if not 0 <= digits <= _DIGITS:
        raise ValueFault(f"takes a precision of 0 to {_DIGITS}")
    if method == "common":
        return float(round(number, digits))
    if not isinstance(method, str) or method not in _ROUNDING:
        raise ValueFault("takes the method common, ceil or floor")
    scaled = float(number) * 10**digits
    return float(_ROUNDING[method](checked_number(scaled)) / 10**digits)


FILTERS: Mapping[str, Callable[..., object]] = {
    "abs": _abs, "capitalize": _capitalize, "d": _default, "default": _default, "e": escaped,
    "escape": escaped, "first": _first, "float": _float, "int": _int, "items": _items,
    "join": _join, "last": _last, "length": size_of, "lower": _lower, "replace": _replace,
    "nl2br": _nl2br, "round": _round, "sum": _sum, "title": _title, "trim": _trim,
    "truncate": _truncate,
    "upper": _upper, "urlencode": _urlencode, **LOCALISED,
}  # fmt: skip


def _divisible(value: object, num: object) -> bool:
    if (by := whole_of(num)) == 0:
        raise ValueFault("takes a number other than 0")
    return whole_of(value) % by == 0


# They are given what is absent too; of the rest, it is noted as missing.
OF_ABSENT = {"default", "d", "defined", "undefined"}
TESTS: Mapping[str, Callable[..., bool]] = {
    "boolean": lambda value: isinstance(value, bool),
    "defined": lambda value: not isinstance(value, Absent),
    "divisibleby": _divisible,
    "eq": lambda value, other: bool(value == other),
    "even": lambda value: whole_of(value) % 2 == 0,
    "false": lambda value: value is False,
    "ge": lambda value, other: bool(ge(*in_order(value, other))),
    "gt": lambda value, other: bool(gt(*in_order(value, other))),
    "in": is_in,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "le": lambda value, other: bool(le(*in_order(value, other))),
    "lt": lambda value, other: bool(lt(*in_order(value, other))),
    "mapping": lambda value: isinstance(value, Mapping),
    "ne": lambda value, other: bool(value != other),
    "none": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float),
    "odd": lambda value: whole_of(value) % 2 == 1,
    "sequence": lambda value: isinstance(value, list | Mapping | str),
    "string": lambda value: isinstance(value, str),
    "true": lambda value: value is True,
    "undefined": lambda value: isinstance(value, Absent),
}
