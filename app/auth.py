"""From the Authorization header (RFC 6750) to the caller: by a JWT (RFC 7519) or an API key."""

import math
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import httpx2
import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey
from joserfc.jws import extract_compact

from app.context import Caller
from app.documents.base import StoreUnavailableError
from app.errors import InvalidTokenError, UnauthenticatedError, UnavailableError
from app.services import api_keys, key_secrets
from app.settings import Settings

log = structlog.get_logger()

_TOKEN_OCTETS = 16 * 1024
_JWKS_LIFETIME = 600.0
# An unknown key id makes us look again, but not for every forged token.
_JWKS_PAUSE = 30.0
# Whose signatures need not be checked again; at most 16 MB, mostly half of one.
_KNOWN_TOKENS = 1000
# The end of year 9999: the latest a date can say.
_LAST_SECOND = 253402300799


class KeySource(Protocol):
    """Where signatures are checked; the algorithms belong to the key, never to the token."""

    @property
    def algorithms(self) -> tuple[str, ...]: ...

    async def key_for(self, key_id: str | None) -> OctKey | KeySet: ...


class SecretKey:
    algorithms = ("HS256",)

    def __init__(self, secret: str) -> None:
        self._key = OctKey.import_key(secret.encode())

    async def key_for(self, key_id: str | None) -> OctKey:  # noqa: ARG002 - one key signs all
        return self._key


class JwksKeys:
    """The keys of an identity provider, kept for ten minutes and through its outages."""

    algorithms = ("RS256", "ES256")

    def __init__(self, url: str, http: httpx2.AsyncClient) -> None:
        self._url = url
        self._http = http
        self._keys: KeySet | None = None
        self._fetched = 0.0
        self._tried = float("-inf")

    async def key_for(self, key_id: str | None) -> KeySet:
        """Give the keys, fetched again when they are old or lack `key_id`.

        Raises UnavailableError when they were never fetched and cannot be now.
        """
        age = time.monotonic() - self._fetched
        known = self._keys is not None and (
            key_id is None or any(key.kid == key_id for key in self._keys.keys)
        )
        pausing = time.monotonic() - self._tried < _JWKS_PAUSE
        if not (known and age < _JWKS_LIFETIME) and not (self._keys is not None and pausing):
            await self._fetch()
        if self._keys is None:
            raise UnavailableError("The keys that check tokens cannot be fetched at the moment.")
        return self._keys

    async def _fetch(self) -> None:
        self._tried = time.monotonic()
        try:
            response = await self._http.get(self._url)
            response.raise_for_status()
            self._keys = KeySet.import_key_set(response.json())
        except (httpx2.HTTPError, JoseError, ValueError, KeyError, TypeError) as error:
            log.warning("jwks.unreachable", error=type(error).__name__)
            return
        self._fetched = time.monotonic()


@dataclass
class _Verified:
    """What a token says, and the key that its signature was checked with.

    `caller` is whom it names, once that was read.
    """

    key_id: str | None
    key: OctKey | KeySet
    claims: Mapping[str, Any]
    caller: Caller | None = None


class Authenticator:
    """Reads who calls. `now` is the clock that API keys expire by; tokens have the system's."""

    def __init__(
        self, settings: Settings, http: httpx2.AsyncClient, now: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._now = now
        self._source: KeySource | None = None
        self._known: OrderedDict[str, _Verified] = OrderedDict()
        if settings.jwt_secret is not None:
            self._source = SecretKey(settings.jwt_secret.get_secret_value())
        elif settings.jwt_jwks_url is not None:
            self._source = JwksKeys(str(settings.jwt_jwks_url), http)

    async def caller(self, authorization: str | None) -> Caller | None:
        """Read an Authorization header; None when there is none.

        Whoever stays (a socket, a stream) is asked for again with the same header: it raises once
        the token has expired or the key is revoked, expired or rotated away. Raises
        UnauthenticatedError for a header, token or key that is not good, UnavailableError when it
        cannot be checked now.
        """
        if authorization is None:
            return None
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise UnauthenticatedError("The Authorization header must be: Bearer <token>.")
        if len(token) > _TOKEN_OCTETS:
            raise InvalidTokenError("The token is too long.")
        token = token.strip()
        if token.startswith(key_secrets.PREFIX):
            return await self._caller_by_key(token)
        verified = await self._checked(token)
        if verified.caller is None:
            verified.caller = self._caller_of(verified.claims)
        return verified.caller

    async def _caller_by_key(self, key: str) -> Caller:
        try:
            return await api_keys.caller_by(key, self._now())
        except StoreUnavailableError as error:
            log.warning("store.unavailable", error=type(error).__name__)
            raise UnavailableError("API keys cannot be checked at the moment.") from error

    async def _checked(self, token: str) -> _Verified:
        if self._source is None:
            raise UnauthenticatedError(
                "This service has no token key: LETTERBOX_JWT_SECRET or LETTERBOX_JWT_JWKS_URL "
                "must be set."
            )
        try:
            verified = await self._verified(self._source, token)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise InvalidTokenError("The token's signature is not valid.") from error
        self._check_claims(verified.claims)
        return verified

    async def _verified(self, source: KeySource, token: str) -> _Verified:
        """Check a signature, once under the same key: programs send a token with each request."""
        known = self._known.get(token)
        key_id = _key_id(token) if known is None else known.key_id
        key = await source.key_for(key_id)
        if known is not None and known.key is key:
            self._known.move_to_end(token)
            return known
        claims = jwt.decode(token, key, algorithms=list(source.algorithms)).claims
        verified = self._known[token] = _Verified(key_id, key, claims)
        if len(self._known) > _KNOWN_TOKENS:
            self._known.popitem(last=False)
        return verified

    def _check_claims(self, claims: Mapping[str, Any]) -> None:
        settings = self._settings
        now, leeway = time.time(), settings.jwt_leeway.total_seconds()
        if not _is_time(claims.get("exp")):
            raise InvalidTokenError("The token has no valid expiry (exp).")
        if claims["exp"] <= now - leeway:
            raise InvalidTokenError("The token has expired.")
        for claim in ("nbf", "iat"):
            if claim in claims and not (_is_time(claims[claim]) and claims[claim] <= now + leeway):
                raise InvalidTokenError(f"The token is not valid yet ({claim}).")
        if settings.jwt_issuer is not None and claims.get("iss") != settings.jwt_issuer:
            raise InvalidTokenError("The token is of another issuer.")
        if settings.jwt_audience is not None:
            audience = claims.get("aud")
            audiences = audience if isinstance(audience, list) else [audience]
            if settings.jwt_audience not in audiences:
                raise InvalidTokenError("The token is for another audience.")

    def _caller_of(self, claims: Mapping[str, Any]) -> Caller:
        tenant = claims.get(self._settings.jwt_tenant_claim)
        user = claims.get(self._settings.jwt_user_claim)
        if not isinstance(tenant, str) or not tenant or not isinstance(user, str) or not user:
            names = f"{self._settings.jwt_tenant_claim} and {self._settings.jwt_user_claim}"
            raise InvalidTokenError(f"The token must name {names}.")
        if user.startswith(api_keys.USER_PREFIX):
            raise InvalidTokenError(f"No user's name may begin with {api_keys.USER_PREFIX}")
        return Caller(
            tenant=tenant,
            user=user,
            scopes=_scopes(claims),
            expires_at=datetime.fromtimestamp(min(claims["exp"], _LAST_SECOND), UTC),
        )


def issue_token(
    settings: Settings, *, tenant: str, user: str, scopes: Iterable[str], lifetime: timedelta
) -> str:
    """Sign a token with `jwt_secret`. Raises ValueError when none is set."""
    if settings.jwt_secret is None:
        raise ValueError("LETTERBOX_JWT_SECRET is not set")
    now = int(time.time())
    claims: dict[str, Any] = {
        settings.jwt_tenant_claim: tenant,
        settings.jwt_user_claim: user,
        "scope": " ".join(scopes),
        "iat": now,
        "exp": now + int(lifetime.total_seconds()),
        "jti": secrets.token_hex(8),
    }
    if settings.jwt_issuer is not None:
        claims["iss"] = settings.jwt_issuer
    if settings.jwt_audience is not None:
        claims["aud"] = settings.jwt_audience
    key = OctKey.import_key(settings.jwt_secret.get_secret_value().encode())
    return jwt.encode({"alg": "HS256"}, claims, key)


def _key_id(token: str) -> str | None:
    """Read the key id from a header that nobody has vouched for yet."""
    key_id = extract_compact(token.encode()).headers().get("kid")
    return key_id if isinstance(key_id, str) else None


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """Read `scope` (RFC 8693 section 4.2: one string) or the lists some identity providers send."""
    found: set[str] = set()
    for claim in ("scope", "scopes", "scp"):
        value = claims.get(claim)
        words = value.split() if isinstance(value, str) else value
        if isinstance(words, list):
            found.update(word for word in words if isinstance(word, str))
    return frozenset(found)
