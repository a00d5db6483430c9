"""Templates: a tenant's own words, kept under a name and filled in when they are sent."""

from app.services.templates.changes import archive, create, delete, unarchive, update
from app.services.templates.checking import Check, preview_source, validate, validate_draft
from app.services.templates.commands import (
    CURRENT,
    Choice,
    CreateTemplate,
    DuplicateTemplate,
    PreviewTemplate,
    PublishTemplate,
    SaveDraft,
    SendTemplate,
    SendTest,
    SourceCommand,
    UpdateTemplate,
)
from app.services.templates.copies import duplicate
from app.services.templates.found import template_of, templates_of
from app.services.templates.purging import purge
from app.services.templates.sending import Preview, preview, send_template, send_test
from app.services.templates.versions import (
    discard,
    publish,
    restore,
    save_draft,
    version_numbered,
)

__all__ = [
    "CURRENT",
    "Check",
    "Choice",
    "CreateTemplate",
    "DuplicateTemplate",
    "Preview",
    "PreviewTemplate",
    "PublishTemplate",
    "SaveDraft",
    "SendTemplate",
    "SendTest",
    "SourceCommand",
    "UpdateTemplate",
    "archive",
    "create",
    "delete",
    "discard",
    "duplicate",
    "preview",
    "preview_source",
    "publish",
    "purge",
    "restore",
    "save_draft",
    "send_template",
    "send_test",
    "template_of",
    "templates_of",
    "unarchive",
    "update",
    "validate",
    "validate_draft",
    "version_numbered",
]
