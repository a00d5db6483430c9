"""The whole REST surface on one page."""

from starlette.routing import BaseRoute, Route

from rest_compat import (
    analytics,
    attachments,
    communications,
    conversations,
    inbound,
    search,
    templates,
    tracking,
    webhooks,
)
from rest_compat.openapi import document_routes
from rest_compat.unsubscribing import handlers as unsubscribing

API = "/api/v1"
BASE = f"{API}/communications"
TRACK = f"{BASE}/track/"
INBOUND = "/api/v1/inbound"
WEBHOOKS = f"{API}/webhooks"


def rest_routes() -> list[BaseRoute]:
    """Every documented route, and ours.

    /track, /link and the pages of recipients are public, links to attachments and webhooks prove
    that one may.
    """
    return [
        *document_routes(API),
        Route(f"{TRACK}{{id}}", tracking.Picture(), methods=["GET"]),
        Route(f"{BASE}/link/{{id}}/{{index}}", tracking.link, methods=["GET"]),
        Route(f"{BASE}/send", communications.send, methods=["POST"]),
        Route(f"{BASE}/schedule", communications.schedule, methods=["POST"]),
        Route(f"{BASE}/send-template/{{templateId}}", templates.send_template, methods=["POST"]),
        Route(f"{BASE}/scheduled", communications.scheduled, methods=["GET"]),
        Route(f"{BASE}/delete-list", communications.delete_list, methods=["DELETE"]),
        Route(f"{BASE}/{{id}}/cancel", communications.cancel, methods=["POST"]),
        Route(f"{BASE}/{{id}}/resend", communications.resend, methods=["POST"]),
        Route(f"{BASE}/{{id}}/comment", communications.comment, methods=["POST"]),
        Route(f"{BASE}/find/{{id}}", communications.find_by_id, methods=["GET"]),
        Route(f"{BASE}/find", search.find_by_ids, methods=["GET"]),
        Route(f"{BASE}/find-list", search.find_by_ids, methods=["GET"]),
        Route(f"{BASE}/find-all", search.find_all, methods=["GET"]),
        Route(f"{BASE}/page", search.page, methods=["GET"]),
        Route(f"{BASE}/dynamic-search", search.dynamic_search, methods=["GET", "POST"]),
        Route(f"{BASE}/csv-export", search.csv_export, methods=["GET"]),
        Route(f"{BASE}/by-entity", conversations.by_entity, methods=["GET"]),
        Route(f"{BASE}/{{id}}/thread", conversations.thread, methods=["GET"]),
        Route(f"{BASE}/analytics", analytics.analytics, methods=["GET"]),
        Route(f"{INBOUND}/mime", inbound.mime, methods=["POST"]),
        Route(f"{API}/attachments/{{token}}", attachments.download, methods=["GET"]),
        Route(f"{WEBHOOKS}/resend/{{accountId}}", webhooks.resend, methods=["POST"]),
        Route(f"{WEBHOOKS}/graph/{{accountId}}", webhooks.graph, methods=["POST"]),
        Route("/u/{token}", unsubscribing.unsubscribe, methods=["GET", "POST"]),
        Route("/preferences/{token}", unsubscribing.preferences, methods=["GET", "POST"]),
        # Last: an id may stand where the paths above have a word.
        Route(f"{BASE}/{{id}}", communications.delete, methods=["DELETE"]),
    ]
