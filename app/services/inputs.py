"""How input of callers is read: the kinds of fields, and one error that names every fault."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from app.errors import FieldError, InvalidInputError
from app.instants import parse_instant
from app.mail.addresses import parse_mailbox

VARIABLES_LIMIT = 256 * 1024
VARIABLES_DEPTH = 20
SUBJECT_LENGTH = 900
COMMENT_LENGTH = 10_000
# Far above what fits one mail; it bounds the work of checking.
ADDRESSES_LIMIT = 1000
_CONTROL = {chr(code) for code in (*range(0x20), 0x7F)}


def _one_line(text: str) -> str:
    if not _CONTROL.isdisjoint(text):
        raise ValueError("must not contain line breaks or other control characters")
    return storable(text).strip()


def _an_address(text: str) -> str:
    parse_mailbox(text)
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text


def storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain NUL characters")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("must be valid Unicode, without lone surrogates") from error
    return text


def blank_is_absent(value: object) -> object:
    return None if isinstance(value, str) and not value.strip(" ") else value


def null_is_empty(value: object) -> object:
    return [] if value is None else value


def _plain_json(value: dict[str, Any]) -> dict[str, Any]:
    check_json(value, VARIABLES_DEPTH)
    if len(orjson.dumps(value)) > VARIABLES_LIMIT:
        raise ValueError(f"must be at most {VARIABLES_LIMIT} octets of JSON")
    return value


def check_json(value: object, depth: int) -> None:
    """Refuse what MongoDB cannot store or JSON cannot give back."""
    match value:
        case list() | Mapping() if depth == 0:
            raise ValueError(f"must be nested at most {VARIABLES_DEPTH} deep")
        case str():
            storable(value)
        case bool() | None:
            pass
        case int() if not -(2**63) <= value < 2**63:
            raise ValueError("must hold numbers of at most 64 bits")
        case float() if not math.isfinite(value):
            raise ValueError("must hold finite numbers")
        case list():
            for item in value:
                check_json(item, depth - 1)
        case Mapping():
            for key, item in value.items():
                _check_name(key)
                check_json(item, depth - 1)


def _check_name(name: str) -> None:
    if name.startswith("$"):
        # {"$ref": ...} would be read back as a reference to another document.
        raise ValueError("must not have names that begin with $")
    storable(name)


def _instant(value: object) -> object:
    try:
        # The GraphQL door has read it already.
        moment = value if isinstance(value, datetime) else parse_instant(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError("must be an ISO 8601 date-time, e.g. 2019-08-24T14:15:22Z") from error
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


# Read in any ISO 8601 form, kept in whole milliseconds; one without a zone is UTC.
Instant = Annotated[datetime, BeforeValidator(_instant)]
Line = Annotated[str, AfterValidator(_one_line)]
Subject = Annotated[Line, AfterValidator(_not_blank), Field(max_length=SUBJECT_LENGTH)]
_SUBJECT: TypeAdapter[str] = TypeAdapter(Subject)
_COMMENT: TypeAdapter[str] = TypeAdapter(
    Annotated[
        str, AfterValidator(_not_blank), AfterValidator(storable), Field(max_length=COMMENT_LENGTH)
    ]
)
Body = Annotated[str, AfterValidator(_not_blank), AfterValidator(storable)]
Name = Annotated[Line, AfterValidator(_not_blank), Field(max_length=200)]
# A CRM's empty form field arrives as "" as often as null.
Address = Annotated[Line, AfterValidator(_an_address)]
Addresses = Annotated[list[Address], Field(max_length=ADDRESSES_LIMIT)]
OptionalLine = Annotated[
    Annotated[Line, Field(max_length=320)] | None, BeforeValidator(blank_is_absent)
]
OptionalSubject = Annotated[Subject | None, BeforeValidator(blank_is_absent)]
OptionalText = Annotated[
    Annotated[Body, Field(max_length=2000)] | None, BeforeValidator(blank_is_absent)
]
OptionalInstant = Annotated[Instant | None, BeforeValidator(blank_is_absent)]
OptionalAddress = Annotated[Address | None, BeforeValidator(blank_is_absent)]
OptionalAddresses = Annotated[Addresses, BeforeValidator(null_is_empty)]
Variables = Annotated[dict[str, Any], AfterValidator(_plain_json)]


class Command(BaseModel):
    """Documented names; unknown ones are ignored, because legacy clients send extras."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _an_object(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise ValueError("must be a JSON object")  # noqa: TRY004 - pydantic wants ValueError
        return data


AnyCommand = TypeVar("AnyCommand", bound=Command)


def parse(command: type[AnyCommand], data: object) -> AnyCommand:
    """Read `data` (documented names) as a `command`.

    Raises InvalidInputError that names every field at fault.
    """
    try:
        return command.model_validate(data)
    except ValidationError as error:
        raise InvalidInputError.of(*map(_field_error, error.errors())) from error


def parse_subject(text: str) -> str:
    """Read a subject that was filled in. Raises InvalidInputError."""
    return _parse_one(_SUBJECT, "subject", text)


def parse_comment(text: object) -> str:
    """Read a comment: one or more lines, not blank. Raises InvalidInputError."""
    return _parse_one(_COMMENT, "comment", text)


def _parse_one(adapter: TypeAdapter[str], path: str, value: object) -> str:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        faults = (FieldError(path, _message(fault)) for fault in error.errors())
        raise InvalidInputError.of(*faults) from error


def _field_error(error: Any) -> FieldError:
    return FieldError(_path(error["loc"]) or "request", _message(error))


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


_MESSAGES = {
    "missing": "is required",
    "string_type": "must be a string",
    "string_unicode": "must be valid Unicode",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "bool_type": "must be true or false",
}


def _message(error: Any) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "enum":
        return f"must be one of {context['expected'].replace(chr(39), '')}"
    if kind == "too_short":
        return f"must have at least {context['min_length']}"
    if kind == "too_long":
        unit = "characters" if context["field_type"] == "Value" else "entries"
        return f"must have at most {context['max_length']} {unit}"
    if kind == "value_error":
        return str(context["error"])
    return _MESSAGES.get(kind, str(error["msg"]))
