"""What mail clients fetch. Nothing here asks for a token, and a picture always comes back."""

import asyncio
import re
from urllib.parse import quote

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

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
_ANSWER = Response(PIXEL, media_type="image/gif", headers=_UNCACHED)
_FETCHING = {"GET", "HEAD"}
# Seconds a mail client is kept waiting for its picture when the store does not answer.
_PATIENCE = 2
_INDEX = re.compile(r"[0-9]{1,9}")


class Picture:
    """Keeps an open and answers the picture, whatever happens: a broken image helps nobody."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            async with asyncio.timeout(_PATIENCE):
                await resolvers.track_open(
                    public_context_of(request), scope["path_params"]["id"], _visit(request)
                )
        except Exception:
            log.exception("track.fault")
        # A list of its own: whoever passes it on may add to it.
        headers = [*_ANSWER.raw_headers]
        await send(
            {"type": "http.response.start", "status": _ANSWER.status_code, "headers": headers}
        )
        await send({"type": "http.response.body", "body": PIXEL})


class PicturesFirst:
    """Answers pictures past all that looks after other requests: they come in floods.

    They have no body, know their own patience, count for no caller, and raise nothing. Whatever is
    not just asked for a picture goes the usual way.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = prefix
        self._picture = Picture()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in _FETCHING:
            prefix, found, id_ = scope["path"].partition(self._prefix)
            if found and id_ and not prefix and "/" not in id_:
                await self._picture({**scope, "path_params": {"id": id_}}, receive, send)
                return
        await self._app(scope, receive, send)


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
