"""Who asks, and what the answer may be built from."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import httpx2

from app.documents.gathered import Gathered
from app.documents.vocabulary import ProviderType
from app.errors import ForbiddenError, UnauthenticatedError
from app.feed import Feed
from app.persisted_documents import PersistedDocuments
from app.providers.base import EmailProvider
from app.providers.pool import ProviderPool
from app.queue import JobQueue
from app.rate_limits import RateLimits
from app.room import Room
from app.settings import Settings
from app.waiting_hits import WaitingHits


class Scope(StrEnum):
    COMMUNICATIONS_READ = "communications:read"
    COMMUNICATIONS_SEND = "communications:send"
    COMMUNICATIONS_WRITE = "communications:write"
    COMMUNICATIONS_DELETE = "communications:delete"
    TEMPLATES_READ = "templates:read"
    TEMPLATES_WRITE = "templates:write"
    INBOUND_WRITE = "inbound:write"
    RECIPIENTS_READ = "recipients:read"
    RECIPIENTS_WRITE = "recipients:write"
    SUPPRESSIONS_READ = "suppressions:read"
    SUPPRESSIONS_WRITE = "suppressions:write"
    CONSENT_READ = "consent:read"
    CONSENT_WRITE = "consent:write"
    ACCOUNTS_READ = "accounts:read"
    ACCOUNTS_WRITE = "accounts:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"


@dataclass(frozen=True)
class Caller:
    """Who asks; `key_id` is the API key that was used, None for a JWT.

    A key's user is `key:ID`, in every `authorId`, `createdBy` and `updatedBy` too. `expires_at` is
    when the token or the key ends, None for a key that never does.
    """

    tenant: str
    user: str
    scopes: frozenset[str]
    key_id: str | None = None
    expires_at: datetime | None = field(default=None, compare=False)

    @classmethod
    def of_door(cls, tenant: str, name: str) -> "Caller":
        """Who acts where mail comes in and no user stands behind it; it may do nothing else.

        `name` is what stands in `authorId` and `createdBy`: `account:ID`, or the door's own.
        """
        return cls(tenant=tenant, user=name, scopes=frozenset())


@dataclass(frozen=True)
class Deps:
    """What `bootstrap.open_deps` opened. `now` gives aware UTC times in whole milliseconds.

    `providers` are the service's own, `accounts` those of tenants. `room` bounds how much of
    attachments is in memory for hand-overs. Whoever hands over list mail takes one of `list_turns`.
    `gathered` asks MongoDB together for what single mails need at the same moment.
    """

    settings: Settings
    queue: JobQueue
    providers: Mapping[ProviderType, EmailProvider]
    accounts: ProviderPool
    http: httpx2.AsyncClient
    now: Callable[[], datetime]
    list_turns: asyncio.Semaphore
    gathered: Gathered
    ping_mongo: Callable[[], Awaitable[None]]
    room: Room
    rate_limits: RateLimits
    feed: Feed
    documents: PersistedDocuments
    waiting_hits: WaitingHits


@dataclass(frozen=True)
class Context:
    """One request of one caller; `caller` is None for a request without a token.

    `idempotency_key` is the request's `Idempotency-Key` header.
    """

    deps: Deps
    caller: Caller | None
    idempotency_key: str | None = None

    def require(self, scope: Scope) -> Caller:
        """The caller, if it holds `scope`.

        Raises UnauthenticatedError without a caller, ForbiddenError without the scope.
        """
        caller = self.require_caller()
        if scope not in caller.scopes:
            raise ForbiddenError(f"The token lacks the scope {scope.value}.")
        return caller

    def require_caller(self) -> Caller:
        """The caller, whatever its scopes. Raises UnauthenticatedError without one."""
        if self.caller is None:
            raise UnauthenticatedError("A bearer token is required in the Authorization header.")
        return self.caller
