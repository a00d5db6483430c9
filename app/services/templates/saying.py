"""How callers write what a version says: its texts in each language, and its variables."""

import re
from typing import Annotated, Any

import orjson
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StrictBool,
    ValidationInfo,
    field_validator,
)

from app.documents.template_versions import LocaleWords, Variable
from app.documents.vocabulary import TemplateFormat, VariableType
from app.services.inputs import (
    VARIABLES_DEPTH,
    Body,
    Command,
    Line,
    Name,
    OptionalSubject,
    OptionalText,
    blank_is_absent,
    check_json,
    null_is_empty,
)
from app.services.templates.locales import canonical
from app.services.templates.variables import mismatch
from app.services.unsubscribing.ways import RESERVED

LOCALES_LIMIT = 50
DECLARED_LIMIT = 200
# Defaults and examples of one variable, in octets of JSON.
_VALUE_LIMIT = 16 * 1024
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}", re.ASCII)
# What a template knows without being told, or that its language has for itself.
_TAKEN = {"loop", "true", "false", "none", "True", "False", "None", "not", "and", "or", "in", "is"}


def _tag(text: str) -> str:
    tag = canonical(text)
    if tag is None:
        raise ValueError("must be a language tag (BCP 47), e.g. nl or nl-BE")
    return tag


def _variable_name(text: str) -> str:
    if text in RESERVED:
        raise ValueError("is filled in by itself, in mail that one can unsubscribe from")
    if _NAME.fullmatch(text) is None or text in _TAKEN:
        raise ValueError("must be a letter or _ with at most 99 letters, digits and _ behind it")
    return text


def _value(value: Any) -> Any:
    check_json(value, VARIABLES_DEPTH)
    if len(orjson.dumps(value)) > _VALUE_LIMIT:
        raise ValueError(f"must be at most {_VALUE_LIMIT} octets of JSON")
    return value


Tag = Annotated[str, AfterValidator(_tag)]
OptionalTag = Annotated[Tag | None, BeforeValidator(blank_is_absent)]
OptionalName = Annotated[Name | None, BeforeValidator(blank_is_absent)]
OptionalBody = Annotated[Body | None, BeforeValidator(blank_is_absent)]
_Value = Annotated[Any, AfterValidator(_value)]


class DeclareVariable(Command):
    """`default` fills in where nothing is given; `example` is what previews show."""

    name: Annotated[Line, AfterValidator(_variable_name)]
    type: VariableType = VariableType.STRING
    required: StrictBool = False
    default: _Value = None
    example: _Value = None
    description: OptionalText = None

    @field_validator("default", "example")
    @classmethod
    def _of_its_type(cls, value: Any, info: ValidationInfo) -> Any:
        kind = info.data.get("type")
        if kind is not None and value is not None and (reason := mismatch(kind, value)) is not None:
            raise ValueError(reason)
        return value


class SayInLocale(Command):
    """What is left out is said as outside of `locales`."""

    locale: Tag
    subject: OptionalSubject = None
    body: OptionalBody = None
    text: OptionalBody = None


def _each_once(names: list[str], what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"has the {what} {name} twice")
        seen.add(name)


class SaysMore(Command):
    """The fields that say what a version says, but for subject and body."""

    format: TemplateFormat = TemplateFormat.HTML
    text: OptionalBody = None
    layout: OptionalName = None
    locale: OptionalTag = None
    locales: Annotated[
        list[SayInLocale], Field(max_length=LOCALES_LIMIT), BeforeValidator(null_is_empty)
    ] = Field(default_factory=list)
    variables: Annotated[
        list[DeclareVariable], Field(max_length=DECLARED_LIMIT), BeforeValidator(null_is_empty)
    ] = Field(default_factory=list)

    @field_validator("locales")
    @classmethod
    def _each_locale_once(cls, value: list[SayInLocale]) -> list[SayInLocale]:
        _each_once([one.locale for one in value], "locale")
        return value

    @field_validator("variables")
    @classmethod
    def _each_name_once(cls, value: list[DeclareVariable]) -> list[DeclareVariable]:
        _each_once([one.name for one in value], "variable")
        return value


WORDS = frozenset(SaysMore.model_fields) | {"subject", "body"}


def words_of(command: Command) -> dict[str, Any]:
    """Give what a command says of a version, by the names of `Words`; nothing left out by it."""
    said = {name: getattr(command, name) for name in command.model_fields_set & WORDS}
    if "locales" in said:
        said["locales"] = [LocaleWords(**one.model_dump()) for one in said["locales"]]
    if "variables" in said:
        said["variables"] = [Variable(**one.model_dump()) for one in said["variables"]]
    return said
