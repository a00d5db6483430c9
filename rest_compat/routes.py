"""The whole REST surface on one page."""

from starlette.routing import BaseRoute, Route

from rest_compat import communications, tracking

BASE = "/api/v1/communications"


def rest_routes() -> list[BaseRoute]:
    """Every documented route; /track and /link are public."""
    return [
        Route(f"{BASE}/send", communications.send, methods=["POST"]),
        Route(f"{BASE}/find/{{id}}", communications.find_by_id, methods=["GET"]),
        Route(f"{BASE}/track/{{id}}", tracking.track, methods=["GET"]),
        Route(f"{BASE}/link/{{id}}/{{index}}", tracking.link, methods=["GET"]),
    ]
