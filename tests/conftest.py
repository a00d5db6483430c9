"""One mongod and one valkey per test run; a database of each per test process."""

import base64
import gc
import os
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx2
import hypothesis
import pytest
from pydantic import SecretStr
from pymongo import monitoring
from redis.asyncio import Redis
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Scope_

from app.auth import Authenticator, issue_token
from app.bootstrap import open_deps, open_providers
from app.context import Caller, Context, Deps, Scope
from app.documents.communications import Communication
from app.embedded import start_mongod, start_redis
from app.embedded.servers import RunningServer
from app.main import create_app
from app.persisted_documents import PersistedDocuments
from app.providers.pool import ProviderPool
from app.queue import LIST_QUEUE_NAME, QUEUE_NAME
from app.rate_limits import RateLimits
from app.services import sending
from app.services.inputs import parse
from app.settings import Settings
from graphql_schema.live import Live
from tests.database import adapt_mongod, all_rows, empty
from tests.doors import Door, GraphqlDoor, RestDoor
from tests.fakes.clock import Clock
from tests.fakes.graph import FakeGraph, running_graph
from tests.fakes.mongo_calls import MONGO_CALLS, MongoCalls
from tests.fakes.relay import Relay, running_relay
from tests.fakes.resend import FakeResend, running_resend
from tests.fetching import count_all

# What takes long on a busy machine is no fault.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

SECRET = "a secret of the tests, long enough for HS256"
SECRET_KEY = base64.b64encode(bytes(range(32))).decode()
TESTS = Path(__file__).parent
ROOT = TESTS.parent
SERVERS = pytest.StashKey[list[RunningServer]]()
FOLDER = pytest.StashKey["tempfile.TemporaryDirectory[str]"]()


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers once, in the process that hands out the tests."""
    if hasattr(config, "workerinput") or config.option.collectonly or config.option.help:
        return
    folder = tempfile.TemporaryDirectory(prefix="letterbox-tests-")
    config.stash[FOLDER] = folder
    servers = [
        start_mongod(Path(folder.name) / "mongod"),
        start_redis(Path(folder.name) / "redis"),
    ]
    config.stash[SERVERS] = servers
    adapt_mongod(servers[0].url)
    os.environ["LETTERBOX_TEST_MONGO_URL"] = servers[0].url
    os.environ["LETTERBOX_TEST_REDIS_URL"] = servers[1].url


def pytest_unconfigure(config: pytest.Config) -> None:
    for server in config.stash.get(SERVERS, []):
        server.stop()
    if (folder := config.stash.get(FOLDER, None)) is not None:
        folder.cleanup()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage among what is made now, neither now nor later: it all stays."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Import a share of the tests when the other processes import theirs, for all are to run.

    Else each of them compiles every one, at the same time as the others do.
    """
    given: dict[str, Any] | None = getattr(session.config, "workerinput", None)
    if given is None or session.config.args != session.config.getini("testpaths"):
        return
    number = int(given["workerid"].removeprefix("gw"))
    modules = sorted(path.relative_to(ROOT) for path in TESTS.rglob("test_*.py"))
    for module in modules[number :: given["workercount"]]:
        # Those that cannot be imported are told of when they are collected.
        with suppress(Exception):
            import_module(".".join(module.with_suffix("").parts))


@pytest.fixture(scope="session")
def process_number(worker_id: str) -> int:
    return int(worker_id.removeprefix("gw")) if worker_id != "master" else 0


@pytest.fixture(scope="session")
def mongo_url() -> str:
    return os.environ["LETTERBOX_TEST_MONGO_URL"]


@pytest.fixture(scope="session")
def redis_url(process_number: int) -> str:
    """Each test process has its own of the sixteen databases."""
    base = os.environ["LETTERBOX_TEST_REDIS_URL"].rstrip("/")
    return f"{base.removesuffix('/0')}/{process_number}"


@pytest.fixture(scope="session")
def tls() -> ssl.SSLContext:
    """What clients trust; a client without it reads all certificates of the system (25 ms)."""
    return ssl.create_default_context()


@pytest.fixture
async def http(tls: ssl.SSLContext) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(verify=tls) as http:
        yield http


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with running_relay() as relay:
        yield relay


@pytest.fixture
async def resend() -> AsyncIterator[FakeResend]:
    """A Resend that was asked nothing against its own description, when the test is over."""
    async with running_resend() as resend:
        yield resend
        assert resend.violations == []


@pytest.fixture
async def graph() -> AsyncIterator[FakeGraph]:
    async with running_graph() as graph:
        yield graph


@pytest.fixture(scope="session")
def base_settings(mongo_url: str, redis_url: str, process_number: int) -> Settings:
    return Settings(
        mongo_url=mongo_url,
        mongo_database=f"letterbox-{process_number}",
        redis_url=redis_url,
        jwt_secret=SecretStr(SECRET),
        secret_keys=SecretStr(SECRET_KEY),
        rate_limit_tenant=0,
        rate_limit_key=0,
        allow_private_hosts=True,
        public_url="http://mail.example.test",
        default_sender_email="crm@acme.test",
        default_sender_name="Acme",
        smtp_timeout=timedelta(seconds=20),
        smtp_data_timeout=timedelta(seconds=20),
        retry_delay=timedelta(seconds=10),
        send_attempts=3,
    )


@pytest.fixture(scope="session")
async def opened_once(base_settings: Settings) -> AsyncIterator[Deps]:
    """Beanie binds documents to one client; it is opened once per process."""
    monitoring.register(MONGO_CALLS)
    async with open_deps(base_settings) as deps:
        yield deps


@pytest.fixture
def mongo_calls(deps: Deps) -> Iterator[MongoCalls]:
    """The calls to MongoDB from here on; a test that counts clears it first."""
    with MONGO_CALLS.listening() as calls:
        yield calls


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def deps(
    opened_once: Deps, relay: Relay, clock: Clock, base_settings: Settings
) -> AsyncIterator[Deps]:
    """Everything real: MongoDB, Valkey and an SMTP relay, all empty; only time is ours."""
    settings = base_settings.model_copy(update={"smtp_port": relay.port})
    providers = open_providers(settings)
    accounts = ProviderPool()
    yield replace(
        opened_once, settings=settings, providers=providers, accounts=accounts, now=clock.now
    )
    await accounts.close()
    for provider in providers.values():
        await provider.close()
    await empty()


@pytest.fixture
def caller() -> Caller:
    return Caller(tenant="acme", user="alice", scopes=frozenset(Scope))


@pytest.fixture
def context(deps: Deps, caller: Caller) -> Context:
    return Context(deps=deps, caller=caller)


@pytest.fixture
def token(deps: Deps) -> Callable[..., str]:
    """Signs a token of user alice of tenant acme with all scopes, unless told otherwise."""

    def sign(
        *,
        tenant: str = "acme",
        user: str = "alice",
        scopes: Iterable[str] = tuple(Scope),
        lifetime: timedelta = timedelta(hours=1),
    ) -> str:
        return issue_token(
            deps.settings, tenant=tenant, user=user, scopes=scopes, lifetime=lifetime
        )

    return sign


@pytest.fixture
def app(deps: Deps) -> ASGIApp:
    return web_application(deps)


def web_application(deps: Deps) -> ASGIApp:
    """The web application over `deps`; httpx runs no lifespan, so its state is put in here."""
    application = create_app(deps.settings, deps)
    state = {
        "deps": deps,
        "authenticator": Authenticator(deps.settings, deps.http, deps.now),
        "live": Live(deps.settings.live_connections),
    }

    async def with_state(scope: Scope_, receive: Receive, send: Send) -> None:
        await application({**scope, "state": dict(state)}, receive, send)

    return with_state


@pytest.fixture
async def anonymous(app: ASGIApp) -> AsyncIterator[httpx2.AsyncClient]:
    """A client without a token. Faults of ours show as the 500 a caller would get."""
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://api.test") as client:
        yield client


@pytest.fixture
async def client_under(
    deps: Deps, token: Callable[..., str]
) -> AsyncIterator[Callable[..., httpx2.AsyncClient]]:
    """Makes clients with a token, of web applications under other settings."""
    async with AsyncExitStack() as stack:

        def under(**settings: Any) -> httpx2.AsyncClient:
            changed = Settings.model_validate({**deps.settings.model_dump(), **settings})
            rate_limits = RateLimits(changed)
            stack.push_async_callback(rate_limits.close)
            documents = PersistedDocuments(changed)
            stack.push_async_callback(documents.close)
            app = web_application(
                replace(deps, settings=changed, rate_limits=rate_limits, documents=documents)
            )
            return httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app, raise_app_exceptions=False),
                base_url="http://api.test",
                headers={"Authorization": f"Bearer {token()}"},
            )

        yield under


@pytest.fixture
async def client(anonymous: httpx2.AsyncClient, token: Callable[..., str]) -> httpx2.AsyncClient:
    anonymous.headers["Authorization"] = f"Bearer {token()}"
    return anonymous


@pytest.fixture(params=[RestDoor, GraphqlDoor], ids=["rest", "graphql"])
def door(request: pytest.FixtureRequest, client: httpx2.AsyncClient) -> Door:
    opened: Door = request.param(client)
    return opened


@pytest.fixture
def mail() -> dict[str, Any]:
    """The least a mail needs, with one link."""
    return {
        "subject": "Your offer",
        "body": '<p>See <a href="https://acme.test/offer?id=1&amp;x=2">the offer</a></p>',
        "recipients": ["jan@customer.test"],
    }


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client: Redis = Redis.from_url(redis_url)
    yield client
    await client.flushdb()
    await client.aclose()


@pytest.fixture
def send(
    deps: Deps, caller: Caller, mail: dict[str, Any]
) -> Callable[..., Awaitable[Communication]]:
    """Accepts `mail` with these documented fields changed, as alice of acme by default."""

    async def accept(
        changes: dict[str, Any] | None = None,
        *,
        by: Caller = caller,
        over: Deps = deps,
        key: str | None = None,
    ) -> Communication:
        command = parse(sending.SendCommunication, {**mail, **(changes or {})})
        return await sending.accept(over, by, command, idempotency_key=key)

    return accept


@pytest.fixture
async def queued(redis: Redis) -> Callable[[], Awaitable[dict[str, float]]]:
    """The ids of the jobs in an at first empty queue, each with when it is due (ms since 1970)."""
    await redis.flushdb()

    async def jobs() -> dict[str, float]:
        return {
            job.decode(): score
            for queue in (QUEUE_NAME, LIST_QUEUE_NAME)
            for job, score in await redis.zrange(queue, 0, -1, withscores=True)
        }

    return jobs


@pytest.fixture
def footprint(
    deps: Deps, relay: Relay, queued: Callable[[], Awaitable[dict[str, float]]]
) -> Callable[[], Awaitable[dict[str, Any]]]:
    """All that is stored, queued and sent: what a refused operation must leave as it is.

    Opens and clicks that wait are counted first.
    """

    async def look() -> dict[str, Any]:
        await count_all(deps)
        return {"jobs": await queued(), "mails": list(relay.taken), **await all_rows()}

    return look
