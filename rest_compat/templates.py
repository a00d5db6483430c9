from starlette.requests import Request
from starlette.responses import Response

from app.services.templates import SendTemplate
from graphql_schema.resolvers import templates as resolvers
from rest_compat.bodies import read_command
from rest_compat.records import record_response
from rest_compat.requests import context_of


async def send_template(request: Request) -> Response:
    context = await context_of(request)
    command = await read_command(request, SendTemplate)
    template_id = request.path_params["templateId"]
    return record_response(await resolvers.send_template(context, template_id, command))
