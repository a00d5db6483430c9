import base64
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from pydantic import AnyHttpUrl, SecretStr

import app.auth
from app.auth import Authenticator, issue_token
from app.bootstrap import utc_now
from app.context import Caller, Deps, Scope
from app.errors import InvalidTokenError, UnauthenticatedError, UnavailableError
from app.services import api_keys
from app.services.api_keys import CreateApiKey
from app.settings import Settings
from tests.fakes.clock import Clock
from tests.fakes.identity_provider import IdentityProvider, running_identity_provider

SECRET = "a secret that is long enough for HS256"


def segment(value: object) -> str:
    """Encode a part of a token as RFC 7515 does."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.fixture
def sign() -> Callable[..., str]:
    """Signs claims with the secret: good ones, with changes; None leaves a claim out."""

    def sign(header: dict[str, str] | None = None, **changes: Any) -> str:
        claims = {"tenant": "acme", "sub": "alice", "exp": time.time() + 60, **changes}
        given = {name: value for name, value in claims.items() if value is not None}
        key = OctKey.import_key(SECRET.encode())
        return jwt.encode({"alg": "HS256", **(header or {})}, given, key)

    return sign


@pytest.fixture
def authenticator(http: httpx2.AsyncClient) -> Authenticator:
    return Authenticator(Settings(jwt_secret=SecretStr(SECRET)), http, utc_now)


@pytest.fixture
async def provider() -> AsyncIterator[IdentityProvider]:
    async with running_identity_provider() as provider:
        yield provider


@pytest.fixture
def by_jwks(http: httpx2.AsyncClient, provider: IdentityProvider) -> Authenticator:
    return Authenticator(Settings(jwt_jwks_url=AnyHttpUrl(provider.url)), http, utc_now)


async def test_no_header_is_no_caller(authenticator: Authenticator) -> None:
    assert await authenticator.caller(None) is None


@pytest.mark.parametrize(
    "claims",
    [
        {"scope": "communications:read communications:send"},
        {"scopes": ["communications:read", "communications:send"]},
        {"scp": ["communications:read"], "scope": "communications:send"},
    ],
)
async def test_a_good_token_names_tenant_user_and_scopes(
    authenticator: Authenticator, sign: Callable[..., str], claims: dict[str, Any]
) -> None:
    caller = await authenticator.caller(f"Bearer {sign(**claims)}")

    scopes = frozenset({"communications:read", "communications:send"})
    assert caller == Caller("acme", "alice", scopes)


@pytest.mark.parametrize(
    ("expires", "shown"),
    [
        (4102444800, datetime(2100, 1, 1, tzinfo=UTC)),
        (4102444800.5, datetime(2100, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
        (1e300, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
async def test_a_caller_lasts_as_long_as_the_token(
    authenticator: Authenticator, sign: Callable[..., str], expires: float, shown: datetime
) -> None:
    caller = await authenticator.caller(f"Bearer {sign(exp=expires)}")

    assert caller is not None
    assert (caller.key_id, caller.expires_at) == (None, shown)


async def test_a_token_without_scopes_has_none(
    authenticator: Authenticator, sign: Callable[..., str]
) -> None:
    caller = await authenticator.caller(f"bearer {sign()}")

    assert caller == Caller("acme", "alice", frozenset())


async def test_an_issued_token_is_good(http: httpx2.AsyncClient) -> None:
    settings = Settings(
        jwt_secret=SecretStr(SECRET),
        jwt_issuer="us",
        jwt_audience="letterbox",
        jwt_tenant_claim="org",
        jwt_user_claim="uid",
    )

    token = issue_token(
        settings, tenant="t", user="u", scopes=["a", "b"], lifetime=timedelta(minutes=1)
    )

    caller = await Authenticator(settings, http, utc_now).caller(f"Bearer {token}")
    assert caller == Caller("t", "u", frozenset({"a", "b"}))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": 1}, "expired"),
        ({"exp": None}, "no valid expiry"),
        ({"exp": "tomorrow"}, "no valid expiry"),
        ({"exp": True}, "no valid expiry"),
        ({"nbf": 4102444800}, "not valid yet"),
        ({"iat": 4102444800}, "not valid yet"),
        ({"tenant": None}, "must name tenant and sub"),
        ({"tenant": ""}, "must name tenant and sub"),
        ({"tenant": {"$ne": 1}}, "must name tenant and sub"),
        ({"sub": None}, "must name tenant and sub"),
        ({"sub": 7}, "must name tenant and sub"),
        ({"sub": "key:6b050e9454d4a1b9322b3eaa"}, "begin with key:"),
    ],
)
async def test_wrong_claims_are_refused(
    authenticator: Authenticator, sign: Callable[..., str], changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(UnauthenticatedError, match=reason):
        await authenticator.caller(f"Bearer {sign(**changes)}")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YWxpY2U6c2VjcmV0",
        "Bearer x",
        "Bearer a.b.c",
        "Bearer ....",
        "Bearer \udcff.x.y",
        "Bearer " + "x" * 20_000,
        "Bearer WzFd.e30.x",
    ],
)
async def test_what_is_no_token_is_refused(authenticator: Authenticator, header: str) -> None:
    with pytest.raises(UnauthenticatedError):
        await authenticator.caller(header)


async def test_what_is_wrong_with_a_token_is_told_as_rfc_6750_says(
    authenticator: Authenticator, sign: Callable[..., str]
) -> None:
    for token in (sign(exp=1), "x", f"lb_{'0' * 49}"):
        with pytest.raises(InvalidTokenError) as refused:
            await authenticator.caller(f"Bearer {token}")
        assert refused.value.headers == {"WWW-Authenticate": 'Bearer error="invalid_token"'}


async def test_a_key_and_a_token_are_good_at_one_place(
    deps: Deps, caller: Caller, token: Callable[..., str]
) -> None:
    authenticator = Authenticator(deps.settings, deps.http, deps.now)
    command = CreateApiKey(name="Shop", scopes=[Scope.COMMUNICATIONS_READ])
    issued = await api_keys.create(deps, caller, command)

    by_key = await authenticator.caller(f"bearer  {issued.secret} ")
    by_token = await authenticator.caller(f"Bearer {token()}")

    id_ = str(issued.key.id)
    assert by_key == Caller("acme", f"key:{id_}", frozenset({"communications:read"}), id_)
    assert by_token == caller


async def test_a_key_is_good_where_no_tokens_are(deps: Deps, caller: Caller) -> None:
    authenticator = Authenticator(Settings(), deps.http, deps.now)
    command = CreateApiKey(name="Shop", scopes=[Scope.COMMUNICATIONS_READ])
    issued = await api_keys.create(deps, caller, command)

    found = await authenticator.caller(f"Bearer {issued.secret}")

    assert found is not None
    assert found.key_id == str(issued.key.id)


async def test_a_key_expires_by_the_clock_of_the_service_and_ends_when_it_is_revoked(
    deps: Deps, caller: Caller, clock: Clock
) -> None:
    """Whoever stays connected is read again by the same header."""
    authenticator = Authenticator(deps.settings, deps.http, deps.now)
    soon = clock.now() + timedelta(seconds=5)
    kept = CreateApiKey(name="Shop", scopes=[Scope.COMMUNICATIONS_READ])
    brief = kept.model_copy(update={"expires_at": soon})
    headers, ids = [], []
    for command in (brief, kept):
        issued = await api_keys.create(deps, caller, command)
        headers.append(f"Bearer {issued.secret}")
        ids.append(str(issued.key.id))
    for header in headers:
        assert await authenticator.caller(header) is not None

    clock.advance(timedelta(seconds=5))
    await api_keys.revoke(deps, caller, ids[1])

    for header in headers:
        with pytest.raises(InvalidTokenError, match="unknown, expired or revoked"):
            await authenticator.caller(header)


async def test_another_secret_is_refused(
    http: httpx2.AsyncClient, sign: Callable[..., str]
) -> None:
    other = Authenticator(Settings(jwt_secret=SecretStr("x" * 32)), http, utc_now)

    with pytest.raises(UnauthenticatedError, match="signature"):
        await other.caller(f"Bearer {sign()}")


async def test_a_changed_payload_is_refused(
    authenticator: Authenticator, sign: Callable[..., str]
) -> None:
    header, _, signature = sign().split(".")
    forged = segment({"tenant": "rival", "sub": "alice", "exp": time.time() + 60})

    with pytest.raises(UnauthenticatedError, match="signature"):
        await authenticator.caller(f"Bearer {header}.{forged}.{signature}")


async def test_an_unsigned_token_is_refused(authenticator: Authenticator) -> None:
    claims = {"tenant": "acme", "sub": "alice", "exp": time.time() + 60}

    with pytest.raises(UnauthenticatedError, match="signature"):
        await authenticator.caller(f"Bearer {segment({'alg': 'none'})}.{segment(claims)}.")


async def test_other_hmacs_are_refused(
    authenticator: Authenticator, sign: Callable[..., str]
) -> None:
    key = OctKey.import_key(SECRET.encode())
    token = jwt.encode(
        {"alg": "HS512"}, {"tenant": "a", "sub": "b", "exp": 9e9}, key, algorithms=["HS512"]
    )

    with pytest.raises(UnauthenticatedError, match="signature"):
        await authenticator.caller(f"Bearer {token}")


@pytest.mark.parametrize("claims", [{}, {"iss": "them"}])
async def test_another_issuer_is_refused(
    http: httpx2.AsyncClient, sign: Callable[..., str], claims: dict[str, Any]
) -> None:
    settings = Settings(jwt_secret=SecretStr(SECRET), jwt_issuer="us")

    with pytest.raises(UnauthenticatedError, match="another issuer"):
        await Authenticator(settings, http, utc_now).caller(f"Bearer {sign(**claims)}")


@pytest.mark.parametrize("claims", [{}, {"aud": "other"}, {"aud": ["other"]}, {"aud": 1}])
async def test_another_audience_is_refused(
    http: httpx2.AsyncClient, sign: Callable[..., str], claims: dict[str, Any]
) -> None:
    settings = Settings(jwt_secret=SecretStr(SECRET), jwt_audience="letterbox")

    with pytest.raises(UnauthenticatedError, match="another audience"):
        await Authenticator(settings, http, utc_now).caller(f"Bearer {sign(**claims)}")


@pytest.mark.parametrize("audience", ["letterbox", ["other", "letterbox"]])
async def test_the_audience_may_be_one_of_many(
    http: httpx2.AsyncClient, sign: Callable[..., str], audience: object
) -> None:
    settings = Settings(jwt_secret=SecretStr(SECRET), jwt_audience="letterbox")

    caller = await Authenticator(settings, http, utc_now).caller(f"Bearer {sign(aud=audience)}")

    assert caller is not None


async def test_leeway_forgives_a_slow_clock(
    http: httpx2.AsyncClient, sign: Callable[..., str]
) -> None:
    settings = Settings(jwt_secret=SecretStr(SECRET), jwt_leeway=timedelta(seconds=30))

    token = sign(exp=time.time() - 10, nbf=time.time() + 10)

    assert await Authenticator(settings, http, utc_now).caller(f"Bearer {token}") is not None


async def test_without_a_key_no_token_is_good(
    http: httpx2.AsyncClient, sign: Callable[..., str]
) -> None:
    with pytest.raises(UnauthenticatedError, match="LETTERBOX_JWT_SECRET"):
        await Authenticator(Settings(), http, utc_now).caller(f"Bearer {sign()}")


@pytest.mark.parametrize(("key", "algorithm"), [(0, "RS256"), (1, "ES256")])
async def test_a_token_of_the_identity_provider_is_good(
    by_jwks: Authenticator, provider: IdentityProvider, key: int, algorithm: str
) -> None:
    caller = await by_jwks.caller(f"Bearer {provider.sign(key=key, algorithm=algorithm)}")

    assert caller == Caller("acme", "alice", frozenset())


async def test_the_keys_are_fetched_once(
    by_jwks: Authenticator, provider: IdentityProvider
) -> None:
    for _ in range(5):
        await by_jwks.caller(f"Bearer {provider.sign()}")

    assert provider.fetches == 1


async def test_the_public_key_is_no_secret(
    by_jwks: Authenticator, provider: IdentityProvider
) -> None:
    """The classic confusion: HS256 'signed' with the public key as the secret."""
    claims = {"tenant": "acme", "sub": "mallory", "exp": time.time() + 60}
    signed = f"{segment({'alg': 'HS256', 'kid': 'rsa-1'})}.{segment(claims)}"
    public = provider.keys[0].as_pem(private=False)
    mac = hmac.digest(public, signed.encode(), "sha256")
    forged = f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"

    with pytest.raises(UnauthenticatedError, match="signature"):
        await by_jwks.caller(f"Bearer {forged}")


async def test_a_strangers_key_is_refused_and_asked_for_once(
    by_jwks: Authenticator, provider: IdentityProvider
) -> None:
    stranger = IdentityProvider(keys=[RSAKey.generate_key(2048, {"kid": "stranger"})])

    for _ in range(3):
        with pytest.raises(UnauthenticatedError, match="signature"):
            await by_jwks.caller(f"Bearer {stranger.sign()}")

    assert provider.fetches == 1


async def test_a_rotated_key_is_found(
    by_jwks: Authenticator, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.auth, "_JWKS_PAUSE", 0.0)
    await by_jwks.caller(f"Bearer {provider.sign()}")
    provider.keys = [RSAKey.generate_key(2048, {"kid": "rsa-2"})]

    caller = await by_jwks.caller(f"Bearer {provider.sign()}")

    assert caller is not None
    assert provider.fetches == 2


async def test_known_keys_outlive_an_outage(
    by_jwks: Authenticator, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    await by_jwks.caller(f"Bearer {provider.sign()}")
    provider.failing = True
    monkeypatch.setattr(app.auth, "_JWKS_LIFETIME", 0.0)
    monkeypatch.setattr(app.auth, "_JWKS_PAUSE", 0.0)

    caller = await by_jwks.caller(f"Bearer {provider.sign()}")

    assert caller is not None
    assert provider.fetches == 2


async def test_an_outage_from_the_start_is_not_the_callers_fault(
    by_jwks: Authenticator, provider: IdentityProvider
) -> None:
    provider.failing = True

    with pytest.raises(UnavailableError):
        await by_jwks.caller(f"Bearer {provider.sign()}")
