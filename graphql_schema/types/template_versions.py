"""Versions of templates as GraphQL shows them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self

import strawberry
from strawberry.scalars import JSON

from app.documents import template_versions as documents
from app.documents import templates
from graphql_schema.limits import ListSize
from graphql_schema.links import to_one
from graphql_schema.resolvers import template_versions as resolvers
from graphql_schema.types.enums import TemplateFormat, TemplateKind, VariableType, VersionState
from graphql_schema.types.nodes import Node, kind

if TYPE_CHECKING:
    from graphql_schema.types.templates import Template

_SAID = ["body", "text", "locale", "locales", "variables"]
_HEAVY = {"words": _SAID, "compiled": [], "contentId": _SAID}


@strawberry.type(description="A variable that a version declares.")
class TemplateVariable:
    name: str = strawberry.field(description="Its name, as in `{{ name }}`.")
    type: VariableType = strawberry.field(description="What its values are.")
    required: bool = strawberry.field(
        description="Whether a mail without a value is refused, where there is no default."
    )
    default: JSON | None = strawberry.field(description="What stands in where none is given.")
    example: JSON | None = strawberry.field(description="What a preview without variables shows.")
    description: str | None = strawberry.field(description="What it is, in words.")

    @classmethod
    def of(cls, variable: documents.Variable) -> Self:
        return cls(**variable.model_dump())


@strawberry.type(description="What a version says in a language.")
class TemplateLocale:
    locale: str = strawberry.field(description="The language, as BCP 47 has it.")
    subject: str | None = strawberry.field(
        description="The subject line; null: as without a language."
    )
    body: str | None = strawberry.field(description="The body; null: as without a language.")
    text: str | None = strawberry.field(
        description="The text part; null: made from the HTML, or as without a language."
    )

    @classmethod
    def of(cls, said: documents.LocaleWords) -> Self:
        return cls(**said.model_dump())


@strawberry.type(description="A layout or partial that a version was compiled with.")
class TemplateUse:
    template_id: strawberry.ID = strawberry.field(description="Id of the layout or partial.")
    name: str = strawberry.field(description="Its name.")
    kind: TemplateKind = strawberry.field(description="Which of both it is.")
    number: int = strawberry.field(description="The number of its version then.")
    template: Annotated["Template", strawberry.lazy("graphql_schema.types.templates")] | None = (
        to_one(templates.Template, "template_id", "The layout or partial as it is now.")
    )

    @classmethod
    def of(cls, use: documents.Use) -> Self:
        return cls(
            template_id=strawberry.ID(str(use.template_id)),
            name=use.name,
            kind=use.kind,
            number=use.number,
        )


@kind(documents.TemplateVersion, find=resolvers.versions_with_ids, heavy=_HEAVY)
@strawberry.type(
    description=(
        "One state of a template: its draft, which can be changed, or a published version, which "
        "never changes."
    )
)
class TemplateVersion(Node):
    id: strawberry.ID = strawberry.field(description="Id of the version.")
    template_id: strawberry.ID = strawberry.field(description="The template.")
    number: int | None = strawberry.field(
        description="Published versions are counted from 1; null for a draft."
    )
    state: VersionState = strawberry.field(description="Whether it can still be changed.")
    revision: int = strawberry.field(
        description="1 at first, and one more each time the draft was saved."
    )
    format: TemplateFormat = strawberry.field(description="What its bodies are written in.")
    subject: str = strawberry.field(description="The subject line; empty for layouts and partials.")
    body: str = strawberry.field(description="The body, as it was written.")
    text: str | None = strawberry.field(
        description="The text part; null where it is made from the HTML."
    )
    layout: str | None = strawberry.field(description="The name of the layout around it.")
    locale: str | None = strawberry.field(
        description="The language of subject, body and text; they serve readers of others too."
    )
    locales: list[TemplateLocale] = strawberry.field(
        directives=[ListSize(assumed_size=3)], description="What it says in other languages."
    )
    variables: list[TemplateVariable] = strawberry.field(
        directives=[ListSize(assumed_size=10)], description="The variables it declares."
    )
    uses: list[TemplateUse] = strawberry.field(
        directives=[ListSize(assumed_size=3)],
        description="The layouts and partials it was compiled with; none for a draft.",
    )
    note: str | None = strawberry.field(description="What its author noted about it.")
    restored_from: int | None = strawberry.field(
        description="The number of the version that it was begun from by `restoreTemplateVersion`."
    )
    created: datetime = strawberry.field(description="When it was begun.")
    created_by: str = strawberry.field(description="The user who began it.")
    updated: datetime = strawberry.field(description="The latest change.")
    updated_by: str = strawberry.field(description="The user who made that change.")
    published_at: datetime | None = strawberry.field(description="When it was published.")
    published_by: str | None = strawberry.field(description="The user who published it.")
    template: Annotated["Template", strawberry.lazy("graphql_schema.types.templates")] | None = (
        to_one(templates.Template, "template_id", "The template.")
    )

    @classmethod
    def of(cls, version: documents.TemplateVersion) -> Self:
        # Left in MongoDB where nobody asks for what it says.
        said = version.said if version.words else documents.Words(body="")
        return cls(
            id=strawberry.ID(str(version.id)),
            template_id=strawberry.ID(str(version.template_id)),
            number=version.number,
            state=version.state,
            revision=version.revision,
            format=version.format,
            subject=version.subject,
            body=said.body,
            text=said.text,
            layout=version.layout,
            locale=said.locale,
            locales=[TemplateLocale.of(one) for one in said.locales],
            variables=[TemplateVariable.of(one) for one in said.variables],
            uses=[TemplateUse.of(one) for one in version.uses],
            note=version.note,
            restored_from=version.restored_from,
            created=version.created,
            created_by=version.created_by,
            updated=version.updated,
            updated_by=version.updated_by,
            published_at=version.published_at,
            published_by=version.published_by,
        )
