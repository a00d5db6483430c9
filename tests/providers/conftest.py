from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.context import Deps
from app.embedded.ports import free_port
from app.mail.addresses import Mailbox
from app.mail.compose import Message
from app.providers.base import OutgoingMessage
from app.providers.graph import GraphAccount, GraphProvider
from app.providers.resend import ResendAccount, ResendProvider
from app.providers.smtp import SmtpAccount, SmtpProvider
from app.services.pacing import StoredPacer
from app.settings import SmtpSecurity
from tests.fakes.certificates import Certificate, make_certificate
from tests.fakes.graph import CLIENT, DIRECTORY, MAILBOX, SECRET, FakeGraph
from tests.fakes.relay import Relay
from tests.fakes.resend import FULL, FakeResend
from tests.fakes.scripted_relay import ScriptedRelay, scripted_relay
from tests.providers.attempts import Attempts


@pytest.fixture
def outgoing() -> Callable[..., OutgoingMessage]:
    """Makes mails, each with its own Message-ID, with these parts of the message changed.

    They go to `recipients`, or to `envelope` where that differs from what stands in To.
    """
    numbers = count(1)

    def make(
        *,
        recipients: tuple[str, ...] = ("jan@b.test",),
        envelope: tuple[str, ...] | None = None,
        **changes: Any,
    ) -> OutgoingMessage:
        message_id = f"<{next(numbers)}@acme.test>"
        message = Message(
            sender=Mailbox("crm@acme.test", "Acme"),
            to=tuple(map(Mailbox, recipients)),
            subject="Offer",
            html="<p>Hello</p>",
            text="Hello",
            message_id=message_id,
            date=datetime(2026, 11, 24, 9, 30, tzinfo=UTC),
        )
        said = replace(message, **changes)
        return OutgoingMessage(said.message_id, envelope or recipients, said)

    return make


@pytest.fixture
async def open_smtp(relay: Relay) -> AsyncIterator[Callable[..., SmtpProvider]]:
    """Makes providers for `relay`, with these parts of the account changed."""
    opened: list[SmtpProvider] = []

    def make(**changes: Any) -> SmtpProvider:
        fields: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": relay.port,
            "security": SmtpSecurity.NONE,
            "username": None,
            "password": None,
            "ca_file": None,
            "connections": 4,
            "timeout": timedelta(seconds=1.5),
            "data_timeout": timedelta(seconds=1.5),
        }
        provider = SmtpProvider(SmtpAccount(**{**fields, **changes}))
        opened.append(provider)
        return provider

    yield make
    for provider in opened:
        await provider.close()


@pytest.fixture
def open_resend(resend: FakeResend, http: httpx2.AsyncClient) -> Callable[..., ResendProvider]:
    """Makes providers for `resend`, with these parts of the account changed."""

    def make(*, now: Callable[[], datetime] | None = None, **changes: Any) -> ResendProvider:
        fields: dict[str, Any] = {
            "api_key": FULL,
            "base_url": resend.url,
            "timeout": timedelta(seconds=1.5),
        }
        account = ResendAccount(**{**fields, **changes})
        if now is None:
            return ResendProvider(account, http)
        return ResendProvider(account, http, now=now)

    return make


@pytest.fixture
def open_graph(
    deps: Deps, graph: FakeGraph, http: httpx2.AsyncClient
) -> Callable[..., GraphProvider]:
    """Makes providers for `graph`, each as in a process of its own."""

    def make(
        *,
        settling: timedelta = timedelta(0),
        patience: timedelta = timedelta(seconds=20),
        **changes: Any,
    ) -> GraphProvider:
        fields: dict[str, Any] = {
            "directory_id": DIRECTORY,
            "client_id": CLIENT,
            "client_secret": SECRET,
            "mailbox": MAILBOX,
            "graph_url": f"{graph.url}/v1.0",
            "login_url": graph.url,
            "timeout": timedelta(seconds=1.5),
        }
        account = GraphAccount(**{**fields, **changes})
        pacer = StoredPacer("acme", f"graph:{account.mailbox}", patience=patience)
        return GraphProvider(account, http, pacer, settling=settling)

    return make


@pytest.fixture
def attempts() -> Attempts:
    return Attempts()


@pytest.fixture
async def script() -> AsyncIterator[ScriptedRelay]:
    async with scripted_relay() as relay:
        yield relay


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    folder: Path = tmp_path_factory.mktemp("certificate")
    return make_certificate(folder)


@pytest.fixture
def closed_port() -> int:
    return free_port()
