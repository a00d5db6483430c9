from starlette.requests import Request
from starlette.responses import Response

from app.services.scheduling import ScheduleCommunication
from app.services.sending import SendCommunication
from graphql_schema.resolvers import communications as resolvers
from rest_compat.bodies import read_command, read_text
from rest_compat.queries import read_ids
from rest_compat.records import record_response, row_response
from rest_compat.requests import context_of
from rest_compat.streams import records_json, streamed


async def send(request: Request) -> Response:
    context = await context_of(request)
    command = await read_command(request, SendCommunication)
    return record_response(await resolvers.send_communication(context, command))


async def find_by_id(request: Request) -> Response:
    context = await context_of(request)
    return row_response(await resolvers.communication_row(context, _id(request)))


async def schedule(request: Request) -> Response:
    context = await context_of(request)
    command = await read_command(request, ScheduleCommunication)
    return record_response(await resolvers.schedule_communication(context, command))


async def scheduled(request: Request) -> Response:
    context = await context_of(request)
    rows = await resolvers.scheduled_communications(context)
    return await streamed(request, records_json(rows), media_type="application/json")


async def cancel(request: Request) -> Response:
    context = await context_of(request)
    return record_response(await resolvers.cancel_communication(context, _id(request)))


async def resend(request: Request) -> Response:
    context = await context_of(request)
    return record_response(await resolvers.resend_communication(context, _id(request)))


async def comment(request: Request) -> Response:
    context = await context_of(request)
    text = await read_text(request)
    return record_response(await resolvers.comment_communication(context, _id(request), text))


async def delete(request: Request) -> Response:
    await resolvers.delete_communication(await context_of(request), _id(request))
    return Response(status_code=204)


async def delete_list(request: Request) -> Response:
    context = await context_of(request)
    await resolvers.delete_communications(context, read_ids(request, required=True))
    return Response(status_code=204)


def _id(request: Request) -> str:
    return str(request.path_params["id"])
