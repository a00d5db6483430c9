"""Removing deleted templates for good."""

from app.context import Deps
from app.documents import template_purge

_AT_A_TIME = 100


async def purge(deps: Deps) -> int:
    """Remove templates that were deleted a retention time ago; how many were looked at.

    What list mail may yet be sent by stays as long as its record does.
    """
    now = deps.now()
    before = now - deps.settings.retention
    looked_at = 0
    while count := await template_purge.purge(now, deleted_before=before, limit=_AT_A_TIME):
        looked_at += count
    return looked_at
