"""What callers ask of templates."""

from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StrictBool,
    StrictInt,
    ValidationInfo,
    field_validator,
)

from app.documents.template_versions import Words
from app.documents.vocabulary import CommunicationType, TemplateKind
from app.services.inputs import (
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
    storable,
)
from app.services.mail_commands import MailCommand
from app.services.templates.saying import OptionalName, OptionalTag, SaysMore, words_of

NOTE_LENGTH = 500
TESTERS_LIMIT = 5
Note = Annotated[
    Annotated[str, AfterValidator(storable), Field(max_length=NOTE_LENGTH)] | None,
    BeforeValidator(blank_is_absent),
]


class SourceCommand(SaysMore):
    """What a template, layout or partial would say; layouts and partials have no subject."""

    kind: TemplateKind = TemplateKind.TEMPLATE
    subject: OptionalSubject = None
    body: Body


class CreateTemplate(SourceCommand):
    """With `draft` it is kept as a draft; otherwise its first version is published at once."""

    name: Name
    description: OptionalText = None
    type: CommunicationType | None = None
    draft: StrictBool = False
    note: Note = None


class UpdateWords(SaysMore):
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

    @field_validator("draft")
    @classmethod
    def _one_of_them(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("version") is not None:
            raise ValueError("cannot be given together with version")
        return value


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


def new_words(command: SourceCommand) -> Words:
    """Give the first words of a template."""
    return Words(**{**words_of(command), "subject": command.subject or ""})
