"""`letterbox dev`: every server of a development stack, as children of one process."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from app.dev.announcement import announce
from app.dev.children import ChildCommands, forget_workers
from app.dev.demo import DemoMarker, load_demo
from app.dev.environment import Addresses, letterbox_variables, settings_from, stack_variables
from app.dev.errors import DemoError, InterruptedStack, StackError
from app.dev.folder import DataFolder
from app.dev.output import complain, say
from app.dev.services import GRACE, SHORT_GRACE, ChildService, Services
from app.dev.signals import StopSignals
from app.dev.starter import load_starter_set, load_starter_topics
from app.embedded import spawn_mongod, spawn_redis
from app.embedded.errors import EmbeddedServerError
from app.embedded.ports import free_port, is_free
from app.embedded.servers import RunningServer
from app.settings import Settings

TOKEN_LIFETIME = timedelta(days=30)
DEMO_DOMAIN = "demo.letterbox.test"


class SpawnServer(Protocol):
    def __call__(
        self, data_dir: Path, *, log: Path | None = None, inherited: Sequence[int] = ()
    ) -> RunningServer: ...


@dataclass(frozen=True)
class StackOptions:
    folder: DataFolder
    port: int
    workers: int = 1
    with_demo: bool = True
    with_inbound: bool = True


def run_stack(options: StackOptions) -> int:
    """Run everything until a signal (exit code 0) or until something fails (exit code 1).

    Raises pydantic's ValidationError, before anything starts, for settings that are wrong.
    """
    settings_from({})
    try:
        with options.folder.locked() as lock, StopSignals() as signals:
            _refuse_taken_port(options.port)
            return _supervise(options, lock, signals)
    except StackError as error:
        complain(str(error))
        return 1


def _refuse_taken_port(port: int) -> None:
    host = os.environ.get("LETTERBOX_HOST") or "127.0.0.1"
    if not is_free(port, host):
        raise StackError(f"Port {port} is in use by another program: choose another with --port")


def _supervise(options: StackOptions, lock: int, signals: StopSignals) -> int:
    services = Services(options.folder, signals)
    code, grace = 1, SHORT_GRACE
    try:
        Stack(options, lock, services).run()
    except InterruptedStack:
        say("\nStopping (Ctrl-C again to hurry) ...")
        code, grace = 0, GRACE
    except (StackError, EmbeddedServerError) as error:
        complain(f"\n{error}\nStopping the rest ...")
    finally:
        services.stop(grace)
        options.folder.forget_stack()
    say("Stopped.")
    return code


def _demo_token(settings: Settings) -> str | None:
    if settings.jwt_jwks_url is not None:
        return None
    from app.dev.tokens import make_token  # noqa: PLC0415  # takes a second; servers start first

    return make_token(settings, tenant="demo", user="alice", scopes=[], lifetime=TOKEN_LIFETIME)


class Stack:
    """One start of everything, on an empty or a used data folder."""

    def __init__(self, options: StackOptions, lock: int, services: Services) -> None:
        self._options = options
        self._folder = options.folder
        self._lock = lock
        self._services = services
        self._own = letterbox_variables()
        self._base = f"http://localhost:{options.port}"
        self._inbound_port = free_port() if options.with_inbound else None

    def run(self) -> None:
        """Start, announce, load the demo, watch; ends only by what `Services.check` raises."""
        begin = time.monotonic()
        say(f"Starting Letterbox on {self._folder.root}")
        self._folder.forget_stack()
        demo = DemoMarker(self._folder.root)
        if self._options.with_demo:
            demo.want_when_new()
        token = self._start()
        say(f"Ready after {time.monotonic() - begin:.1f} s")
        announce(
            self._base,
            self._folder.root,
            token=token,
            relay=self._relay,
            inbound=self._inbound_port,
            domain=self._demo_domain,
        )
        if self._options.with_demo and demo.is_wanted:
            self._load_demo(demo, token)
        self._services.watch()

    def _start(self) -> str | None:
        """Return a bearer token once everything serves, or None where another party issues them."""
        commands = ChildCommands(self._folder, self._lock, os.environ)
        mongod = self._server(spawn_mongod, "mongod", "LETTERBOX_MONGO_URL")
        redis = self._server(spawn_redis, "redis", "LETTERBOX_REDIS_URL")
        smtp_port = free_port()
        inbox = self._added(commands.inbox(smtp_port))
        self._services.wait([server for server in (mongod, redis) if server])
        addresses = Addresses(
            mongo_url=mongod.url if mongod else self._own["LETTERBOX_MONGO_URL"],
            redis_url=redis.url if redis else self._own["LETTERBOX_REDIS_URL"],
            smtp_port=smtp_port,
            inbound_port=self._inbound_port,
        )
        variables = stack_variables(self._folder, self._options.port, addresses, self._own)
        settings = settings_from(variables)
        self._folder.write_environment(variables)
        own = [self._added(commands.api(variables))]
        forget_workers(addresses.redis_url)
        own += map(self._added, commands.workers(self._options.workers, variables))
        if self._inbound_port is not None:
            listener = commands.inbound(self._inbound_port, variables, own=self._demo_domain)
            own.append(self._added(listener))
        token = _demo_token(settings)
        self._services.wait([inbox, *own])
        return token

    def _server(self, start: SpawnServer, name: str, variable: str) -> RunningServer | None:
        if variable in self._own:
            say(f"  {name} is not started: {variable} is set")
            return None
        log = self._folder.log(name)
        server = start(self._folder.root / name, log=log, inherited=[self._lock])
        self._services.add(server)
        return server

    @property
    def _demo_domain(self) -> str | None:
        """The domain whose mail is the demo tenant's."""
        return DEMO_DOMAIN if self._options.with_demo else None

    @property
    def _relay(self) -> str | None:
        """The user's own relay, which then takes the mail instead of the inbox."""
        return self._own.get("LETTERBOX_SMTP_HOST")

    def _added(self, service: ChildService) -> ChildService:
        self._services.add(service)
        return service

    def _load_demo(self, demo: DemoMarker, token: str | None) -> None:
        # Its recipients are invented: that mail must not leave this machine.
        if self._relay or token is None:
            return
        try:
            templates = load_starter_set(self._base, token)
            topics = load_starter_topics(self._base, token)
            count = load_demo(self._base, token, self._services.check)
        except DemoError as error:
            complain(f"The demo could not be loaded: {error}")
            return
        demo.finish()
        say(f"{count} demo mails were sent: see {self._base}/dev/inbox")
        say(f"{templates} templates were made, and {topics} topics: see {self._base}/graphql")
