from datetime import timedelta

from app.auth import issue_token
from app.context import Scope
from app.dev.errors import StackError
from app.settings import Settings


def make_token(
    settings: Settings, *, tenant: str, user: str, scopes: list[str], lifetime: timedelta
) -> str:
    """Sign a bearer token; no `scopes` stands for all of them.

    Raises StackError for an unknown scope, and where another party issues the tokens.
    """
    if settings.jwt_jwks_url is not None:
        raise StackError("LETTERBOX_JWT_JWKS_URL is set: your identity provider issues the tokens")
    allowed = [scope.value for scope in Scope]
    if unknown := [scope for scope in scopes if scope not in allowed]:
        raise StackError(f"Unknown scope {', '.join(unknown)}; there are: {', '.join(allowed)}")
    return issue_token(
        settings, tenant=tenant, user=user, scopes=scopes or allowed, lifetime=lifetime
    )
