"""What mail clients fetch. Nothing here asks for a token, and a picture always comes back."""

import asyncio
import re
from urllib.parse import quote

import structlog
from starlette.requests import Request
from starlette.responses import Response

from app.errors import NotFoundError
from app.services.tracking import Visit
from graphql_schema.resolvers import tracking as resolvers
from rest_compat.requests import public_context_of

log = structlog.get_logger()

# A transparent picture of 1x1, 43 octets (GIF89a).
PIXEL = bytes.fromhex(
    "47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b"
)
_UNCACHED = {"Cache-Control": "no-store, max-age=0", "Pragma": "no-cache"}
# Seconds a mail client is kept waiting for its picture when the store does not answer.
_PATIENCE = 2
_INDEX = re.compile(r"[0-9]{1,9}")


async def track(request: Request) -> Response:
    """Keep an open and answer the picture, whatever happens: a broken image helps nobody."""
    context = public_context_of(request)
    try:
        async with asyncio.timeout(_PATIENCE):
            await resolvers.track_open(context, request.path_params["id"], _visit(request))
    except Exception:
        log.exception("track.fault")
    return Response(PIXEL, media_type="image/gif", headers=_UNCACHED)


async def link(request: Request) -> Response:
    """Redirect to the stored link, and only there."""
    index = request.path_params["index"]
    if not _INDEX.fullmatch(index):
        raise NotFoundError("No mail has this link.")
    context = public_context_of(request)
    url = await resolvers.tracked_link(
        context, request.path_params["id"], int(index), _visit(request)
    )
    # What is legal in an address stays as it is; the rest could break the header.
    location = quote(url, safe=":/?#[]@!$&'()*+,;=%~|^")
    return Response(status_code=302, headers={**_UNCACHED, "Location": location})


def _visit(request: Request) -> Visit:
    """Tell who asks; the address is the client's, where a proxy that is trusted tells it."""
    address = None if request.client is None else request.client.host
    return Visit(request.method, request.headers.get("user-agent"), address)
