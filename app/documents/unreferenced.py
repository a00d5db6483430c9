"""Removing the contents of attachments that no record names any more."""

from datetime import datetime

from app.documents.attachments import AttachmentContent
from app.documents.base import Filter, TenantDocument
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage

_NAMING: list[type[TenantDocument]] = [Communication, InboundMessage]


async def purge(now: datetime, limit: int) -> int:
    """Look at contents whose time has come, and remove what no record names; how many there were.

    Deleted records count until they are purged themselves. What is handed in again meanwhile stays.
    """
    due = await AttachmentContent.due(now, limit)
    for row in due:
        if row.digest is not None and await _is_named(row.tenant_id, row.digest):
            await row.leave()
        elif await row.withdraw():
            await row.discard()
    return len(due)


async def _is_named(tenant: str, digest: str) -> bool:
    for document in _NAMING:
        criteria: Filter = document.owned(tenant, {"attachments.digest": digest})
        for name in document.visible:
            del criteria[name]
        if await document.get_motor_collection().find_one(criteria, {"_id": 1}) is not None:
            return True
    return False
