"""What callers ask of templates."""

import re
from typing import Annotated, Any

import orjson
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StrictBool,
    StrictInt,
    field_validator,
    model_validator,
)

from app.documents.template_versions import LocaleWords, Variable, Words
from app.documents.vocabulary import (
    CommunicationType,
    TemplateFormat,
    TemplateKind,
    VariableType,
)
from app.services.drafts import MailCommand
from app.services.inputs import (
    VARIABLES_DEPTH,
    Address,
    Body,
    Command,
    Line,
    Name,
    OptionalInstant,
    OptionalSubject,
    OptionalText,
    Subject,
    Variables,
    blank_is_absent,
    check_json,
    null_is_empty,
    storable,
)
from app.services.templates.locales import canonical
from app.services.templates.variables import mismatch

LOCALES_LIMIT = 50
DECLARED_LIMIT = 200
NOTE_LENGTH = 500
TESTERS_LIMIT = 5
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
Note = Annotated[
    Annotated[str, AfterValidator(storable), Field(max_length=NOTE_LENGTH)] | None,
    BeforeValidator(blank_is_absent),
]
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

    @model_validator(mode="after")
    def _of_its_type(self) -> "DeclareVariable":
        for name in ("default", "example"):
            value = getattr(self, name)
            if value is not None and (reason := mismatch(self.type, value)) is not None:
                raise ValueError(f"{name} {reason}")
        return self


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


class _SaysMore(Command):
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


class SourceCommand(_SaysMore):
    """What a template, layout or partial would say; layouts and partials have no subject."""

    kind: TemplateKind = TemplateKind.TEMPLATE
    subject: OptionalSubject = None
    body: Body

    @model_validator(mode="after")
    def _fit_their_kind(self) -> "SourceCommand":
        if self.kind is TemplateKind.TEMPLATE and self.subject is None:
            raise ValueError("subject: is required")
        return self


class CreateTemplate(SourceCommand):
    """With `draft` it is kept as a draft; otherwise its first version is published at once."""

    name: Name
    description: OptionalText = None
    type: CommunicationType | None = None
    draft: StrictBool = False
    note: Note = None


class UpdateWords(_SaysMore):
    """What is left out stays as it is; null takes away what is optional."""

    subject: Subject = ""
    body: Body = ""
    note: Note = None
    revision: StrictInt | None = None


class UpdateTemplate(UpdateWords):
    """With `revision` it is done only while the template has that revision."""

    name: Name = ""
    description: OptionalText = None
    type: CommunicationType | None = None


class SaveDraft(UpdateWords):
    """With `revision` it is done only while the draft has that revision."""


class PublishTemplate(Command):
    """With `revision` it is done only while the draft has that revision."""

    note: Note = None
    revision: StrictInt | None = None


class DuplicateTemplate(Command):
    name: OptionalName = None


class Choice(Command):
    """Which of the texts of a template: the current version's, or others; in which language."""

    version: StrictInt | None = None
    draft: StrictBool = False
    locale: OptionalTag = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "Choice":
        if self.draft and self.version is not None:
            raise ValueError("version: cannot be given together with draft")
        return self


CURRENT = Choice()


class PreviewTemplate(Choice):
    variables: Variables | None = None


class SendTest(PreviewTemplate):
    """Mail that shows a few people what a template looks like; without variables its examples."""

    recipients: Annotated[list[Address], Field(min_length=1, max_length=TESTERS_LIMIT)]
    subject_prefix: Annotated[Line, Field(max_length=100)] = "[Test]"


class SendTemplate(MailCommand):
    """The contract's SendTemplateRequest; `subject` and `type` stand in for the template's."""

    subject: OptionalSubject = None
    scheduled_at: OptionalInstant = None


WORDS = frozenset(_SaysMore.model_fields) | {"subject", "body"}


def words_of(command: Command) -> dict[str, Any]:
    """Give what a command says of a version, by the names of `Words`; nothing left out by it."""
    said = {name: getattr(command, name) for name in command.model_fields_set & WORDS}
    if "locales" in said:
        said["locales"] = [LocaleWords(**one.model_dump()) for one in said["locales"]]
    if "variables" in said:
        said["variables"] = [Variable(**one.model_dump()) for one in said["variables"]]
    return said


def new_words(command: SourceCommand) -> Words:
    """Give the first words of a template."""
    return Words(**{**words_of(command), "subject": command.subject or ""})
