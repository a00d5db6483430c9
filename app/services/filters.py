"""From the JSON of `filters` to typed conditions: only documented fields and operators pass."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from app.documents.base import object_id_of
from app.documents.criteria import Condition, Operator
from app.documents.fields import FIELDS, Field, Kind, parts_of
from app.errors import FieldError, InvalidInputError
from app.instants import parse_instant
from app.services.inputs import check_json, storable

FILTERS_LIMIT = 50
VALUES_LIMIT = 1000
TEXT_LIMIT = 4000
CONTAINS_LIMIT = 200
# MongoDB takes a question of 16 MB, and one grows on its way there.
LENGTH_LIMIT = 250_000
NAME_LIMIT = 200
VARIABLE_DEPTH = 20

_SETS = {Operator.NOT, Operator.ANY_OF}
_COMPARISONS = {Operator.GTE, Operator.LTE, Operator.GT, Operator.LT}
_CUT = {Operator.GTE: Operator.GT, Operator.LT: Operator.LTE}
_OPERATORS = {
    Kind.TEXT: {*Operator},
    Kind.CHOICE: _SETS,
    Kind.FLAG: _SETS,
    Kind.NUMBER: _SETS | _COMPARISONS,
    Kind.INSTANT: _SETS | _COMPARISONS,
    Kind.ID: _SETS,
    Kind.JSON: {*Operator},
    Kind.OBJECT: {Operator.NOT},
    Kind.PARTS: {Operator.NOT},
}


def read_filters(filters: Mapping[str, Any]) -> list[Condition]:
    """Read documented names with their values; several stand beside each other as AND.

    A plain value means equal, None missing, a list any of; an object names operators. Raises
    InvalidInputError that names every filter at fault, and what is allowed in its place.
    """
    if len(filters) > FILTERS_LIMIT:
        raise InvalidInputError.of(FieldError("filters", f"at most {FILTERS_LIMIT} are allowed"))
    conditions: list[Condition] = []
    faults: list[FieldError] = []
    for name, value in filters.items():
        try:
            conditions += _conditions(_field(name), value)
        except ValueError as error:
            faults.append(FieldError(f"filters.{_shown(name)}", str(error)))
    if faults:
        raise InvalidInputError.of(*faults)
    check_length(conditions, "filters")
    return conditions


def check_length(conditions: Sequence[Condition], path: str) -> None:
    """Raise InvalidInputError for conditions that are too long to be asked together."""
    if sum(len(repr(condition.value)) for condition in conditions) > LENGTH_LIMIT:
        reason = f"are longer than {LENGTH_LIMIT} characters in all"
        raise InvalidInputError.of(FieldError(path, reason))


def _field(name: str) -> Field:
    variable = name.removeprefix("variables.")
    if variable != name:
        _check_path(variable)
        return Field(name, name, Kind.JSON)
    if name not in FIELDS:
        raise ValueError(f"is no field; allowed are {', '.join(FIELDS)} and variables.NAME")
    return FIELDS[name]


def _check_path(variable: str) -> None:
    parts = storable(variable).split(".")
    if len(variable) > NAME_LIMIT or len(parts) > VARIABLE_DEPTH:
        raise ValueError(f"is longer than {NAME_LIMIT} or deeper than {VARIABLE_DEPTH}")
    if any(not part or part.startswith("$") for part in parts):
        raise ValueError("has a part that is empty or begins with $")


def _conditions(field: Field, value: Any) -> Iterator[Condition]:
    if isinstance(value, Mapping) and (field.kind is not Kind.OBJECT or value.keys() == {"ne"}):
        if not value:
            raise ValueError(f"names no operator; allowed are {_allowed(field)}")
        for name, operand in value.items():
            yield read_condition(field, name, operand)
    elif isinstance(value, list):
        yield Condition(field, Operator.ANY_OF, _values(field, value))
    else:
        yield Condition(field, Operator.ANY_OF, [_value(field, value)])


def read_condition(field: Field, name: str, operand: Any) -> Condition:
    """Read one operator by its name. Raises ValueError that says what is wrong, and allowed."""
    if name not in {operator.value for operator in _OPERATORS[field.kind]}:
        raise ValueError(f"{_shown(name)} is no operator here; allowed are {_allowed(field)}")
    operator = Operator(name)
    match operator:
        case Operator.ANY_OF:
            return Condition(field, operator, _values(field, operand))
        case Operator.CONTAINS:
            return Condition(field, operator, text(operand, CONTAINS_LIMIT))
        case Operator.NOT:
            return Condition(field, operator, _value(field, operand))
    if operand is None or isinstance(operand, bool):
        raise ValueError(f"{name} cannot compare with null, true or false")
    value = _value(field, operand)
    if isinstance(value, datetime) and value.microsecond % 1000:
        # MongoDB cuts it down to milliseconds: the moment before it is then outside.
        operator = _CUT.get(operator, operator)
    return Condition(field, operator, value)


def _values(field: Field, values: Any) -> list[Any]:
    if not isinstance(values, list) or len(values) > VALUES_LIMIT:
        raise ValueError(f"must be a list of at most {VALUES_LIMIT} entries")
    return [_value(field, value) for value in values]


def _value(field: Field, value: Any) -> Any:
    if value is None:
        return None
    if field.choices is not None:
        return _choice(field, value)
    return _READERS[field.kind](value) if field.kind in _READERS else _part(field)


def _choice(field: Field, value: Any) -> str:
    names = [choice.value for choice in field.choices or ()]
    if not isinstance(value, str) or value not in names:
        raise ValueError(f"must be one of {', '.join(names)}")
    return value


def _part(field: Field) -> Any:
    parts = ", ".join(f"{field.name}.{part}" for part in parts_of(field.name))
    raise ValueError(f"can only be null or not null; its parts are {parts}")


def text(value: Any, limit: int = TEXT_LIMIT) -> str:
    """Read a text of at most `limit` characters. Raises ValueError."""
    if not isinstance(value, str) or len(value) > limit:
        raise ValueError(f"must be a text of at most {limit} characters")
    return storable(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004 - one kind for all that is wrong
    return value


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise ValueError("must be a whole number")
    return value


def _instant(value: Any) -> Any:
    try:
        # The GraphQL door may have read it already.
        return value if isinstance(value, datetime) else parse_instant(text(value, 64))
    except (ValueError, OverflowError) as error:
        raise ValueError("must be an ISO 8601 date-time, e.g. 2019-08-24T14:15:22Z") from error


def _id(value: Any) -> Any:
    found = object_id_of(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("must be an id of 24 hexadecimal digits")
    return found


def _json(value: Any) -> str | int | float:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise ValueError("must be a text, a number, true or false")


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("must be an object")  # noqa: TRY004 - one kind for all that is wrong
    check_json(value, VARIABLE_DEPTH)
    return value


_READERS: dict[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: text,
    Kind.FLAG: _flag,
    Kind.NUMBER: _number,
    Kind.INSTANT: _instant,
    Kind.ID: _id,
    Kind.JSON: _json,
    Kind.OBJECT: _object,
}


def _allowed(field: Field) -> str:
    allowed = _OPERATORS[field.kind]
    return ", ".join(operator.value for operator in Operator if operator in allowed)


def _shown(name: str) -> str:
    """A caller's name as it can be repeated in an answer."""
    return name[:100].encode(errors="replace").decode()
