"""Where providers report what became of mail. A signature stands in for the token."""

from starlette.requests import Request
from starlette.responses import Response

from app.services.signatures import Signed
from app.services.webhooks import BODY_LIMIT
from graphql_schema.resolvers import webhooks as resolvers
from rest_compat.bodies import read_raw
from rest_compat.requests import public_context_of


async def resend(request: Request) -> Response:
    """Take an event of Resend: 200 once it is kept, whatever it is about.

    A header that is missing is as wrong as one that lies.
    """
    signed = Signed(
        id=request.headers.get("svix-id", ""),
        timestamp=request.headers.get("svix-timestamp", ""),
        signatures=request.headers.get("svix-signature", ""),
    )
    body = await read_raw(request, limit=BODY_LIMIT)
    context = public_context_of(request)
    await resolvers.resend_webhook(context, request.path_params["accountId"], signed, body)
    return Response(b"{}", media_type="application/json")
