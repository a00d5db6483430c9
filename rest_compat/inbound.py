import orjson
from starlette.requests import Request
from starlette.responses import Response

from graphql_schema.resolvers import inbound as resolvers
from rest_compat.bodies import read_octets
from rest_compat.records import inbound_record
from rest_compat.requests import context_of

_MEDIA_TYPES = ("message/rfc822", "text/plain", "application/octet-stream")


async def mime(request: Request) -> Response:
    """Take in a raw message; the answer is the contract's InboundMessage.

    `recipient`, repeated, names whom the envelope did.
    """
    context = await context_of(request)
    raw = await read_octets(
        request, media_types=_MEDIA_TYPES, limit=context.deps.settings.inbound_limit
    )
    recipients = request.query_params.getlist("recipient")
    message = await resolvers.ingest_mime(context, raw, recipients, path="recipient")
    record = inbound_record(message.model_dump(by_alias=True))
    return Response(orjson.dumps(record), media_type="application/json")
