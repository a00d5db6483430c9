from functools import partial
from typing import Annotated

import strawberry
from strawberry.scalars import JSON

from app.documents import templates as documents
from app.services.inputs import parse
from app.services.templates import (
    Choice,
    CreateTemplate,
    DuplicateTemplate,
    PreviewTemplate,
    SendTemplate,
    SendTest,
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
from graphql_schema.types.enums import TemplateKind
from graphql_schema.types.list_filters import TemplateFilter
from graphql_schema.types.orders import NamedOrder
from graphql_schema.types.template_inputs import (
    CreateTemplateInput,
    DuplicateTemplateInput,
    UpdateTemplateInput,
)
from graphql_schema.types.template_sending import SendTemplateInput, SendTestTemplateInput
from graphql_schema.types.templates import Template, TemplatePreview

TemplateId = Annotated[strawberry.ID, strawberry.argument(description="Id of the template.")]


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
    kinds: Annotated[
        list[TemplateKind] | None,
        strawberry.argument(description="Of which kinds; only what mail is made of without it."),
    ] = None,
    archived: Annotated[
        bool | None,
        strawberry.argument(description="The archived ones, or the others; null: both."),
    ] = False,
) -> Connection[Template]:
    find = partial(resolvers.list_templates, kinds=kinds, archived=archived)
    shown: Connection[Template] = await connection(
        info, find, documents.Template,
        first=first, after=after, last=last, before=before, filter=filter, order_by=order_by,
    )  # fmt: skip
    return shown


async def _preview(  # noqa: PLR0917 - GraphQL gives arguments by name
    info: Info,
    id: TemplateId,
    variables: Annotated[
        JSON | None,
        strawberry.argument(
            description=(
                "An object that holds what the template names; the examples of the variables that "
                "it declares without it."
            )
        ),
    ] = None,
    version: Annotated[
        int | None,
        strawberry.argument(description="Number of the version; the current one without it."),
    ] = None,
    draft: Annotated[bool, strawberry.argument(description="Whether to show the draft.")] = False,
    locale: Annotated[
        str | None, strawberry.argument(description="The reader's language, e.g. `nl-BE`.")
    ] = None,
) -> TemplatePreview:
    given = {"variables": variables, "version": version, "draft": draft, "locale": locale}
    command = parse(PreviewTemplate, given)
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


async def _duplicate(
    info: Info,
    id: TemplateId,
    input: Annotated[
        DuplicateTemplateInput | None, strawberry.argument(description="How the copy is made.")
    ] = None,
) -> Template:
    given = DuplicateTemplateInput() if input is None else input
    command = read_command(given, DuplicateTemplate)
    return Template.of(await resolvers.duplicate_template(info.context, id, command))


async def _archive(info: Info, id: TemplateId) -> Template:
    return Template.of(await resolvers.archive_template(info.context, id))


async def _unarchive(info: Info, id: TemplateId) -> Template:
    return Template.of(await resolvers.unarchive_template(info.context, id))


async def _send(
    info: Info,
    template_id: TemplateId,
    input: Annotated[SendTemplateInput, strawberry.argument(description="The mail.")],
    idempotency_key: IdempotencyKey = None,
) -> Communication:
    command = read_command(input, SendTemplate)
    key = repeat_key(info, idempotency_key)
    choice = parse(Choice, {"version": input.version, "locale": input.locale})
    record = await resolvers.send_template(
        info.context, template_id, command, choice, idempotency_key=key
    )
    return Communication.of(record)


async def _send_test(
    info: Info,
    template_id: TemplateId,
    input: Annotated[SendTestTemplateInput, strawberry.argument(description="The mail.")],
    idempotency_key: IdempotencyKey = None,
) -> Communication:
    command = read_command(input, SendTest)
    key = repeat_key(info, idempotency_key)
    record = await resolvers.send_test(info.context, template_id, command, idempotency_key=key)
    return Communication.of(record)


@strawberry.type
class TemplateQuery:
    template: Template | None = strawberry.field(
        resolver=_template, description="The template with this id."
    )
    templates: Connection[Template] = strawberry.field(
        directives=[ListSize(assumed_size=50)],
        resolver=_templates,
        description="The tenant's templates that are not archived, by name.",
    )
    preview_template: TemplatePreview = strawberry.field(
        resolver=_preview, description="A template filled in; nothing is sent."
    )


@strawberry.type
class TemplateMutation:
    create_template: Template = strawberry.mutation(
        resolver=_create,
        description="Keep a new template; its first version is published unless it is a draft.",
    )
    update_template: Template = strawberry.mutation(
        resolver=_update,
        description=(
            "Change a template; other words are published at once, as a new version. Mails that "
            "were accepted before stay as they are."
        ),
    )
    duplicate_template: Template = strawberry.mutation(
        resolver=_duplicate,
        description=(
            "Make a template whose first version says what the current one of another does; of "
            "one that was never published, the draft is copied."
        ),
    )
    archive_template: Template = strawberry.mutation(
        resolver=_archive,
        description="Put a template away: it is listed and sent no more until it is taken out.",
    )
    unarchive_template: Template = strawberry.mutation(
        resolver=_unarchive, description="Take an archived template out again."
    )
    delete_template: strawberry.ID = strawberry.mutation(
        resolver=_delete,
        description=(
            "Delete a template; records made from it keep its id and name. A layout or partial "
            "of others is a CONFLICT."
        ),
    )
    send_template: Communication = strawberry.mutation(
        resolver=_send,
        description="Send a mail made from a template, at once or at a later time.",
    )
    send_test_template: Communication = strawberry.mutation(
        resolver=_send_test,
        description="Send a mail that tries a template, or its draft, out to a few people.",
    )
