"""The documented shapes: 37 fields, always present, null when empty."""

from typing import Any

import orjson
from starlette.responses import Response

from app.documents.communications import ClickedLink, Communication, Event
from graphql_schema.instants import format_instant, format_optional


def record_response(record: Communication) -> Response:
    """Answer with one CommunicationRecord of the contract."""
    return Response(orjson.dumps(communication_record(record)), media_type="application/json")


def communication_record(record: Communication) -> dict[str, Any]:
    """Shape a CommunicationRecord of the contract."""
    return {
        "bcc": record.bcc,
        "body": record.body,
        "cc": record.cc,
        "clickedLinks": [_clicked_link(link) for link in record.clicked_links],
        "conversationId": record.conversation_id,
        "created": format_instant(record.created),
        "createdBy": record.created_by,
        "errorMessage": record.error_message,
        "events": [_event(event) for event in record.events],
        "id": str(record.id),
        "internetMessageId": record.internet_message_id,
        "linkTrackingEnabled": record.link_tracking_enabled,
        "messageId": record.message_id,
        "openCount": record.open_count,
        "opened": record.opened,
        "openedAt": format_optional(record.opened_at),
        "originalBody": record.original_body,
        "providerType": record.provider_type,
        "recipientListId": record.recipient_list_id,
        "recipients": record.recipients,
        "relatedEntityId": record.related_entity_id,
        "relatedEntityType": record.related_entity_type,
        "replyTo": record.reply_to,
        "scheduledAt": format_optional(record.scheduled_at),
        "senderEmail": record.sender_email,
        "senderName": record.sender_name,
        "sentAt": format_optional(record.sent_at),
        "status": record.status,
        "subject": record.subject,
        "templateId": record.template_id,
        "templateName": record.template_name,
        "tenantId": record.tenant_id,
        "trackingEnabled": record.tracking_enabled,
        "type": record.type,
        "updated": format_instant(record.updated),
        "updatedBy": record.updated_by,
        "variables": record.variables,
    }


def _clicked_link(link: ClickedLink) -> dict[str, Any]:
    return {
        "clickCount": link.click_count,
        "clickedAt": format_optional(link.clicked_at),
        "originalUrl": link.original_url,
        "url": link.url,
    }


def _event(event: Event) -> dict[str, Any]:
    return {
        "authorId": event.author_id,
        "date": format_instant(event.date),
        "description": event.description,
        "id": event.id,
        "type": event.type,
    }
