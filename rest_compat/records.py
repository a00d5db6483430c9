"""The documented shapes, made from stored rows: every field always present, null when empty."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from app.documents.communications import Communication
from app.instants import format_optional

Row = Mapping[str, Any]


def record_response(record: Communication) -> Response:
    """Answer with one CommunicationRecord of the contract."""
    return row_response(record.model_dump(by_alias=True))


def row_response(row: Row) -> Response:
    """Answer with one as it is stored."""
    return Response(orjson.dumps(communication_record(row)), media_type="application/json")


def communication_record(row: Row) -> dict[str, Any]:
    """Shape a stored communication as the contract's CommunicationRecord, 37 fields.

    A mail with attachments has them as one more: who sends none, sees what is documented.
    """
    attachments = [_attachment(one) for one in row.get("attachments") or ()]
    return {
        **({"attachments": attachments} if attachments else {}),
        "bcc": row["bcc"],
        "body": row.get("body"),
        "cc": row["cc"],
        "clickedLinks": [_clicked_link(link) for link in row["clickedLinks"]],
        "conversationId": row.get("conversationId"),
        "created": format_optional(row["created"]),
        "createdBy": row.get("createdBy"),
        "errorMessage": row.get("errorMessage"),
        "events": [event(one) for one in row["events"]],
        "id": str(row["_id"]),
        "internetMessageId": row.get("internetMessageId"),
        "linkTrackingEnabled": row["linkTrackingEnabled"],
        "messageId": row.get("messageId"),
        "openCount": row["openCount"],
        "opened": row["opened"],
        "openedAt": format_optional(row.get("openedAt")),
        "originalBody": row.get("originalBody"),
        "providerType": row.get("providerType"),
        "recipientListId": row.get("recipientListId"),
        "recipients": row["recipients"],
        "relatedEntityId": row.get("relatedEntityId"),
        "relatedEntityType": row.get("relatedEntityType"),
        "replyTo": row.get("replyTo"),
        "scheduledAt": format_optional(row.get("scheduledAt")),
        "senderEmail": row.get("senderEmail"),
        "senderName": row.get("senderName"),
        "sentAt": format_optional(row.get("sentAt")),
        "status": row["status"],
        "subject": row.get("subject"),
        "templateId": row.get("templateId"),
        "templateName": row.get("templateName"),
        "tenantId": row["tenantId"],
        "trackingEnabled": row["trackingEnabled"],
        "type": row.get("type"),
        "updated": format_optional(row.get("updated")),
        "updatedBy": row.get("updatedBy"),
        "variables": row.get("variables"),
    }


def inbound_record(row: Row) -> dict[str, Any]:
    """Shape a received message as the contract's InboundMessage, 22 fields."""
    parent = row.get("parentCommunicationId")
    return {
        "bodyHtml": row.get("bodyHtml"),
        "bodyText": row.get("bodyText"),
        "cc": row["cc"],
        "conversationId": row.get("conversationId"),
        "created": format_optional(row["created"]),
        "createdBy": row.get("createdBy"),
        "events": [event(one) for one in row["events"]],
        "fromEmail": row["fromEmail"],
        "fromName": row.get("fromName"),
        "graphMessageId": row.get("graphMessageId"),
        "id": str(row["_id"]),
        "inReplyTo": row.get("inReplyTo"),
        "internetMessageId": row.get("internetMessageId"),
        "parentCommunicationId": None if parent is None else str(parent),
        "receivedAt": format_optional(row["receivedAt"]),
        "recipients": row["recipients"],
        "relatedEntityId": row.get("relatedEntityId"),
        "relatedEntityType": row.get("relatedEntityType"),
        "status": row["status"],
        "subject": row.get("subject"),
        "tenantId": row["tenantId"],
        "updated": format_optional(row.get("updated")),
        "updatedBy": row.get("updatedBy"),
    }


def _attachment(row: Row) -> dict[str, Any]:
    return {
        "contentId": row.get("contentId"),
        "contentType": row["mediaType"],
        "filename": row["filename"],
        "size": row["size"],
    }


def _clicked_link(link: Row) -> dict[str, Any]:
    return {
        "clickCount": link["clickCount"],
        "clickedAt": format_optional(link.get("clickedAt")),
        "originalUrl": link["originalUrl"],
        "url": link["url"],
    }


def event(row: Row) -> dict[str, Any]:
    """Shape a stored event as the contract's Event."""
    return {
        "authorId": row.get("authorId"),
        "date": format_optional(row["date"]),
        "description": row.get("description"),
        "id": row["id"],
        "type": row["type"],
    }
