from starlette.requests import Request

from app.auth import Authenticator
from app.context import Context, Deps


async def context_of(request: Request) -> Context:
    """Read who asks. Raises UnauthenticatedError for a token that is not good."""
    authenticator: Authenticator = request.state.authenticator
    return Context(
        deps=_deps(request),
        caller=await authenticator.caller(request.headers.get("authorization")),
        idempotency_key=request.headers.get("idempotency-key"),
    )


def public_context_of(request: Request) -> Context:
    """Give the context of a route that anyone may call; a token plays no part."""
    return Context(deps=_deps(request), caller=None)


def _deps(request: Request) -> Deps:
    deps: Deps = request.state.deps
    return deps
