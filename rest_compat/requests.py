import re

from starlette.requests import Request

from app.auth import Authenticator
from app.context import Context, Deps
from app.errors import UnauthenticatedError
from app.services import rates

_TOKEN = re.compile(r"^(/u/|/preferences/|/api/v1/attachments/)[^/]+")


async def context_of(request: Request) -> Context:
    """Read who asks, before anything else of the request is looked at.

    Raises UnauthenticatedError without a token, and for one that is not good, RateLimitedError for
    a caller that asks too often.
    """
    context = await open_context_of(request)
    if context.caller is None:
        raise UnauthenticatedError("A bearer token is required in the Authorization header.")
    return context


async def open_context_of(request: Request) -> Context:
    """Read who asks; nobody, without a token, and nobody is counted.

    Raises UnauthenticatedError for a bad token, RateLimitedError for a caller that asks too often.
    """
    authenticator: Authenticator = request.state.authenticator
    deps = _deps(request)
    caller = await authenticator.caller(request.headers.get("authorization"))
    if caller is not None:
        verdict = await rates.count(deps, caller)
        request.state.rate_limit_headers = verdict.headers
        rates.refuse(verdict)
    return Context(deps=deps, caller=caller, idempotency_key=request.headers.get("idempotency-key"))


def public_context_of(request: Request) -> Context:
    """Give the context of a route that anyone may call; a token plays no part."""
    return Context(deps=_deps(request), caller=None)


def loggable_path(request: Request) -> str:
    """Give the path of a request without the token in it, which is the key to what it leads to."""
    # Not `request.url`: it reads the query too, which may be no UTF-8.
    return _TOKEN.sub(r"\1{token}", request.scope["path"])


def _deps(request: Request) -> Deps:
    deps: Deps = request.state.deps
    return deps
