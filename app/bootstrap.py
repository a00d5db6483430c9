"""Opening and closing everything the service depends on: web, workers, commands and tests."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx2
from beanie import init_beanie
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import PyMongoError

from app import apart
from app.context import Deps
from app.documents import ALL_DOCUMENTS, changes
from app.documents.gathered import Gathered
from app.documents.obsolete import drop_obsolete
from app.documents.searching import SEARCH_TIME
from app.documents.template_upgrade import upgrade_all
from app.documents.vocabulary import ProviderType
from app.feed import Feed
from app.persisted_documents import PersistedDocuments
from app.providers.base import EmailProvider
from app.providers.pool import ProviderPool
from app.providers.smtp import SmtpAccount, SmtpProvider
from app.queue import ArqQueue
from app.rate_limits import RateLimits
from app.room import Room
from app.settings import MEBIBYTE, Settings
from app.waiting_hits import WaitingHits

_PING_SECONDS = 2.0
# Contents of attachments on their way out. Writing a mail and handing it over takes up to eight
# times as much for a while (200 MB for one of 25 MB), so the largest go one at a time.
_ROOM = 32 * MEBIBYTE


@asynccontextmanager
async def open_deps(settings: Settings) -> AsyncIterator[Deps]:
    """Open MongoDB (with its indexes), the queue, the HTTP client and the providers.

    The queue connects when it is first used: mail is accepted without it. Raises
    pymongo.errors.PyMongoError when MongoDB does not answer within 5 seconds.
    """
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
        settings.mongo_url,
        tz_aware=True,
        w="majority",
        serverSelectionTimeoutMS=5_000,
        appname="letterbox",
    )
    await drop_obsolete(client[settings.mongo_database])
    await init_beanie(database=client[settings.mongo_database], document_models=ALL_DOCUMENTS)
    await upgrade_all()
    SEARCH_TIME.limit = settings.operation_timeout
    async with httpx2.AsyncClient(timeout=10, follow_redirects=False) as http:
        deps = Deps(
            settings=settings,
            queue=ArqQueue(settings.redis_url),
            providers=open_providers(settings),
            accounts=ProviderPool(),
            http=http,
            now=utc_now,
            list_turns=asyncio.Semaphore(settings.list_connections),
            gathered=Gathered(),
            ping_mongo=partial(_ping, client),
            room=Room(_ROOM),
            rate_limits=RateLimits(settings),
            feed=Feed(changes.watch, limit=settings.live_subscriptions),
            documents=PersistedDocuments(settings),
            waiting_hits=WaitingHits(settings.redis_url),
        )
        try:
            yield deps
        finally:
            await _close(deps)
            client.close()


async def _ping(client: AsyncIOMotorClient[dict[str, Any]]) -> None:
    """Raise ConnectionError when MongoDB does not answer."""
    try:
        async with asyncio.timeout(_PING_SECONDS):
            await client.admin.command("ping")
    except (PyMongoError, TimeoutError) as error:
        raise ConnectionError("MongoDB does not answer") from error


async def _close(deps: Deps) -> None:
    await deps.feed.close()
    await deps.accounts.close()
    for provider in deps.providers.values():
        await provider.close()
    await deps.queue.close()
    await deps.rate_limits.close()
    await deps.documents.close()
    await deps.waiting_hits.close()
    apart.end_idle()


def open_providers(settings: Settings) -> Mapping[ProviderType, EmailProvider]:
    """Make the providers that the settings describe; the first is the default."""
    password = settings.smtp_password
    account = SmtpAccount(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        username=settings.smtp_username,
        password=None if password is None else password.get_secret_value(),
        ca_file=settings.smtp_ca_file,
        connections=settings.smtp_connections,
        timeout=settings.smtp_timeout,
        data_timeout=settings.smtp_data_timeout,
    )
    return {ProviderType.SMTP: SmtpProvider(account)}


def utc_now() -> datetime:
    """Tell the time in whole milliseconds, as MongoDB keeps it: what is shown is what is stored."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
