"""Where providers report what became of mail. What they sign or know stands in for the token."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

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


async def graph(request: Request) -> Response:
    """Take notifications of Graph: 202 once they are kept, also where it drops forged ones.

    When a subscription is made, Graph asks with a `validationToken` first and wants it back.
    """
    context = public_context_of(request)
    account_id = request.path_params["accountId"]
    token = request.query_params.get("validationToken")
    if token is not None:
        greeting = await resolvers.graph_greeting(context, account_id, token)
        # As text and nothing else: whoever asks chooses what stands in it.
        return PlainTextResponse(greeting, headers={"X-Content-Type-Options": "nosniff"})
    body = await read_raw(request, limit=BODY_LIMIT)
    await resolvers.graph_webhook(context, account_id, body)
    return Response(status_code=202)
