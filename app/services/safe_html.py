"""HTML of mails as it may be shown to somebody."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from app.cleaner.client import PLACES, safe_html
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.mail.safe_html.showing import SafeHtml
from app.patience import Patiences

# What takes no longer than a request does.
_FEW_TAGS = 100
_SHORT = 8 * 1024

# Of their own: whoever sends what is slow to clean keeps nothing else waiting.
# One tenant's hostile mail costs no other tenant its HTML.
_PATIENCES = Patiences()

_THREADS = ThreadPoolExecutor(PLACES, thread_name_prefix="cleaner")


async def of_received(
    message: InboundMessage, *, images: Mapping[str, str] | None = None
) -> SafeHtml | None:
    """Clean the HTML of a message, None when it has none; `images` as of `showing.shown`."""
    html = message.body_html
    return None if html is None else await safe(message.tenant_id, html, images=images)


async def of_sent(record: Communication, *, images: Mapping[str, str] | None = None) -> SafeHtml:
    """Clean the HTML of a mail of ours, its links as they were before they were tracked.

    Whoever reads it here is no recipient: it has no pixel of ours either.
    """
    links = {link.url: link.original_url for link in record.clicked_links}
    return await safe(record.tenant_id, record.body, images=images, links=links)


async def safe(
    tenant: str,
    html: str,
    *,
    images: Mapping[str, str] | None = None,
    links: Mapping[str, str] | None = None,
) -> SafeHtml:
    """Clean HTML of a tenant beside other requests; as `cleaner.client.safe_html`."""
    work = partial(safe_html, html, _PATIENCES.of(tenant), images=images, links=links)
    if len(html) <= _SHORT and html.count("<") <= _FEW_TAGS:
        return work()
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work)
