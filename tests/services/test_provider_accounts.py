import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context import Caller, Deps
from app.documents.provider_accounts import ProviderAccount
from app.documents.vocabulary import ProviderType
from app.errors import ConflictError, InvalidInputError, NotFoundError
from app.services import provider_accounts
from app.services.account_commands import CreateProviderAccount, UpdateProviderAccount
from app.services.account_secrets import secret_of
from app.services.connections import ListCommand
from app.services.inputs import parse

Footprint = Callable[[], Awaitable[dict[str, Any]]]
Create = Callable[..., Awaitable[ProviderAccount]]

SMTP: dict[str, Any] = {
    "host": "Relay.Acme.test",
    "port": 2525,
    "username": "acme",
    "password": "s3cret-1",
}
RESEND: dict[str, Any] = {"apiKey": "re_s3cret-2", "webhookSecret": "whsec_s3cret-3"}
GRAPH: dict[str, Any] = {
    "directoryId": "Acme.onmicrosoft.com",
    "clientId": "0F3B5E9A-0000-4000-8000-00000000000A",
    "mailbox": "Sales@Acme.test",
    "clientSecret": "s3cret-4",
    "clientState": "s3cret-5",
}
PARTS = {"smtp": SMTP, "resend": RESEND, "graph": GRAPH}


@pytest.fixture
def create(deps: Deps, caller: Caller) -> Create:
    async def make(name: str, *, by: Caller = caller, over: Deps = deps, **parts: Any) -> Any:
        given = {"name": name, **(parts or {"smtp": SMTP})}
        return await provider_accounts.create(over, by, parse(CreateProviderAccount, given))

    return make


async def test_a_relay_is_kept(deps: Deps, create: Create, caller: Caller) -> None:
    made = await create("Main", smtp=SMTP, senderEmails=["Sales@Acme.test", "@acme.test"])

    kept = await provider_accounts.account_of(caller, str(made.id))
    assert kept == made
    assert kept.smtp is not None
    assert kept.smtp.model_dump() == {
        "host": "relay.acme.test",
        "port": 2525,
        "security": "starttls",
        "username": "acme",
        "connections": 4,
    }
    assert (kept.name, kept.provider_type, kept.graph) == ("Main", ProviderType.SMTP, None)
    assert kept.sender_emails == ["sales@acme.test", "@acme.test"]
    assert (kept.tenant_id, kept.created_by, kept.updated_by) == ("acme", "alice", "alice")
    assert kept.created == kept.updated == deps.now()
    assert (kept.revision, kept.fallback_id) == (1, None)
    assert secret_of(deps.settings, kept, "password") == "s3cret-1"
    assert secret_of(deps.settings, kept, "api_key") is None


async def test_an_account_at_resend_is_kept(deps: Deps, create: Create) -> None:
    made = await create("Resend", resend=RESEND)

    assert (made.provider_type, made.smtp, made.graph) == (ProviderType.RESEND, None, None)
    assert secret_of(deps.settings, made, "api_key") == "re_s3cret-2"
    assert secret_of(deps.settings, made, "webhook_secret") == "whsec_s3cret-3"


async def test_a_mailbox_is_kept(deps: Deps, create: Create) -> None:
    made = await create("Graph", graph=GRAPH)

    assert made.graph is not None
    assert made.graph.model_dump() == {
        "directory_id": "acme.onmicrosoft.com",
        "client_id": "0f3b5e9a-0000-4000-8000-00000000000a",
        "mailbox": "sales@acme.test",
        "receives_mail": False,
        "receives_since": None,
    }
    assert (made.provider_type, made.smtp) == (ProviderType.GRAPH, None)
    assert secret_of(deps.settings, made, "client_secret") == "s3cret-4"
    assert secret_of(deps.settings, made, "client_state") == "s3cret-5"


async def test_no_secret_stands_in_the_store(
    deps: Deps, create: Create, capfd: pytest.CaptureFixture[str]
) -> None:
    for part, fields in PARTS.items():
        made = await create(part, **{part: fields})
        assert "s3cret" not in repr(made)

    rows = await ProviderAccount.get_motor_collection().find().to_list(None)
    assert len(rows) == 3
    assert b"s3cret" not in orjson.dumps(rows, default=str)
    assert "s3cret" not in "".join(capfd.readouterr())


async def test_a_secret_of_one_tenant_is_worth_nothing_to_another(
    deps: Deps, create: Create, other_tenant: Caller
) -> None:
    ours = await create("Main")
    theirs = await create("Main", by=other_tenant)
    stolen = theirs.model_copy(update={"secrets": ours.secrets})

    with pytest.raises(ValueError, match="not what was sealed for this place"):
        secret_of(deps.settings, stolen, "password")


async def test_without_keys_no_account_is_kept(
    deps: Deps, create: Create, footprint: Footprint
) -> None:
    before = await footprint()
    keyless = replace(deps, settings=deps.settings.model_copy(update={"secret_keys": None}))

    with pytest.raises(ConflictError, match="LETTERBOX_SECRET_KEYS is not set"):
        await create("Main", over=keyless)

    assert await footprint() == before


async def test_the_first_account_is_the_default(
    create: Create, caller: Caller, other_tenant: Caller
) -> None:
    first, second = await create("B"), await create("A")
    theirs = await create("B", by=other_tenant)

    assert (first.is_default, second.is_default, theirs.is_default) == (True, False, True)
    listed = (await provider_accounts.accounts_of(caller, ListCommand())).nodes
    assert [(one.name, one.is_default) for one in listed] == [("A", False), ("B", True)]


async def test_of_many_first_accounts_one_is_the_default(create: Create, caller: Caller) -> None:
    await asyncio.gather(*(create(str(number)) for number in range(8)))

    listed = (await provider_accounts.accounts_of(caller, ListCommand())).nodes
    assert len(listed) == 8
    assert sum(one.is_default for one in listed) == 1


@pytest.mark.parametrize(
    ("name", "senders", "path"),
    [("main", [], "name"), ("Other", ["SALES@acme.test"], "senderEmails")],
)
async def test_names_and_senders_are_given_once(
    create: Create, footprint: Footprint, name: str, senders: list[str], path: str
) -> None:
    await create("Main", smtp=SMTP, senderEmails=["info@acme.test", "sales@acme.test"])
    before = await footprint()

    with pytest.raises(ConflictError) as refused:
        await create(name, smtp=SMTP, senderEmails=senders)

    assert [field.path for field in refused.value.fields] == [path]
    assert await footprint() == before


async def test_another_tenant_may_use_the_same_names_and_senders(
    create: Create, other_tenant: Caller
) -> None:
    senders = {"smtp": SMTP, "senderEmails": ["sales@acme.test"]}
    await create("Main", **senders)

    assert (await create("Main", by=other_tenant, **senders)).is_default


async def test_a_fallback_is_an_account_of_the_tenant(
    create: Create, other_tenant: Caller, footprint: Footprint
) -> None:
    ours, theirs = await create("Main"), await create("Main", by=other_tenant)
    before = await footprint()

    for id_ in (str(theirs.id), "nonsense"):
        with pytest.raises(InvalidInputError, match="fallbackId: no provider account has this id"):
            await create("Other", smtp=SMTP, fallbackId=id_)

    assert await footprint() == before
    made = await create("Other", smtp=SMTP, fallbackId=str(ours.id))
    assert made.fallback_id == ours.id


async def test_a_tenant_may_have_a_hundred(
    monkeypatch: pytest.MonkeyPatch, create: Create, footprint: Footprint
) -> None:
    monkeypatch.setattr(provider_accounts, "ACCOUNTS_LIMIT", 2)
    await create("A")
    await create("B")
    before = await footprint()

    with pytest.raises(ConflictError, match="at most 2 provider accounts"):
        await create("C")

    assert await footprint() == before


async def test_another_tenants_account_is_unknown(create: Create, other_tenant: Caller) -> None:
    made = await create("Main")

    with pytest.raises(NotFoundError, match="No provider account has this id"):
        await provider_accounts.account_of(other_tenant, str(made.id))
    assert (await provider_accounts.accounts_of(other_tenant, ListCommand())).nodes == []


def refused_by(given: Any) -> dict[str, str]:
    with pytest.raises(InvalidInputError) as refused:
        parse(CreateProviderAccount, given)
    assert "s3cret" not in refused.value.detail
    return {field.path: field.message for field in refused.value.fields}


@pytest.mark.parametrize("parts", [{}, {"smtp": None}, {"smtp": SMTP, "resend": RESEND}])
def test_an_account_is_of_one_kind(parts: dict[str, Any]) -> None:
    faults = refused_by({"name": "Main", **parts})

    assert faults == {"request": "must have exactly one of smtp, resend, graph"}


@pytest.mark.parametrize(
    ("part", "field", "value", "words"),
    [
        ("smtp", "host", "", "host name"),
        ("smtp", "host", "relay.acme.test:25", "without a port"),
        ("smtp", "host", "a b", "host name"),
        ("smtp", "host", "::1:zz", "host name"),
        ("smtp", "host", "[::1]", "host name"),
        ("smtp", "host", "fe80::1%eth0\x7f", "control"),
        ("smtp", "host", "user@relay", "host name"),
        ("smtp", "host", "-relay", "host name"),
        ("smtp", "host", "r" * 254, "host name"),
        ("smtp", "host", "relay\nx", "line breaks"),
        ("smtp", "host", None, "must be a string"),
        ("smtp", "port", 0, "greater than or equal to 1"),
        ("smtp", "port", 65536, "less than or equal to 65535"),
        ("smtp", "security", "ssl", "must be one of none, starttls or tls"),
        ("smtp", "connections", 21, "less than or equal to 20"),
        ("smtp", "connections", 0, "greater than or equal to 1"),
        ("smtp", "username", "a\0b", "control characters"),
        ("smtp", "password", "s3cret\r\nRSET", "line breaks"),
        ("smtp", "password", "s3cret\ud800", "Unicode"),
        ("smtp", "password", "s3cret" * 400, "at most 2048 characters"),
        ("smtp", "password", " ", "must not be blank"),
        ("resend", "apiKey", "", "must not be blank"),
        ("resend", "apiKey", None, "string"),
        ("resend", "webhookSecret", "", "must not be blank"),
        ("graph", "directoryId", "../common", "GUID or a domain"),
        ("graph", "directoryId", "a/b", "GUID or a domain"),
        ("graph", "clientId", "acme", "must be a GUID"),
        ("graph", "mailbox", "sales", "no @-sign"),
        ("graph", "mailbox", "Sales <sales@acme.test>", "alone"),
        ("graph", "clientSecret", "", "must not be blank"),
        ("graph", "clientState", "s3cret\t", "line breaks"),
    ],
)
def test_a_wrong_field_is_named(part: str, field: str, value: object, words: str) -> None:
    whole = PARTS[part]
    given = {"name": "Main", part: {**whole, field: value}}

    faults = refused_by(given)

    assert list(faults) == [f"{part}.{field}"]
    assert words in faults[f"{part}.{field}"]


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ("smtp", "host"),
        ("resend", "apiKey"),
        ("graph", "directoryId"),
        ("graph", "clientId"),
        ("graph", "mailbox"),
        ("graph", "clientSecret"),
    ],
)
def test_what_an_account_needs_is_asked_for(part: str, field: str) -> None:
    whole = dict(PARTS[part])
    del whole[field]

    assert refused_by({"name": "Main", part: whole}) == {f"{part}.{field}": "is required"}


@pytest.mark.parametrize(
    ("sender", "words"),
    [
        ("acme.test", "no @-sign"),
        ("@", "nothing after the @-sign"),
        ("@acme", "no dot"),
        ("a@b@acme.test", "not valid"),
        ("Sales <sales@acme.test>", "alone"),
        ("<sales@acme.test>", "alone"),
        ("sales@acme.test\n", "line breaks"),
    ],
)
def test_a_wrong_sender_is_named(sender: str, words: str) -> None:
    faults = refused_by({"name": "Main", "smtp": SMTP, "senderEmails": ["ok@acme.test", sender]})

    assert list(faults) == ["senderEmails[1]"]
    assert words in faults["senderEmails[1]"]


def test_senders_are_kept_once_and_are_limited() -> None:
    given = {"name": "M", "smtp": SMTP, "senderEmails": ["a@acme.test", "A@ACME.test"]}

    assert parse(CreateProviderAccount, given).sender_emails == ["a@acme.test"]
    assert parse(CreateProviderAccount, {**given, "senderEmails": None}).sender_emails == []
    many = [f"a{number}@acme.test" for number in range(101)]
    faults = refused_by({**given, "senderEmails": many})
    assert faults == {"senderEmails": "must have at most 100 entries"}


def test_a_name_is_needed_and_short() -> None:
    assert refused_by({"smtp": SMTP}) == {"name": "is required"}
    assert list(refused_by({"name": " ", "smtp": SMTP})) == ["name"]
    assert list(refused_by({"name": "n" * 201, "smtp": SMTP})) == ["name"]


def test_what_is_shown_of_a_command_holds_no_secret() -> None:
    command = parse(CreateProviderAccount, {"name": "Main", "graph": GRAPH})

    assert "s3cret" not in repr(command)
    assert "s3cret" not in str(command.model_dump())


WILD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["name", "senderEmails", "fallbackId", *PARTS, *SMTP, *RESEND, *GRAPH, "security"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(WILD)
def test_wild_input_is_read_or_refused(given_: object) -> None:
    for command in (CreateProviderAccount, UpdateProviderAccount):
        with contextlib.suppress(InvalidInputError):
            parse(command, given_)
