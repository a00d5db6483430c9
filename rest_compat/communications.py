from starlette.requests import Request
from starlette.responses import Response

from app.services.sending import SendCommunication
from graphql_schema.resolvers import communications as resolvers
from rest_compat.bodies import read_command
from rest_compat.records import record_response
from rest_compat.requests import context_of


async def send(request: Request) -> Response:
    context = await context_of(request)
    command = await read_command(request, SendCommunication)
    return record_response(await resolvers.send_communication(context, command))


async def find_by_id(request: Request) -> Response:
    context = await context_of(request)
    return record_response(await resolvers.communication(context, request.path_params["id"]))
