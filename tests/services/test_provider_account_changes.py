import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.provider_accounts import ProviderAccount
from app.documents.vocabulary import AccountStatus
from app.errors import ConflictError, InvalidInputError, NotFoundError
from app.services import delivery, provider_accounts, scheduling
from app.services.account_commands import CreateProviderAccount, UpdateProviderAccount
from app.services.account_secrets import secret_of
from app.services.connections import ListCommand
from app.services.inputs import parse
from app.settings import SmtpSecurity
from tests.fakes.certificates import Certificate, make_certificate
from tests.fakes.clock import Clock
from tests.fakes.relay import Relay, running_relay

Footprint = Callable[[], Awaitable[dict[str, Any]]]
Account = Callable[..., Awaitable[ProviderAccount]]
Update = Callable[..., Awaitable[ProviderAccount]]
Send = Callable[..., Awaitable[Communication]]
DeliveryOf = Callable[[PydanticObjectId], Awaitable[Delivery]]

PRIVATE = "must be a public host; this one is in a private network"
LOGIN = {"username": "acme", "password": "s3cret"}
SMTP: dict[str, Any] = {"host": "relay.acme.test", "port": 587, **LOGIN}
RESEND: dict[str, Any] = {"apiKey": "re_1", "webhookSecret": "whsec_1"}
GRAPH: dict[str, Any] = {
    "directoryId": "acme.onmicrosoft.com",
    "clientId": "0f3b5e9a-0000-4000-8000-00000000000a",
    "mailbox": "sales@acme.test",
    "clientSecret": "s3cret-4",
    "clientState": "s3cret-5",
}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def update(deps: Deps, caller: Caller) -> Update:
    async def change(
        account: ProviderAccount, *, by: Caller = caller, over: Deps = deps, **given: Any
    ) -> ProviderAccount:
        command = parse(UpdateProviderAccount, given)
        return await provider_accounts.update(over, by, str(account.id), command)

    return change


async def test_what_is_left_out_stays(
    deps: Deps, account: Account, update: Update, clock: Clock
) -> None:
    spare = await account("Spare")
    fields = {"smtp": SMTP, "senderEmails": ["a@acme.test"], "fallbackId": str(spare.id)}
    before = await account("Main", **fields)
    clock.advance(timedelta(seconds=5))

    after = await update(before, name="Other", smtp={"connections": 9})

    expected = before.model_copy(deep=True)
    assert expected.smtp is not None
    expected.name, expected.smtp.connections = "Other", 9
    expected.revision, expected.updated = 2, clock.now()
    assert after == expected
    assert secret_of(deps.settings, after, "password") == "s3cret"


async def test_everything_can_be_changed(deps: Deps, account: Account, update: Update) -> None:
    spare, main = await account("Spare"), await account("Main", smtp=SMTP)

    after = await update(
        main,
        senderEmails=["b@acme.test"],
        fallbackId=str(spare.id),
        smtp={"host": "b.test", "port": 465, "security": "tls", "username": "u", "password": "p"},
    )

    assert after.smtp is not None
    assert after.smtp.model_dump() == {
        "host": "b.test",
        "port": 465,
        "security": SmtpSecurity.TLS,
        "username": "u",
        "connections": 4,
    }
    assert (after.sender_emails, after.fallback_id) == (["b@acme.test"], spare.id)
    assert secret_of(deps.settings, after, "password") == "p"


async def test_null_takes_away_what_is_optional(account: Account, update: Update) -> None:
    spare = await account("Spare")
    main = await account("Main", smtp=SMTP, senderEmails=["a@acme.test"], fallbackId=str(spare.id))

    after = await update(main, senderEmails=None, fallbackId=None, smtp={"username": None})

    assert (after.sender_emails, after.fallback_id, after.secrets) == ([], None, {})
    assert after.smtp is not None
    assert after.smtp.username is None


async def test_secrets_of_each_kind_change(deps: Deps, account: Account, update: Update) -> None:
    resend = await account("Resend", resend=RESEND)
    graph = await account("Graph", graph=GRAPH)

    resend = await update(resend, resend={"apiKey": "re_2", "webhookSecret": None})
    graph = await update(graph, graph={"clientState": None, "mailbox": "b@acme.test"})

    assert secret_of(deps.settings, resend, "api_key") == "re_2"
    assert secret_of(deps.settings, resend, "webhook_secret") is None
    assert secret_of(deps.settings, graph, "client_secret") == "s3cret-4"
    assert secret_of(deps.settings, graph, "client_state") is None
    assert graph.graph is not None
    assert graph.graph.mailbox == "b@acme.test"
    rows = await ProviderAccount.get_motor_collection().find().to_list(None)
    assert b"s3cret" not in orjson.dumps(rows, default=str)
    assert b"re_2" not in orjson.dumps(rows, default=str)


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"name": None}, ["name"]),
        ({"name": " "}, ["name"]),
        ({"resend": {"apiKey": "re_1"}}, ["resend"]),
        ({"graph": {}, "resend": {}}, ["resend", "graph"]),
        ({"smtp": {"host": None}}, ["smtp.host"]),
        ({"smtp": {"port": 0, "connections": 99}}, ["smtp.port", "smtp.connections"]),
        ({"smtp": {"password": None}}, ["smtp.password"]),
        ({"smtp": {"username": None, "password": "p"}}, ["smtp.username"]),
        ({"smtp": {"host": "evil.test"}}, ["smtp.password"]),
        ({"smtp": {"port": 25}}, ["smtp.password"]),
        ({"smtp": {"security": "none"}}, ["smtp.password"]),
        ({"fallbackId": "0123456789abcdef01234567"}, ["fallbackId"]),
        ({"fallbackId": "OWN"}, ["fallbackId"]),
        ({"senderEmails": ["nobody"]}, ["senderEmails[0]"]),
    ],
)
async def test_a_wrong_change_is_refused_whole(
    account: Account,
    update: Update,
    footprint: Footprint,
    given: dict[str, Any],
    fields: list[str],
) -> None:
    main = await account("Main", smtp=SMTP)
    if given.get("fallbackId") == "OWN":
        given = {"fallbackId": str(main.id)}
    before = await footprint()

    with pytest.raises(InvalidInputError) as refused:
        await update(main, **{"senderEmails": ["x@acme.test"], **given})

    assert [field.path for field in refused.value.fields] == fields
    assert await footprint() == before


@pytest.mark.parametrize("given", [{"name": "SPARE"}, {"senderEmails": ["spare@acme.test"]}])
async def test_what_another_account_has_is_not_taken(
    account: Account, update: Update, footprint: Footprint, given: dict[str, Any]
) -> None:
    await account("Spare", senderEmails=["spare@acme.test"])
    main = await account("Main")
    before = await footprint()

    with pytest.raises(ConflictError, match="of another provider account"):
        await update(main, **given)

    assert await footprint() == before


async def test_a_change_on_an_older_revision_is_refused(account: Account, update: Update) -> None:
    main = await account("Main")
    await update(main, name="Second", revision=1)

    with pytest.raises(ConflictError, match="has revision 2 by now"):
        await update(main, name="Third", revision=1)


async def test_changes_at_once_all_count(account: Account, update: Update, caller: Caller) -> None:
    main = await account("Main", resend=RESEND)

    await asyncio.gather(
        update(main, name="Other"),
        update(main, resend={"webhookSecret": "w"}),
        update(main, senderEmails=["a@acme.test"]),
    )

    after = await provider_accounts.account_of(caller, str(main.id))
    assert (after.name, after.sender_emails, after.revision) == ("Other", ["a@acme.test"], 4)


async def test_a_changed_account_is_tried_again_with_what_it_is_now(
    deps: Deps,
    account: Account,
    update: Update,
    dispatched: Send,
    delivery_of: DeliveryOf,
    queued: Callable[[], Awaitable[dict[str, float]]],
    second_relay: Relay,
) -> None:
    main = await account("Main", port=9)
    first = await dispatched()
    await ProviderAccount.get_motor_collection().update_one(
        {"_id": main.id}, {"$set": {"downUntil": deps.now() + timedelta(hours=1)}}
    )
    down = await provider_accounts.account_of(Caller("acme", "x", frozenset()), str(main.id))
    assert (down.status, down.failures) == (AccountStatus.DOWN, 1)

    after = await update(main, smtp={"port": second_relay.port})

    assert (after.status, after.failures, after.last_error) == (AccountStatus.UP, 0, None)
    await dispatched()
    assert len(second_relay.taken) == 1
    # What waited for its second attempt need not wait any longer, whatever job it has.
    before = set(await queued())
    assert await delivery.sweep(deps) == 1
    assert len(set(await queued()) - before) == 1
    row = await delivery_of(first.id)
    assert row.due_at == deps.now() - deps.settings.lease
    await delivery.deliver(deps, str(row.id))
    assert len(second_relay.taken) == 2


async def test_a_good_test_wakes_what_waits_for_the_account_alone(
    deps: Deps,
    account: Account,
    caller: Caller,
    send: Send,
    dispatched: Send,
    delivery_of: DeliveryOf,
    second_relay: Relay,
    clock: Clock,
) -> None:
    await account("Other", port=9)
    main = await account("Main", port=second_relay.port, senderEmails=["sales@acme.test"])
    other = await delivery_of((await dispatched()).id)
    second_relay.data_replies = ["451 later"]
    waiting = await delivery_of((await dispatched({"senderEmail": "sales@acme.test"})).id)
    clock.advance(timedelta(seconds=1))
    assert waiting.due_at is not None
    assert waiting.due_at > deps.now()

    assert (await provider_accounts.try_out(deps, caller, str(main.id))).ok

    due_at = deps.now() - deps.settings.lease
    assert (await delivery_of(waiting.communication_id)).due_at == due_at
    assert (await delivery_of(other.communication_id)).due_at == other.due_at


async def test_the_default_is_one_at_any_time(deps: Deps, account: Account, caller: Caller) -> None:
    made = [await account(str(number)) for number in range(4)]

    for one in (made[2], made[2], made[0]):
        changed = await provider_accounts.set_default(deps, caller, str(one.id))
        assert (changed.id, changed.is_default, changed.updated_by) == (one.id, True, "alice")
    await asyncio.gather(
        *(provider_accounts.set_default(deps, caller, str(one.id)) for one in made * 3)
    )

    accounts = (await provider_accounts.accounts_of(caller, ListCommand())).nodes
    assert sum(one.is_default for one in accounts) == 1


async def test_an_account_is_deleted_with_its_secrets(
    deps: Deps, account: Account, caller: Caller
) -> None:
    only = await account("Only", smtp=SMTP)

    await provider_accounts.delete(deps, caller, str(only.id))

    assert await ProviderAccount.get_motor_collection().count_documents({}) == 0
    with pytest.raises(NotFoundError):
        await provider_accounts.delete(deps, caller, str(only.id))


async def test_what_others_rely_on_is_not_deleted(
    deps: Deps, account: Account, update: Update, caller: Caller, footprint: Footprint
) -> None:
    default = await account("Default")
    spare = await account("Spare")
    main = await account("Main", fallbackId=str(spare.id))
    before = await footprint()

    with pytest.raises(ConflictError, match="It is the fallback of Main: change that first"):
        await provider_accounts.delete(deps, caller, str(spare.id))
    with pytest.raises(ConflictError, match="It is the default: make another account the default"):
        await provider_accounts.delete(deps, caller, str(default.id))

    assert await footprint() == before
    await update(main, fallbackId=None)
    await provider_accounts.delete(deps, caller, str(spare.id))
    await provider_accounts.set_default(deps, caller, str(main.id))
    await provider_accounts.delete(deps, caller, str(default.id))
    assert [
        one.name for one in (await provider_accounts.accounts_of(caller, ListCommand())).nodes
    ] == ["Main"]


async def test_an_account_that_mail_waits_for_is_not_deleted(
    deps: Deps,
    account: Account,
    caller: Caller,
    mail: dict[str, Any],
    send: Send,
    footprint: Footprint,
    second_relay: Relay,
) -> None:
    main = await account("Main", port=second_relay.port)
    later = parse(scheduling.ScheduleCommunication, {**mail, "scheduledAt": "2999-01-01T00:00:00Z"})
    scheduled = await scheduling.schedule(deps, caller, later)
    pending = await send()
    before = await footprint()

    with pytest.raises(ConflictError, match="Mail waits to go out by it"):
        await provider_accounts.delete(deps, caller, str(main.id))
    assert await footprint() == before
    await scheduling.cancel(deps, caller, str(scheduled.id))
    with pytest.raises(ConflictError, match="Mail waits to go out by it"):
        await provider_accounts.delete(deps, caller, str(main.id))

    await delivery.dispatch(deps, str(pending.id))
    await provider_accounts.delete(deps, caller, str(main.id))


async def test_another_tenants_account_is_left_alone(
    deps: Deps, account: Account, update: Update, other_tenant: Caller, footprint: Footprint
) -> None:
    main = await account("Main")
    before = await footprint()
    id_ = str(main.id)

    for attempt in (
        update(main, by=other_tenant, name="Mine"),
        provider_accounts.delete(deps, other_tenant, id_),
        provider_accounts.set_default(deps, other_tenant, id_),
        provider_accounts.try_out(deps, other_tenant, id_),
    ):
        with pytest.raises(NotFoundError):
            await attempt

    assert await footprint() == before


async def test_a_test_finds_that_an_account_works(
    adjusted: Callable[..., Deps], account: Account, caller: Caller, certificate: Certificate
) -> None:
    deps = adjusted(smtp_ca_file=certificate.file)
    async with running_relay(starttls=certificate.context, users={"acme": "s3cret"}) as relay:
        smtp = {"host": "127.0.0.1", "port": relay.port}
        main = await account("Main", smtp={**smtp, **LOGIN})
        await ProviderAccount.get_motor_collection().update_one(
            {"_id": main.id},
            {"$set": {"failures": 7, "downUntil": deps.now(), "lastError": "words"}},
        )

        found = await provider_accounts.try_out(deps, caller, str(main.id))

        assert (found.ok, found.detail) == (True, None)
        assert relay.taken == []
        await asyncio.sleep(0.05)
        assert not relay.sessions
    up = await provider_accounts.account_of(caller, str(main.id))
    assert (up.status, up.failures, up.last_error) == (AccountStatus.UP, 0, None)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"host": "127.0.0.1", "port": 9, "security": "none"}, "no connection to the relay"),
        ({"host": "relay.invalid", "security": "none"}, "no connection to the relay relay.invalid"),
        ({"host": "a" * 64 + ".test"}, "no connection to the relay"),
    ],
)
async def test_a_test_tells_what_is_wrong(
    deps: Deps, account: Account, caller: Caller, fields: dict[str, Any], words: str
) -> None:
    main = await account("Main", smtp=fields)

    found = await provider_accounts.try_out(deps, caller, str(main.id))

    assert not found.ok
    assert found.detail is not None
    assert found.detail.startswith(words)
    # Whoever tests does not take it down.
    assert (await provider_accounts.account_of(caller, str(main.id))).failures == 0


async def test_a_test_tells_of_wrong_credentials(
    adjusted: Callable[..., Deps], account: Account, caller: Caller, certificate: Certificate
) -> None:
    deps = adjusted(smtp_ca_file=certificate.file)
    async with running_relay(starttls=certificate.context, users={"acme": "right"}) as relay:
        main = await account("Main", smtp={"host": "127.0.0.1", "port": relay.port, **LOGIN})

        found = await provider_accounts.try_out(deps, caller, str(main.id))

    assert not found.ok
    assert found.detail is not None
    assert found.detail.startswith("the relay refused our credentials: 535 ")
    assert "s3cret" not in found.detail


async def test_a_test_takes_no_longer_than_it_may(
    deps: Deps,
    adjusted: Callable[..., Deps],
    account: Account,
    caller: Caller,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(provider_accounts, "TEST_LIMIT", timedelta(seconds=1))

    async def never_greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(never_greet, "127.0.0.1", 0) as server:
        main = await account("Main", port=server.sockets[0].getsockname()[1])

        found = await provider_accounts.try_out(
            adjusted(smtp_timeout=timedelta(minutes=1)), caller, str(main.id)
        )

    assert (found.ok, found.detail) == (False, "no answer within 1 seconds")


@pytest.fixture
def strict(adjusted: Callable[..., Deps]) -> Deps:
    """As in production: hosts of tenants must be public."""
    return adjusted(allow_private_hosts=False)


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({"host": "127.0.0.1"}, {"smtp.host": PRIVATE}),
        ({"host": "localhost"}, {"smtp.host": PRIVATE}),
        ({"host": "169.254.169.254", "port": 80}, {
            "smtp.port": "must be one of 25, 465, 587, 2525",
            "smtp.host": PRIVATE,
        }),
        ({"host": "::ffff:10.0.0.1"}, {"smtp.host": PRIVATE}),
        ({"host": "relay.invalid"}, {"smtp.host": "no host of this name is found"}),
        ({"host": "1.1.1.1", "port": 6379}, {"smtp.port": "must be one of 25, 465, 587, 2525"}),
        ({"host": "1.1.1.1", "security": "none", **LOGIN}, {
            "smtp.security": (
                "must be starttls or tls where there is a password: it would go in the clear"
            ),
        }),
        ({"host": "1.1.1.1", "username": "acme"}, {"smtp.password": "is required with a username"}),
        ({"host": "1.1.1.1", "password": "p"}, {"smtp.username": "is required with a password"}),
    ],
)  # fmt: skip
async def test_a_relay_that_may_not_be_used_is_refused(
    strict: Deps,
    caller: Caller,
    footprint: Footprint,
    fields: dict[str, Any],
    faults: dict[str, str],
) -> None:
    before = await footprint()
    command = parse(CreateProviderAccount, {"name": "Main", "smtp": fields})

    with pytest.raises(InvalidInputError) as refused:
        await provider_accounts.create(strict, caller, command)

    assert {field.path: field.message for field in refused.value.fields} == faults
    assert await footprint() == before


async def test_a_relay_cannot_be_moved_into_the_network(
    strict: Deps, caller: Caller, update: Update, footprint: Footprint
) -> None:
    given = parse(CreateProviderAccount, {"name": "Main", "smtp": {"host": "1.1.1.1"}})
    main = await provider_accounts.create(strict, caller, given)
    before = await footprint()

    with pytest.raises(InvalidInputError, match=r"smtp\.host: must be a public host"):
        await update(main, over=strict, smtp={"host": "10.0.0.1"})

    assert await footprint() == before


async def test_a_relay_that_was_allowed_once_is_not_connected_to_in_the_network(
    strict: Deps, account: Account, caller: Caller, dispatched: Send, second_relay: Relay
) -> None:
    main = await account("Main", port=second_relay.port)

    found = await provider_accounts.try_out(strict, caller, str(main.id))
    await dispatched(over=strict)

    assert not found.ok
    assert found.detail is not None
    assert "must be one of 25, 465, 587, 2525" in found.detail
    assert second_relay.connections == 0
