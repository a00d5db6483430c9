import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from aiosmtpd.smtp import SMTP
from beanie import PydanticObjectId

from app.bootstrap import open_providers
from app.context import Caller, Deps, Scope
from app.documents import dispatches
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.provider_accounts import ProviderAccount
from app.documents.recipient_lists import RecipientList
from app.documents.vocabulary import CommunicationStatus, ProviderType
from app.embedded.ports import free_port
from app.providers.base import EmailProvider, OutgoingMessage, ProviderError, Receipt
from app.providers.resend import ResendAccount, ResendProvider
from app.services import (
    delivery,
    envelopes,
    fanout,
    list_batches,
    list_members,
    provider_accounts,
    recipient_lists,
    sending,
)
from app.services.account_commands import CreateProviderAccount
from app.services.inputs import parse
from tests.fakes.clock import Clock
from tests.fakes.relay import Relay, never_answer, running_relay
from tests.fakes.resend import FULL, FakeResend
from tests.fakes.scripted_relay import ScriptedRelay, scripted_relay


@pytest.fixture
def clock() -> Clock:
    """Far ahead: MongoDB and Valkey forget by their own clock what is past."""
    return Clock(datetime(2100, 11, 24, 9, 30, tzinfo=UTC))


@pytest.fixture
def adjusted(deps: Deps) -> Callable[..., Deps]:
    """`deps` with other settings."""

    def adjust(**changes: Any) -> Deps:
        return replace(deps, settings=deps.settings.model_copy(update=changes))

    return adjust


@pytest.fixture
def stored() -> Callable[[PydanticObjectId], Awaitable[Communication]]:
    """The record as MongoDB holds it now."""

    async def find(id_: PydanticObjectId) -> Communication:
        found = await Communication.shown("acme", str(id_))
        assert found is not None
        return found

    return find


@pytest.fixture
def delivery_of() -> Callable[[PydanticObjectId], Awaitable[Delivery]]:
    """The delivery of a record as MongoDB holds it now."""

    async def find(communication_id: PydanticObjectId) -> Delivery:
        found = await Delivery.of_communication(communication_id, 1)
        assert found is not None
        return found

    return find


@pytest.fixture
def dispatched(
    deps: Deps, send: Callable[..., Awaitable[Communication]]
) -> Callable[..., Awaitable[Communication]]:
    """Accepts a mail and dispatches it once; the record as it was accepted."""

    async def accept_and_dispatch(
        changes: dict[str, Any] | None = None, *, over: Deps = deps
    ) -> Communication:
        record = await send(changes)
        await delivery.dispatch(over, str(record.id))
        return record

    return accept_and_dispatch


@pytest.fixture
def closed_port() -> int:
    return free_port()


class FaultyProvider:
    """What no provider may do: raise something of its own."""

    async def send(self, message: OutgoingMessage) -> Receipt:
        raise ZeroDivisionError(f"secret words about {message.message.sender}")

    async def verify(self) -> None:
        return

    async def identify(self, provider_id: str) -> str | None:
        return None

    async def close(self) -> None:
        return


class ScriptedProvider:
    """Raises what stands in `faults`, one at each mail; then it takes them."""

    def __init__(self, *faults: ProviderError) -> None:
        self.faults = list(faults)
        self.taken: list[OutgoingMessage] = []

    async def send(self, message: OutgoingMessage) -> Receipt:
        if self.faults:
            raise self.faults.pop(0)
        self.taken.append(message)
        return Receipt(f"id-{len(self.taken)}", message.message.message_id)

    async def verify(self) -> None:
        if self.faults:
            raise self.faults[0]

    async def identify(self, provider_id: str) -> str | None:
        return None

    async def close(self) -> None:
        return


class StoppingProvider:
    """Hands a mail over; its job is cancelled just then, as when the worker is stopped."""

    def __init__(self, provider: EmailProvider) -> None:
        self._provider = provider

    async def send(self, message: OutgoingMessage) -> Receipt:
        receipt = await self._provider.send(message)
        job = asyncio.current_task()
        assert job is not None
        asyncio.get_running_loop().call_soon(job.cancel)
        return receipt

    async def verify(self) -> None:
        return

    async def identify(self, provider_id: str) -> str | None:
        return None

    async def close(self) -> None:
        return


@pytest.fixture
def stopping_provider(deps: Deps) -> StoppingProvider:
    return StoppingProvider(deps.providers[ProviderType.SMTP])


@pytest.fixture
def scripted(deps: Deps) -> Callable[..., tuple[Deps, ScriptedProvider]]:
    """`deps` with a provider that raises these errors, one at each mail."""

    def script(*faults: ProviderError) -> tuple[Deps, ScriptedProvider]:
        provider = ScriptedProvider(*faults)
        return replace(deps, providers={ProviderType.SMTP: provider}), provider

    return script


@pytest.fixture
def faulty_provider() -> FaultyProvider:
    return FaultyProvider()


@pytest.fixture
async def script() -> AsyncIterator[ScriptedRelay]:
    async with scripted_relay() as relay:
        yield relay


@pytest.fixture
async def open_relay(deps: Deps) -> AsyncIterator[Callable[..., Deps]]:
    """`deps` with other settings, and providers opened by them."""
    opened: list[EmailProvider] = []

    def with_settings(**changes: Any) -> Deps:
        settings = deps.settings.model_copy(update=changes)
        providers = open_providers(settings)
        opened.extend(providers.values())
        return replace(deps, settings=settings, providers=providers)

    yield with_settings
    for provider in opened:
        await provider.close()


@pytest.fixture
def other_tenant() -> Caller:
    return Caller("globex", "bob", frozenset(Scope))


@pytest.fixture
def claimed(
    deps: Deps, send: Callable[..., Awaitable[Communication]]
) -> Callable[[], Awaitable[Delivery]]:
    """A delivery that a worker took and then died, before the mail was handed over."""

    async def accept_and_claim() -> Delivery:
        record = await send()
        now = deps.now()
        until = now + deps.settings.lease
        begun = await dispatches.begin(str(record.id), now=now, until=until)
        assert begun is not None
        row = await (await envelopes.prepare(deps, begun)).store_once()
        taken = await Delivery.claim(str(row.id), lease="dead", now=now, until=until)
        assert taken is not None
        assert await dispatches.continue_(record.id, now) is not None
        return taken

    return accept_and_claim


@pytest.fixture
def caught_sending(
    relay: Relay,
) -> Callable[[Deps, Communication], Awaitable[asyncio.Task[None]]]:
    """A worker's job, caught while the relay does not answer its mail."""

    async def catch(deps: Deps, record: Communication) -> asyncio.Task[None]:
        reached = asyncio.Event()

        async def hang(server: SMTP) -> None:
            reached.set()
            await never_answer(server)

        relay.on_data = hang
        job = asyncio.create_task(delivery.dispatch(deps, str(record.id)))
        await asyncio.wait_for(reached.wait(), 5)
        return job

    return catch


@pytest.fixture
def make_list(deps: Deps, caller: Caller) -> Callable[..., Awaitable[RecipientList]]:
    """Makes a list of acme's with these rows as members."""

    async def make(*rows: dict[str, Any], name: str = "Customers", **fields: Any) -> RecipientList:
        command = parse(recipient_lists.CreateRecipientList, {"name": name, **fields})
        made = await recipient_lists.create(deps, caller, command)
        added = await list_members.add(deps, caller, str(made.id), rows)
        assert all(one.member is not None for one in added)
        return made

    return make


@pytest.fixture
def account(deps: Deps, caller: Caller) -> Callable[..., Awaitable[ProviderAccount]]:
    """Keeps a relay of the tenant acme, with these documented fields besides its name."""

    async def keep(
        name: str, *, port: int = 2525, by: Caller = caller, **fields: Any
    ) -> ProviderAccount:
        smtp = {"host": "127.0.0.1", "port": port, "security": "none"}
        kinds = {"smtp", "resend", "graph"} & fields.keys()
        given = {"name": name, **({} if kinds else {"smtp": smtp}), **fields}
        return await provider_accounts.create(deps, by, parse(CreateProviderAccount, given))

    return keep


@pytest.fixture
async def second_relay() -> AsyncIterator[Relay]:
    async with running_relay() as relay:
        yield relay


@pytest.fixture
def send_list(deps: Deps, caller: Caller) -> Callable[..., Awaitable[Communication]]:
    """Accepts a mail to a list, with these documented fields, as alice of acme by default."""

    async def accept(to: RecipientList, *, by: Caller = caller, **changes: Any) -> Communication:
        mail = {"subject": "News", "body": "<p>Hello</p>", "recipientListId": str(to.id)}
        command = parse(sending.SendCommunication, {**mail, **changes})
        return await sending.accept(deps, by, command)

    return accept


@pytest.fixture
def fan_out(deps: Deps) -> Callable[..., Awaitable[None]]:
    """Does one turn of a list mail, and sends nothing."""

    async def turn(record: Communication, *, over: Deps = deps) -> None:
        await fanout.fan_out(over, str(record.id))

    return turn


@pytest.fixture
def run_list(deps: Deps) -> Callable[..., Awaitable[None]]:
    """Does what workers do with a list mail that is due, until nothing more is."""

    async def run(record: Communication, *, over: Deps = deps) -> None:
        await fanout.fan_out(over, str(record.id))
        found = await Communication.get(record.id)
        assert found is not None
        due = {"communicationId": record.id, "batchAt": {"$lte": over.now()}}
        while found.status == CommunicationStatus.SENDING and found.paused_at is None:
            await list_batches.deliver(over, f"{found.id}/{found.dispatches}")
            if await Delivery.find_one(due) is None:
                break
        await fanout.fan_out(over, str(record.id))

    return run


@pytest.fixture
def rows_of() -> Callable[..., Awaitable[list[Delivery]]]:
    """The deliveries of a list mail in the order of its members."""

    async def find(record: Communication, *, sending: int = 1) -> list[Delivery]:
        criteria = {"communicationId": record.id, "sending": sending}
        rows = Delivery.get_motor_collection().find(criteria).sort("memberId")
        return [Delivery.model_validate(row) async for row in rows]

    return find


@pytest.fixture
def by_resend(deps: Deps, resend: FakeResend, http: httpx2.AsyncClient) -> Deps:
    """`deps` of a service that sends by Resend."""
    account = ResendAccount(FULL, resend.url, timedelta(seconds=0.5))
    provider = ResendProvider(account, http, now=deps.now)
    return replace(deps, providers={ProviderType.RESEND: provider})


@pytest.fixture
def mailed(
    by_resend: Deps, send: Callable[..., Awaitable[Communication]]
) -> Callable[..., Awaitable[Communication]]:
    """Accepts a mail that goes by Resend and dispatches it once; the record as it was accepted."""

    async def accept_and_dispatch(changes: dict[str, Any] | None = None) -> Communication:
        record = await send({"providerType": "RESEND", **(changes or {})}, over=by_resend)
        await delivery.dispatch(by_resend, str(record.id))
        return record

    return accept_and_dispatch


@pytest.fixture
def campaign(
    make_list: Any, send_list: Any, run_list: Any, rows_of: Any
) -> Callable[..., Awaitable[tuple[Communication, list[Delivery]]]]:
    """Sends a mail with these fields to a list of these members; it, and what each got."""

    async def run(*emails: str, **fields: Any) -> tuple[Communication, list[Delivery]]:
        members = [{"email": email} for email in emails]
        record = await send_list(await make_list(*members), **fields)
        await run_list(record)
        return record, await rows_of(record)

    return run
