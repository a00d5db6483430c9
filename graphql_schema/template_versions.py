from typing import Annotated

import strawberry
from strawberry.scalars import JSON

from app.services.inputs import parse
from app.services.templates import PreviewTemplate, PublishTemplate, SaveDraft, SourceCommand
from graphql_schema.context import Info
from graphql_schema.inputs import read_command
from graphql_schema.resolvers import template_versions as resolvers
from graphql_schema.types.template_checks import TemplateCheck
from graphql_schema.types.template_inputs import (
    PublishTemplateInput,
    TemplateDraftInput,
    TemplateSourceInput,
)
from graphql_schema.types.template_versions import TemplateVersion
from graphql_schema.types.templates import Template, TemplatePreview

TemplateId = Annotated[strawberry.ID, strawberry.argument(description="Id of the template.")]
Number = Annotated[int, strawberry.argument(description="The number of the version.")]


async def _version(info: Info, template_id: TemplateId, number: Number) -> TemplateVersion | None:
    found = await resolvers.version_numbered(info.context, template_id, number)
    return TemplateVersion.of(found)


async def _save(
    info: Info,
    id: TemplateId,
    input: Annotated[TemplateDraftInput, strawberry.argument(description="The changes.")],
) -> TemplateVersion:
    command = read_command(input, SaveDraft)
    return TemplateVersion.of(await resolvers.save_draft(info.context, id, command))


async def _publish(
    info: Info,
    id: TemplateId,
    input: Annotated[
        PublishTemplateInput | None, strawberry.argument(description="How; as it is without it.")
    ] = None,
) -> Template:
    command = parse(PublishTemplate, {}) if input is None else read_command(input, PublishTemplate)
    return Template.of(await resolvers.publish(info.context, id, command))


async def _discard(info: Info, id: TemplateId) -> Template:
    return Template.of(await resolvers.discard(info.context, id))


async def _restore(info: Info, id: TemplateId, number: Number) -> TemplateVersion:
    return TemplateVersion.of(await resolvers.restore(info.context, id, number))


Source = Annotated[TemplateSourceInput, strawberry.argument(description="What it would say.")]


async def _validate(info: Info, input: Source) -> TemplateCheck:
    command = read_command(input, SourceCommand)
    return TemplateCheck.of(await resolvers.validate(info.context, command))


async def _validate_draft(info: Info, id: TemplateId) -> TemplateCheck:
    return TemplateCheck.of(await resolvers.validate_draft(info.context, id))


async def _preview(
    info: Info,
    input: Source,
    variables: Annotated[
        JSON | None,
        strawberry.argument(description="What is filled in; the declared examples without it."),
    ] = None,
    locale: Annotated[
        str | None, strawberry.argument(description="The reader's language, e.g. `nl-BE`.")
    ] = None,
) -> TemplatePreview:
    source = read_command(input, SourceCommand)
    asked = parse(PreviewTemplate, {"variables": variables, "locale": locale})
    return TemplatePreview.of(await resolvers.preview_source(info.context, source, asked))


@strawberry.type
class TemplateVersionQuery:
    validate_template: TemplateCheck = strawberry.field(
        resolver=_validate,
        description="What is wrong or doubtful in a template that is not kept, place by place.",
    )
    validate_template_draft: TemplateCheck = strawberry.field(
        resolver=_validate_draft,
        description="What keeps the draft of a template from being published, place by place.",
    )
    preview_template_source: TemplatePreview = strawberry.field(
        resolver=_preview, description="A template that is not kept, filled in."
    )
    template_version: TemplateVersion | None = strawberry.field(
        resolver=_version, description="The published version of a template with this number."
    )


@strawberry.type
class TemplateVersionMutation:
    save_template_draft: TemplateVersion = strawberry.mutation(
        resolver=_save,
        description=(
            "Change the draft of a template, or begin one from its current version. Nothing that "
            "is sent changes, and a draft may hold faults: publishing tells them."
        ),
    )
    publish_template: Template = strawberry.mutation(
        resolver=_publish,
        description=(
            "Make the draft of a template its current version, compiled with the layouts and "
            "partials of now. Of several who do it at once, one does; the others get a CONFLICT."
        ),
    )
    discard_template_draft: Template = strawberry.mutation(
        resolver=_discard, description="Remove the draft of a template."
    )
    restore_template_version: TemplateVersion = strawberry.mutation(
        resolver=_restore,
        description="Begin a draft that says what an earlier version did; CONFLICT with a draft.",
    )
