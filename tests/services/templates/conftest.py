"""Templates of the tenant acme, as alice makes them."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.template_versions import TemplateVersion
from app.documents.templates import Template
from app.services import templates
from app.services.inputs import parse

WORDS = {"name": "Offer", "subject": "Offer {{ number }}", "body": "<p>Dear {{ name }}</p>"}
Keep = Callable[..., Awaitable[Template]]
Versions = Callable[[Template], Awaitable[list[TemplateVersion]]]
SendIt = Callable[..., Awaitable[Communication]]


@pytest.fixture
def keep(deps: Deps, caller: Caller) -> Keep:
    """Keeps a template with these documented fields besides WORDS."""

    async def create(**fields: Any) -> Template:
        command = parse(templates.CreateTemplate, {**WORDS, **fields})
        return await templates.create(deps, caller, command)

    return create


@pytest.fixture
def change(deps: Deps, caller: Caller) -> Keep:
    async def update(template: Template, **fields: Any) -> Template:
        command = parse(templates.UpdateTemplate, fields)
        return await templates.update(deps, caller, str(template.id), command)

    return update


@pytest.fixture
def save(deps: Deps, caller: Caller) -> Callable[..., Awaitable[TemplateVersion]]:
    """Saves the draft of a template with these documented fields."""

    async def save_draft(template: Template, **fields: Any) -> TemplateVersion:
        command = parse(templates.SaveDraft, fields)
        return await templates.save_draft(deps, caller, str(template.id), command)

    return save_draft


@pytest.fixture
def publish(deps: Deps, caller: Caller) -> Keep:
    async def publish_draft(template: Template, **fields: Any) -> Template:
        command = parse(templates.PublishTemplate, fields)
        return await templates.publish(deps, caller, str(template.id), command)

    return publish_draft


@pytest.fixture
def versions_of() -> Versions:
    """The stored versions of a template as they came."""

    async def find(template: Template) -> list[TemplateVersion]:
        rows = TemplateVersion.get_motor_collection().find({"templateId": template.id})
        return [TemplateVersion.model_validate(row) async for row in rows.sort("_id")]

    return find


@pytest.fixture
def send_it(deps: Deps, caller: Caller) -> SendIt:
    """Sends mail made from a template, by `choice`, with these documented fields."""

    async def send(
        template: Template, choice: dict[str, Any] | None = None, **fields: Any
    ) -> Communication:
        key = fields.pop("key", None)
        command = parse(templates.SendTemplate, {"recipients": ["jan@customer.test"], **fields})
        wanted = parse(templates.Choice, choice or {})
        return await templates.send_template(
            deps, caller, str(template.id), command, wanted, idempotency_key=key
        )

    return send
