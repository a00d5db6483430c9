"""Contents of attachments: links to them for callers, and what whoever has a link gets."""

from app.context import Context
from app.documents.attached import Place
from app.services import downloads
from app.services.downloads import Download


def attachment_link(context: Context, place: Place) -> str | None:
    """Write a link to an attachment of a record that the caller was shown."""
    context.require_caller()
    return downloads.link(context.deps, place)


async def download(context: Context, token: str) -> Download:
    """Give what a link leads to; the link is all that is needed. Raises NotFoundError."""
    return await downloads.opened(context.deps, token)
