"""What is given to make and to change templates."""

import strawberry
from strawberry import UNSET
from strawberry.scalars import JSON

from graphql_schema.types.enums import (
    CommunicationType,
    TemplateFormat,
    TemplateKind,
    VariableType,
)


@strawberry.input(description="A variable to be declared.")
class TemplateVariableInput:
    name: str = strawberry.field(
        description="A letter or _, and at most 99 letters, digits and _ behind it."
    )
    type: VariableType = strawberry.field(
        default=VariableType.STRING, description="What its values are."
    )
    required: bool = strawberry.field(
        default=False,
        description="Whether a mail without a value is refused, where there is no default.",
    )
    default: JSON | None = strawberry.field(
        default=None, description="What stands in where none is given; at most 16 KB of JSON."
    )
    example: JSON | None = strawberry.field(
        default=None, description="What a preview without variables shows; at most 16 KB of JSON."
    )
    description: str | None = strawberry.field(
        default=None, description="What it is, in at most 2,000 characters."
    )


@strawberry.input(description="What to say in a language; the rest is said as without one.")
class TemplateLocaleInput:
    locale: str = strawberry.field(description="The language, as BCP 47 has it: `nl`, `nl-BE`.")
    subject: str | None = strawberry.field(default=None, description="The subject line.")
    body: str | None = strawberry.field(default=None, description="The body.")
    text: str | None = strawberry.field(
        default=None, description="A text part of its own; made from the HTML without it."
    )


@strawberry.input(description="What a template would say; it is not kept.")
class TemplateSourceInput:
    body: str = strawberry.field(description="The HTML or MJML, with `{{ name }}` to fill in.")
    subject: str | None = strawberry.field(
        default=UNSET,
        description="The subject line, with `{{ name }}` to fill in; required for kind TEMPLATE.",
    )
    kind: TemplateKind = strawberry.field(
        default=TemplateKind.TEMPLATE, description="What it is for: a mail, or parts of others."
    )
    format: TemplateFormat = strawberry.field(
        default=TemplateFormat.HTML, description="What the bodies are written in."
    )
    text: str | None = strawberry.field(
        default=UNSET, description="A text part of its own; made from the HTML without it."
    )
    layout: str | None = strawberry.field(
        default=UNSET, description="The name of the layout around it."
    )
    locale: str | None = strawberry.field(
        default=UNSET, description="The language of subject, body and text, e.g. `nl`."
    )
    locales: list[TemplateLocaleInput] | None = strawberry.field(
        default=UNSET,
        description="What it says in other languages; at most 50. A layout says bodies only.",
    )
    variables: list[TemplateVariableInput] | None = strawberry.field(
        default=UNSET, description="The variables it declares; at most 200."
    )


@strawberry.input(description="A template to be kept.")
class CreateTemplateInput(TemplateSourceInput):
    name: str = strawberry.field(
        description="At most 200 characters, and no other template's name in any case."
    )
    description: str | None = strawberry.field(
        default=None, description="What it is for, in at most 2,000 characters."
    )
    type: CommunicationType | None = strawberry.field(default=None, description="What it is about.")
    note: str | None = strawberry.field(
        default=UNSET, description="What is to be known of the version; at most 500 characters."
    )
    draft: bool = strawberry.field(
        default=False,
        description="Whether to keep it as a draft; its first version is published without it.",
    )


@strawberry.input(description="What is to change in a draft; what is left out stays as it is.")
class TemplateDraftInput:
    subject: str | None = strawberry.field(default=UNSET, description="Another subject line.")
    body: str | None = strawberry.field(default=UNSET, description="Another body.")
    format: TemplateFormat | None = strawberry.field(
        default=UNSET, description="What the bodies are written in."
    )
    text: str | None = strawberry.field(
        default=UNSET, description="A text part of its own; made from the HTML without it."
    )
    layout: str | None = strawberry.field(
        default=UNSET, description="The name of the layout around it."
    )
    locale: str | None = strawberry.field(
        default=UNSET, description="The language of subject, body and text, e.g. `nl`."
    )
    locales: list[TemplateLocaleInput] | None = strawberry.field(
        default=UNSET,
        description="What it says in other languages; at most 50. A layout says bodies only.",
    )
    variables: list[TemplateVariableInput] | None = strawberry.field(
        default=UNSET, description="The variables it declares; at most 200."
    )
    note: str | None = strawberry.field(
        default=UNSET, description="What is to be known of the version; at most 500 characters."
    )
    revision: int | None = strawberry.field(
        default=UNSET,
        description="The draft's revision the change was made on; one changed since is a CONFLICT.",
    )


@strawberry.input(
    description=(
        "What is to change in a template; what is left out stays as it is. Other words are "
        "published at once, as a new version."
    )
)
class UpdateTemplateInput(TemplateDraftInput):
    name: str | None = strawberry.field(default=UNSET, description="Another name.")
    description: str | None = strawberry.field(
        default=UNSET, description="Another description; null takes it away."
    )
    type: CommunicationType | None = strawberry.field(
        default=UNSET, description="What it is about; null takes it away."
    )
    revision: int | None = strawberry.field(
        default=UNSET,
        description="The revision the change was made on; a template changed since is a CONFLICT.",
    )


@strawberry.input(description="How a draft is to be published.")
class PublishTemplateInput:
    note: str | None = strawberry.field(
        default=None, description="What is to be known of the version, in place of the draft's."
    )
    revision: int | None = strawberry.field(
        default=None, description="The draft's revision; one changed since is a CONFLICT."
    )


@strawberry.input(description="How the copy of a template is to be made.")
class DuplicateTemplateInput:
    name: str | None = strawberry.field(
        default=None, description="Its name; `NAME (copy)` without one."
    )
