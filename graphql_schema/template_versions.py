from typing import Annotated

import strawberry

from app.services.inputs import parse
from app.services.templates import PublishTemplate, SaveDraft
from graphql_schema.context import Info
from graphql_schema.inputs import read_command
from graphql_schema.resolvers import template_versions as resolvers
from graphql_schema.types.template_inputs import PublishTemplateInput, TemplateDraftInput
from graphql_schema.types.template_versions import TemplateVersion
from graphql_schema.types.templates import Template

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


@strawberry.type
class TemplateVersionQuery:
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
