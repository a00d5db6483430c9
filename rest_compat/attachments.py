"""Contents of attachments, as browsers fetch them by their links.

What strangers wrote comes from our own address here, so no browser may take it for a page of ours:
all but pictures is to be saved, types with scripts in them are not told, and a policy forbids
whatever is left.
"""

import re
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from app.mail.entities import plain_name
from app.mail.filenames import OCTETS
from app.services.downloads import Download
from graphql_schema.resolvers import attachments as resolvers
from rest_compat.requests import public_context_of
from rest_compat.streams import streamed

# HTML, SVG and other XML, scripts, and what browsers may take for one of these.
_ACTIVE = re.compile(r"html|[/+]xml\b|svg|script|^multipart/|^message/|shockwave|flash")
_GUARDS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Referrer-Policy": "no-referrer",
    # Pages of the CRM, at another address, may show pictures of a mail.
    "Cross-Origin-Resource-Policy": "cross-origin",
}


async def download(request: Request) -> Response:
    """Answer with the content of an attachment; the link is all that is asked for."""
    token = request.path_params["token"]
    found = await resolvers.download(public_context_of(request), token)
    headers = {
        **_GUARDS,
        "Content-Type": OCTETS if _ACTIVE.search(found.media_type) else found.media_type,
        "Content-Length": str(found.size),
        "Content-Disposition": _disposition(found),
        "Cache-Control": f"private, max-age={int(found.lifetime.total_seconds())}",
    }
    return await streamed(request, found.pieces, headers=headers)


def _disposition(found: Download) -> str:
    """Write Content-Disposition (RFC 6266), the name in plain letters and as it is (RFC 8187)."""
    kind = "inline" if found.is_picture else "attachment"
    plain = plain_name(found.filename)
    exact = f"; filename*=UTF-8''{quote(found.filename, safe='')}"
    return f'{kind}; filename="{plain}"{"" if plain == found.filename else exact}'
