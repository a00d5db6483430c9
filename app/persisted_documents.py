"""GraphQL documents that clients name by a hash: those they sent once, or those of a file only."""

from urllib.parse import quote

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.settings import Settings
from app.trusted_documents import read_manifest

log = structlog.get_logger()

# Of one tenant's documents, for as long as one is kept. Redis holds the queue, too.
TENANT_LENGTH = 4 * 1024 * 1024
_PATIENCE = 0.5


class PersistedDocuments:
    """`trusted` are the only documents that run, None where all do.

    `automatic` tells whether a client may have its own kept. They are kept for all tenants: a hash
    tells nothing to whom does not know the text. While Redis does not answer, none is known.
    """

    def __init__(self, settings: Settings) -> None:
        path = settings.trusted_documents
        self.trusted = None if path is None else read_manifest(path)
        self.automatic = settings.graphql_apq and self.trusted is None
        self._lifetime = settings.graphql_apq_lifetime
        self._redis: Redis = Redis.from_url(
            settings.redis_url, socket_connect_timeout=_PATIENCE, socket_timeout=_PATIENCE
        )

    async def find(self, sha256: str) -> str | None:
        """Give a kept document, and keep it for another lifetime."""
        try:
            text = await self._redis.getex(_key(sha256), ex=self._lifetime)
        except (RedisError, OSError) as error:
            log.warning("persisted_documents.unreachable", error=type(error).__name__)
            return None
        return None if text is None else str(text.decode())

    async def keep(self, tenant: str, sha256: str, text: str) -> None:
        """Keep a document, unless the tenant had more kept lately than TENANT_LENGTH."""
        octets = text.encode()
        spent = f"letterbox:documents:of:{quote(tenant, safe='')}"
        try:
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.incrby(spent, len(octets))
            pipeline.expire(spent, self._lifetime, nx=True)
            total, _ = await pipeline.execute()
            if total <= TENANT_LENGTH:
                await self._redis.set(_key(sha256), octets, ex=self._lifetime)
        except (RedisError, OSError) as error:
            log.warning("persisted_documents.unreachable", error=type(error).__name__)

    async def close(self) -> None:
        await self._redis.aclose()


def _key(sha256: str) -> str:
    return f"letterbox:document:{sha256}"
