"""HTML of mails that the caller was shown, made safe, with the pictures that came with them."""

from app.context import Context
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.mail.safe_html.showing import SafeHtml
from app.services import downloads, safe_html
from app.services.receiving import attachments


async def of_received(context: Context, message: InboundMessage) -> SafeHtml | None:
    """Clean the HTML of a message, None when it has none."""
    context.require_caller()
    whole = await attachments.with_files(context.deps, message)
    images = downloads.pictures_of_received(context.deps, whole)
    return await safe_html.of_received(message, images=images)


async def of_sent(context: Context, record: Communication) -> SafeHtml:
    """Clean the HTML of a mail of ours."""
    context.require_caller()
    images = downloads.pictures_of_sent(context.deps, record)
    return await safe_html.of_sent(record, images=images)


async def of_mail(context: Context, mail: Communication | InboundMessage) -> SafeHtml | None:
    """Clean the HTML of a mail of either direction, None when it has none."""
    if isinstance(mail, Communication):
        return await of_sent(context, mail)
    return await of_received(context, mail)
