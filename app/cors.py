"""Which scripts of other sites may call, and what of the answers they may read (Fetch standard)."""

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from app.settings import Settings

_METHODS = ("GET", "HEAD", "POST", "DELETE")
# What our own documentation names, and what clients of GraphQL send.
_HEADERS = (
    "Accept",
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "Apollo-Require-Preflight",
    "GraphQL-Require-Preflight",
)
_READABLE = ("RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate")


def cors(settings: Settings) -> list[Middleware]:
    """Make the middleware for the origins of the settings; without any, browsers let no one in."""
    if not settings.allowed_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=_METHODS,
            allow_headers=(*_HEADERS, *settings.allowed_headers),
            allow_credentials=settings.cors_credentials,
            expose_headers=_READABLE,
        )
    ]
