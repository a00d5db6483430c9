"""Finding a template, and that of its versions that is asked for."""

from app.context import Caller
from app.documents.catalogues import TEMPLATES
from app.documents.template_upgrade import upgrade
from app.documents.template_versions import TemplateVersion
from app.documents.templates import Template
from app.documents.vocabulary import TemplateKind
from app.errors import ConflictError, NotFoundError
from app.services.connections import EVERYTHING, ListCommand, Needs, Part, listed
from app.services.templates.commands import Choice


async def template_of(caller: Caller, id_: str) -> Template:
    """Find the caller's template. Raises NotFoundError for unknown and other tenants' ids alike."""
    found = await Template.of_tenant(caller.tenant, id_)
    if found is None:
        raise NotFoundError("No template has this id.")
    return await upgrade(found)


async def templates_of(
    caller: Caller,
    command: ListCommand,
    needs: Needs = EVERYTHING,
    *,
    kinds: list[TemplateKind] | None = None,
    archived: bool | None = False,
) -> Part[Template]:
    """Give a part of the caller's templates, by name unless an order is named.

    Only those of `kinds`, whole templates without it; archived ones or the others, or both kinds
    when `archived` is None.
    """
    wanted = [TemplateKind.TEMPLATE] if kinds is None else kinds
    within = Template.of_kinds(wanted, archived=archived)
    return await listed(caller, TEMPLATES, command, needs, within=within)


async def version_of(template: Template, choice: Choice) -> TemplateVersion:
    """Find the version that is asked for, in full.

    Raises NotFoundError for a version that there is not, ConflictError for the current one of a
    template that was never published.
    """
    tenant = template.tenant_id
    if choice.draft:
        found = await TemplateVersion.draft_of(tenant, template.id)
        if found is None:
            raise NotFoundError("The template has no draft.")
        return found
    number = template.version if choice.version is None else choice.version
    if number is None:
        raise ConflictError("The template was never published: publish its draft first.")
    found = await TemplateVersion.numbered(tenant, template.id, number)
    if found is None:
        raise NotFoundError(f"The template has no version {number}.")
    return found


async def draft_of(template: Template) -> TemplateVersion:
    """Find the draft of a template. Raises ConflictError when it has none."""
    found = await TemplateVersion.draft_of(template.tenant_id, template.id)
    if found is None:
        raise ConflictError("The template has no draft.")
    return found
