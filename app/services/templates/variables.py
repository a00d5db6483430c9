"""Declared variables: what a value must be, and what stands in where none is given."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

from app.documents.template_versions import Variable
from app.documents.vocabulary import VariableType
from app.errors import FieldError
from app.mail.addresses import parse_mailbox

_URL_LENGTH = 2000
_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,10})?", re.ASCII)
_FLAGS = {"true": True, "false": False}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_date(value: object) -> bool:
    """A day, or a moment of one."""
    if not isinstance(value, str):
        return False
    for read in (date.fromisoformat, datetime.fromisoformat):
        try:
            read(value)
        except ValueError:
            continue
        return True
    return False


def _is_url(value: object) -> bool:
    if not isinstance(value, str) or len(value) > _URL_LENGTH or not value.isprintable():
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and " " not in value
    except ValueError:
        return False


def _is_address(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        parse_mailbox(value)
    except ValueError:
        return False
    return True


_KINDS: Mapping[VariableType, tuple[Callable[[object], bool], str]] = {
    VariableType.STRING: (lambda value: isinstance(value, str), "must be a string"),
    VariableType.NUMBER: (_is_number, "must be a number"),
    VariableType.BOOLEAN: (lambda value: isinstance(value, bool), "must be true or false"),
    VariableType.DATE: (_is_date, "must be an ISO 8601 date, e.g. 2019-08-24"),
    VariableType.URL: (_is_url, "must be an http or https address"),
    VariableType.EMAIL: (_is_address, "must be an e-mail address"),
    VariableType.LIST: (lambda value: isinstance(value, list), "must be a list"),
    VariableType.OBJECT: (lambda value: isinstance(value, Mapping), "must be an object"),
}


def mismatch(kind: VariableType, value: object) -> str | None:
    """Tell what a value would have to be to be of this kind; None when it is."""
    fits, reason = _KINDS[kind]
    return None if fits(value) else reason


def values_of(
    declared: Sequence[Variable],
    given: Mapping[str, Any],
    *,
    complete: bool = True,
    written: bool = False,
) -> tuple[dict[str, Any], list[FieldError]]:
    """Give the values to fill in, defaults where there are none, and what is wrong with them.

    null counts as not given. Unless they are to be `complete`, required ones may be missing. They
    may have been `written` in a file: then texts stand for numbers, true and false too.
    """
    values, faults = dict(given), []
    for variable in declared:
        value = given.get(variable.name)
        if written:
            value = values[variable.name] = _read(variable.type, value)
            if value is None:
                del values[variable.name]
        if value is None:
            if variable.default is not None:
                values[variable.name] = variable.default
            elif variable.required and complete:
                reason = f"is required: {_expected(variable)}"
                faults.append(FieldError(f"variables.{variable.name}", reason))
            elif complete:
                # Optional: it is there, and empty.
                values[variable.name] = _empty(variable)
        elif (wrong := mismatch(variable.type, value)) is not None:
            faults.append(FieldError(f"variables.{variable.name}", wrong))
    return values, faults


def _read(kind: VariableType, value: Any) -> Any:
    """Read what a file can only write; None for nothing written where a text would not do."""
    if not isinstance(value, str) or kind is VariableType.STRING:
        return value
    text = value.strip()
    match kind:
        case VariableType.NUMBER if _NUMBER.fullmatch(text):
            return float(text) if "." in text else int(text)
        case VariableType.BOOLEAN if text.lower() in _FLAGS:
            return _FLAGS[text.lower()]
    return text or None


def _expected(variable: Variable) -> str:
    return f"a {variable.type.value}" + (
        "" if variable.description is None else f", {variable.description}"
    )


def _empty(variable: Variable) -> Any:
    match variable.type:
        case VariableType.LIST:
            return []
        case VariableType.OBJECT:
            return {}
    return None


def examples_of(declared: Sequence[Variable]) -> dict[str, Any]:
    """Give what a preview shows where nobody gives values."""
    return {
        variable.name: value
        for variable in declared
        if (value := variable.default if variable.example is None else variable.example) is not None
    }
