"""Copies of templates."""

from app.context import Caller, Deps
from app.documents.templates import Template
from app.errors import ConflictError
from app.services.templates.changes import keep_new
from app.services.templates.commands import CURRENT, DuplicateTemplate
from app.services.templates.found import template_of, version_of

_COPIES = 100
_NAME_LENGTH = 200


async def duplicate(deps: Deps, caller: Caller, id_: str, command: DuplicateTemplate) -> Template:
    """Make a template that says what the current version of another does, as its version 1.

    Of one that was never published, the draft is copied, as a draft. Without a name it is named
    after the other. Raises NotFoundError, ConflictError for a name that is taken, and what
    publishing its words raises.
    """
    found = await template_of(caller, id_)
    is_draft = found.version is None
    choice = CURRENT.model_copy(update={"draft": is_draft})
    words = (await version_of(found, choice)).said
    fields = {"kind": found.kind, "description": found.description, "type": found.type}
    for number in range(1, _COPIES):
        named = {"name": command.name or _copy_name(found.name, number), **fields}
        try:
            return await keep_new(deps, caller, words, named, draft=is_draft, note=None)
        except ConflictError:
            if command.name is not None:
                raise
    raise ConflictError("There are many copies of it: give this one a name.")


def _copy_name(name: str, number: int) -> str:
    mark = " (copy)" if number == 1 else f" (copy {number})"
    return name[: _NAME_LENGTH - len(mark)] + mark
