from collections.abc import Awaitable, Callable

import pytest
from pydantic import AnyHttpUrl

from app.context import Caller, Deps
from app.documents.provider_accounts import ProviderAccount
from app.documents.provider_events import ProviderEvent
from app.services import provider_accounts, webhooks
from app.services.account_commands import CreateProviderAccount
from app.services.event_processing import process
from app.services.inputs import parse
from app.services.signatures import Signed
from tests.fakes.clock import Clock
from tests.fakes.resend import FULL, FakeResend
from tests.fakes.svix import SECRET, signed


@pytest.fixture
def over(adjusted: Callable[..., Deps], resend: FakeResend) -> Deps:
    """`deps` that finds Resend where the fake is."""
    return adjusted(resend_url=AnyHttpUrl(resend.url))


@pytest.fixture
async def resend_account(deps: Deps, caller: Caller) -> ProviderAccount:
    """An account of acme's at Resend."""
    key = {"apiKey": FULL, "webhookSecret": SECRET}
    command = parse(CreateProviderAccount, {"name": "Resend", "resend": key})
    return await provider_accounts.create(deps, caller, command)


@pytest.fixture
def take(
    over: Deps, resend_account: ProviderAccount, clock: Clock
) -> Callable[..., Awaitable[str]]:
    """Takes an event in as Resend tells it; the id under which it is kept."""

    async def tell(body: bytes, *, id_: str | None = None) -> str:
        name = id_ or f"msg_{await ProviderEvent.count()}"
        headers = signed(body, id_=name, at=clock.now())
        await webhooks.take_resend(over, str(resend_account.id), Signed(*headers.values()), body)
        kept = await ProviderEvent.find_one({"eventId": name})
        assert kept is not None
        return str(kept.id)

    return tell


@pytest.fixture
def look(over: Deps) -> Callable[..., Awaitable[ProviderEvent]]:
    """Looks into an event that was kept; what came of it."""

    async def into(id_: str, *, deps: Deps = over) -> ProviderEvent:
        await process(deps, id_)
        found = await ProviderEvent.get(id_)
        assert found is not None
        return found

    return into
