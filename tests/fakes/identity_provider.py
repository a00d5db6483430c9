"""An identity provider on loopback: serves its public keys, signs tokens, and has bad days."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.serving import served


@dataclass
class IdentityProvider:
    """`failing` makes it answer 503; `fetches` counts who came for the keys."""

    url: str = ""
    keys: list[RSAKey | ECKey] = field(
        default_factory=lambda: [
            RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig"}),
            ECKey.generate_key("P-256", {"kid": "ec-1", "use": "sig"}),
        ]
    )
    failing: bool = False
    fetches: int = 0

    def sign(self, *, key: int = 0, algorithm: str = "RS256", **claims: Any) -> str:
        signing = self.keys[key]
        given = {"tenant": "acme", "sub": "alice", "exp": time.time() + 60, **claims}
        return jwt.encode({"alg": algorithm, "kid": signing.kid}, given, signing)

    async def serve_keys(self, request: Request) -> Response:
        self.fetches += 1
        if self.failing:
            return Response("down for maintenance", status_code=503)
        return JSONResponse(KeySet(list(self.keys)).as_dict(private=False))


@asynccontextmanager
async def running_identity_provider() -> AsyncIterator[IdentityProvider]:
    """Serve an identity provider on a free loopback port until the block ends."""
    provider = IdentityProvider()
    app = Starlette(routes=[Route("/jwks.json", provider.serve_keys)])
    async with served(app) as url:
        provider.url = f"{url}/jwks.json"
        yield provider
