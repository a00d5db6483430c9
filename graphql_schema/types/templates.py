"""Templates as GraphQL shows them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from app.documents import communications, template_versions
from app.documents import templates as documents
from app.services import templates as services
from graphql_schema.context import Info
from graphql_schema.links import to_many, to_one
from graphql_schema.resolvers import families
from graphql_schema.resolvers import template_versions as versions
from graphql_schema.resolvers import templates as resolvers
from graphql_schema.selections import unasked
from graphql_schema.types.connections import Connection
from graphql_schema.types.enums import CommunicationType, TemplateFormat, TemplateKind
from graphql_schema.types.nodes import KINDS, Node, kind
from graphql_schema.types.template_versions import TemplateVersion

if TYPE_CHECKING:
    from graphql_schema.types.communications import Communication


async def _draft(root: "Template", info: Info) -> TemplateVersion | None:
    """The drafts of a list of templates are found by one call."""
    kind = KINDS[template_versions.TemplateVersion]
    without = unasked(info, kind.heavy)
    found = await info.context.loaders.load(versions.drafts_of, root.id, without=without)
    return None if found is None else TemplateVersion.of(found)


@kind(documents.Template, find=resolvers.templates_with_ids, heavy={"body": ["body"]})
@strawberry.type(
    description="What mail is made of, filled in when it is sent; or a layout or partial of others."
)
class Template(Node):
    id: strawberry.ID = strawberry.field(description="Id of the template.")
    name: str = strawberry.field(description="Its name, the tenant's only one of that name.")
    subject: str = strawberry.field(
        description=(
            "The subject line, with `{{ name }}` to fill in; empty for layouts and partials. It "
            "and the body are the current version's, before the first one the first draft's."
        )
    )
    body: str = strawberry.field(description="The HTML or MJML, with `{{ name }}` to fill in.")
    description: str | None = strawberry.field(description="What it is for, in words.")
    type: CommunicationType | None = strawberry.field(description="What it is about.")
    kind: TemplateKind = strawberry.field(description="What it is for: a mail, or parts of others.")
    format: TemplateFormat = strawberry.field(description="What the body is written in.")
    version: int | None = strawberry.field(
        description="The number of the current version; null before one was published."
    )
    archived_at: datetime | None = strawberry.field(
        description="Since when it is archived: neither listed nor sent."
    )
    revision: int = strawberry.field(description="1 at first, and one more with each change.")
    created: datetime = strawberry.field(description="When it was made.")
    created_by: str = strawberry.field(description="The user who made it.")
    updated: datetime = strawberry.field(description="The latest change.")
    updated_by: str = strawberry.field(description="The user who made that change.")
    communications: (
        Connection[
            Annotated["Communication", strawberry.lazy("graphql_schema.types.communications")]
        ]
        | None
    ) = to_many(
        families.MADE_FROM, communications.Communication, "The mails made from it, newest first."
    )

    current_version: TemplateVersion | None = to_one(
        template_versions.TemplateVersion,
        "version_id",
        "The version that is sent; null before one was published.",
    )
    draft: TemplateVersion | None = strawberry.field(
        resolver=_draft, description="The version that is worked on; null without one."
    )
    versions: Connection[TemplateVersion] | None = to_many(
        families.VERSIONS,
        template_versions.TemplateVersion,
        "Its published versions, the latest first.",
    )
    used_by: (
        Connection[Annotated["Template", strawberry.lazy("graphql_schema.types.templates")]] | None
    ) = to_many(
        families.USED_BY,
        documents.Template,
        "The templates whose current version was compiled with it, by name.",
    )
    version_id: strawberry.Private[str | None] = None

    @classmethod
    def of(cls, template: documents.Template) -> Self:
        return cls(
            id=strawberry.ID(str(template.id)),
            name=template.name,
            subject=template.subject,
            body=template.body,
            description=template.description,
            type=template.type,
            kind=template.kind,
            format=template.format,
            version=template.version,
            version_id=None if template.version_id is None else str(template.version_id),
            archived_at=template.archived_at,
            revision=template.revision,
            created=template.created,
            created_by=template.created_by,
            updated=template.updated,
            updated_by=template.updated_by,
        )


@strawberry.type(description="A template filled in, as a mail without tracking would show it.")
class TemplatePreview:
    subject: str = strawberry.field(description="The subject line.")
    html: str = strawberry.field(description="The HTML part.")
    text: str = strawberry.field(description="The text part.")
    locale: str | None = strawberry.field(description="The language it is in, where one is named.")
    version: int | None = strawberry.field(description="The version; null for what is no version.")

    @classmethod
    def of(cls, preview: services.Preview) -> Self:
        return cls(**vars(preview))
