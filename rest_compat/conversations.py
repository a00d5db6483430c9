from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.instants import format_instant
from app.services.conversations import TimelineEntry
from graphql_schema.resolvers import conversations as resolvers
from rest_compat.records import communication_record, inbound_record
from rest_compat.requests import context_of


async def thread(request: Request) -> Response:
    """Answer with the contract's Thread, both directions oldest first."""
    context = await context_of(request)
    found = await resolvers.thread(context, request.path_params["id"])
    body = {
        "inbound": [inbound_record(one.model_dump(by_alias=True)) for one in found.inbound],
        "outbound": [communication_record(one.model_dump(by_alias=True)) for one in found.outbound],
    }
    return Response(orjson.dumps(body), media_type="application/json")


async def by_entity(request: Request) -> Response:
    """Answer with the contract's TimelineEntries, newest first."""
    context = await context_of(request)
    entity_type = request.query_params.get("entityType", "")
    entity_id = request.query_params.get("entityId", "")
    entries = await resolvers.timeline(context, entity_type, entity_id)
    body = orjson.dumps([_timeline_entry(entry) for entry in entries])
    return Response(body, media_type="application/json")


def _timeline_entry(entry: TimelineEntry) -> dict[str, Any]:
    return {
        "bodyHtml": entry.body_html,
        "bodyText": entry.body_text,
        "cc": entry.cc,
        "conversationId": entry.conversation_id,
        "date": format_instant(entry.date),
        "direction": entry.direction,
        "fromEmail": entry.from_email,
        "fromName": entry.from_name,
        "id": entry.id,
        "opened": entry.opened,
        "recipients": entry.recipients,
        "status": entry.status,
        "subject": entry.subject,
    }
