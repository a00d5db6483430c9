from typing import Annotated

import strawberry
from strawberry.scalars import JSON

from app.documents import templates as documents
from app.services.inputs import parse
from app.services.templates import (
    CreateTemplate,
    PreviewTemplate,
    SendTemplate,
    UpdateTemplate,
)
from graphql_schema.communications import IdempotencyKey, repeat_key
from graphql_schema.connections import After, Before, First, Last, connection
from graphql_schema.context import Info
from graphql_schema.inputs import read_command
from graphql_schema.limits import ListSize
from graphql_schema.resolvers import templates as resolvers
from graphql_schema.types.communications import Communication
from graphql_schema.types.connections import Connection
from graphql_schema.types.list_filters import TemplateFilter
from graphql_schema.types.orders import NamedOrder
from graphql_schema.types.templates import (
    CreateTemplateInput,
    SendTemplateInput,
    Template,
    TemplatePreview,
    UpdateTemplateInput,
)

TemplateId = Annotated[strawberry.ID, strawberry.argument(description="Id of the template.")]
# Heavy, and left in MongoDB when a list does not ask for it.
_HEAVY = {"body"}


async def _template(info: Info, id: TemplateId) -> Template | None:
    return Template.of(await resolvers.template(info.context, id))


async def _templates(  # noqa: PLR0917 - GraphQL gives arguments by name
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: Annotated[
        TemplateFilter | None,
        strawberry.argument(description="Which ones; all of them without it."),
    ] = None,
    order_by: Annotated[
        list[NamedOrder] | None,
        strawberry.argument(description="At most three fields; by name without any."),
    ] = None,
) -> Connection[Template]:
    shown: Connection[Template] = await connection(
        info, resolvers.list_templates, documents.Template,
        first=first, after=after, last=last, before=before, filter=filter, order_by=order_by,
    )  # fmt: skip
    return shown


async def _preview(
    info: Info,
    id: TemplateId,
    variables: Annotated[
        JSON | None,
        strawberry.argument(description="An object that holds what the template names."),
    ] = None,
) -> TemplatePreview:
    command = parse(PreviewTemplate, {"variables": variables})
    return TemplatePreview.of(await resolvers.preview_template(info.context, id, command))


async def _create(
    info: Info,
    input: Annotated[CreateTemplateInput, strawberry.argument(description="The template.")],
) -> Template:
    command = read_command(input, CreateTemplate)
    return Template.of(await resolvers.create_template(info.context, command))


async def _update(
    info: Info,
    id: TemplateId,
    input: Annotated[UpdateTemplateInput, strawberry.argument(description="The changes.")],
) -> Template:
    command = read_command(input, UpdateTemplate)
    return Template.of(await resolvers.update_template(info.context, id, command))


async def _delete(info: Info, id: TemplateId) -> strawberry.ID:
    await resolvers.delete_template(info.context, id)
    return id


async def _send(
    info: Info,
    template_id: TemplateId,
    input: Annotated[SendTemplateInput, strawberry.argument(description="The mail.")],
    idempotency_key: IdempotencyKey = None,
) -> Communication:
    command = read_command(input, SendTemplate)
    key = repeat_key(info, idempotency_key)
    record = await resolvers.send_template(info.context, template_id, command, idempotency_key=key)
    return Communication.of(record)


@strawberry.type
class TemplateQuery:
    template: Template | None = strawberry.field(
        resolver=_template, description="The template with this id."
    )
    templates: Connection[Template] = strawberry.field(
        directives=[ListSize(assumed_size=50)],
        resolver=_templates,
        description="The tenant's templates, by name.",
    )
    preview_template: TemplatePreview = strawberry.field(
        resolver=_preview, description="A template filled in; nothing is sent."
    )


@strawberry.type
class TemplateMutation:
    create_template: Template = strawberry.mutation(
        resolver=_create, description="Keep a new template."
    )
    update_template: Template = strawberry.mutation(
        resolver=_update,
        description="Change a template; mails that were accepted before stay as they are.",
    )
    delete_template: strawberry.ID = strawberry.mutation(
        resolver=_delete,
        description="Delete a template; records made from it keep its id and name.",
    )
    send_template: Communication = strawberry.mutation(
        resolver=_send,
        description="Send a mail made from a template, at once or at a later time.",
    )
