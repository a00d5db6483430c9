"""A tenant's own accounts, from making them to what they sent, at both doors."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from app.context import Deps
from app.documents.provider_accounts import ProviderAccount
from app.embedded.ports import free_port
from app.services import delivery
from tests.doors import Door
from tests.fakes.clock import Clock
from tests.fakes.relay import Relay, running_relay

Ask = Callable[..., Awaitable[Any]]

ACCOUNT = (
    "id name providerType senderEmails isDefault fallbackId status lastError downUntil revision "
    "created createdBy updated updatedBy "
    "smtp { host port security username connections hasPassword } "
    "resend { hasApiKey hasWebhookSecret } "
    "graph { directoryId clientId mailbox hasClientSecret hasClientState }"
)
CREATE = (
    "mutation($input: CreateProviderAccountInput!) { answer: createProviderAccount(input: $input) "
    f"{{ {ACCOUNT} }} }}"
)
UPDATE = (
    "mutation($id: ID!, $input: UpdateProviderAccountInput!) { "
    f"answer: updateProviderAccount(id: $id, input: $input) {{ {ACCOUNT} }} }}"
)
TEST = (
    "mutation($id: ID!) { answer: testProviderAccount(id: $id) "
    "{ ok detail accountId account { id status } } }"
)


@pytest.fixture
def ask(client: httpx2.AsyncClient) -> Ask:
    async def post(document: str, **variables: Any) -> Any:
        body = {"query": document, "variables": variables}
        answer = (await client.post("/graphql", json=body)).json()
        assert "errors" not in answer, answer
        return answer["data"]["answer"]

    return post


async def test_a_relay_that_is_down_is_stood_in_for_once(
    deps: Deps, door: Door, ask: Ask, mail: dict[str, Any], relay: Relay, clock: Clock
) -> None:
    down_port = free_port()
    async with running_relay() as spare_relay:
        spare = await ask(CREATE, input=smtp("Spare", spare_relay.port))
        main = await ask(
            CREATE,
            input={
                **smtp("Main", down_port),
                "senderEmails": ["sales@acme.test"],
                "fallbackId": spare["id"],
            },
        )
        sent = (await door.send({**mail, "senderEmail": "sales@acme.test"})).record
        assert sent["providerType"] == "SMTP"

        for _ in range(deps.settings.account_failures):
            await delivery.dispatch(deps, (await door.send(sales(mail))).record["id"])
        await delivery.dispatch(deps, sent["id"])
        await delivery.sweep(deps)
        clock.advance(timedelta(days=1))

    record = (await door.find(sent["id"])).record
    [account] = [
        one
        for one in (await ask(f"{{ answer: providerAccounts {{ nodes {{ {ACCOUNT} }} }} }}"))[
            "nodes"
        ]
        if one["id"] == main["id"]
    ]
    words = f"no connection to the relay 127.0.0.1:{down_port}: "
    assert account["status"] == "DOWN"
    assert account["lastError"].startswith(words)
    remark = f"Sent by the fallback account Spare because Main is down: {account['lastError']}"
    assert record["status"] == "SENT"
    assert [(event["type"], event["description"]) for event in record["events"]] == [
        ("CREATE", None),
        ("SEND", remark),
    ]
    assert [mail.sender for mail in spare_relay.taken] == ["sales@acme.test"]
    assert spare_relay.taken[0].message["Message-ID"] == record["internetMessageId"]
    assert relay.taken == []


def sales(mail: dict[str, Any]) -> dict[str, Any]:
    return {**mail, "senderEmail": "sales@acme.test"}


def smtp(name: str, port: int) -> dict[str, Any]:
    relay = {"host": "127.0.0.1", "port": port, "security": "NONE"}
    return {"name": name, "settings": {"smtp": relay}}


async def test_a_record_tells_its_account(
    door: Door, ask: Ask, mail: dict[str, Any], clock: Clock
) -> None:
    asked = "query($id: ID!) { answer: communication(id: $id) { providerAccountId } }"
    before = (await door.send(mail)).record["id"]
    made = await ask(CREATE, input=smtp("Main", 2525))
    after = (await door.send(mail)).record["id"]

    assert await ask(asked, id=before) == {"providerAccountId": None}
    assert await ask(asked, id=after) == {"providerAccountId": made["id"]}


async def test_a_type_that_is_not_set_up_is_refused(door: Door, mail: dict[str, Any]) -> None:
    answer = await door.send({**mail, "providerType": "RESEND"})

    assert answer.detail == "providerType: RESEND is not set up here; usable: SMTP"


async def test_secrets_go_in_and_never_come_out(
    client: httpx2.AsyncClient, ask: Ask, capfd: pytest.CaptureFixture[str]
) -> None:
    login = {"host": "relay.invalid", "username": "acme", "password": "s3cret-1"}
    graph = {
        "directoryId": "acme.test",
        "clientId": "0f3b5e9a-0000-4000-8000-00000000000a",
        "mailbox": "box@acme.test",
        "clientSecret": "s3cret-2",
    }
    relay = await ask(CREATE, input={"name": "Relay", "settings": {"smtp": login}})
    await ask(CREATE, input={"name": "Graph", "settings": {"graph": graph}})
    resend = {"apiKey": "s3cret-3"}
    await ask(CREATE, input={"name": "Resend", "settings": {"resend": resend}})
    tested = await ask(TEST, id=relay["id"])
    changed = await ask(
        UPDATE, id=relay["id"], input={"settings": {"smtp": {"password": "s3cret-4"}}}
    )
    found = await ask(f"{{ answer: providerAccounts {{ nodes {{ {ACCOUNT} }} }} }}")
    listed = found["nodes"]

    assert relay["smtp"] == {
        "host": "relay.invalid",
        "port": 587,
        "security": "STARTTLS",
        "username": "acme",
        "connections": 4,
        "hasPassword": True,
    }
    assert (relay["isDefault"], relay["status"], relay["lastError"]) == (True, "UP", None)
    assert changed == {**relay, "revision": 2, "updated": changed["updated"]}
    assert not tested["ok"]
    assert [(one["name"], one["providerType"]) for one in listed] == [
        ("Graph", "GRAPH"),
        ("Relay", "SMTP"),
        ("Resend", "RESEND"),
    ]
    assert listed[0]["graph"] == {
        "directoryId": "acme.test",
        "clientId": "0f3b5e9a-0000-4000-8000-00000000000a",
        "mailbox": "box@acme.test",
        "hasClientSecret": True,
        "hasClientState": False,
    }
    assert listed[2]["resend"] == {"hasApiKey": True, "hasWebhookSecret": False}
    assert "s3cret" not in f"{relay} {tested} {changed} {listed}"
    refused = await client.post(
        "/graphql",
        json={
            "query": CREATE,
            "variables": {
                "input": {"name": "X", "settings": {"smtp": {**login, "password": "s3cret\n"}}}
            },
        },
    )
    [error] = refused.json()["errors"]
    assert error["extensions"]["fields"] == [
        {
            "path": "settings.smtp.password",
            "message": "must not contain line breaks or other control characters",
        }
    ]
    assert "s3cret" not in refused.text
    assert "s3cret" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "'ProviderSettingsInput' must specify exactly one key"),
        ({"smtp": None}, "Value for member field 'smtp' must be non-null"),
        (
            {"smtp": {"host": "127.0.0.1"}, "resend": {"apiKey": "re_1"}},
            "'ProviderSettingsInput' must specify exactly one key",
        ),
    ],
)
async def test_an_account_is_of_one_kind(
    client: httpx2.AsyncClient, settings: dict[str, Any], words: str
) -> None:
    given = {"name": "Main", "settings": settings}

    answer = await client.post("/graphql", json={"query": CREATE, "variables": {"input": given}})

    [error] = answer.json()["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert words in error["message"]
    assert await ProviderAccount.count() == 0


async def test_a_change_of_another_kind_is_named_where_it_stands(
    client: httpx2.AsyncClient, ask: Ask
) -> None:
    made = await ask(CREATE, input=smtp("Main", 2525))
    variables = {"id": made["id"], "input": {"settings": {"resend": {"apiKey": "re_1"}}}}

    answer = await client.post("/graphql", json={"query": UPDATE, "variables": variables})

    [error] = answer.json()["errors"]
    assert error["extensions"]["fields"] == [
        {"path": "settings.resend", "message": "is no part of an account of type SMTP"}
    ]


async def test_a_test_shows_the_account_as_it_left_it(ask: Ask, relay: Relay, deps: Deps) -> None:
    made = await ask(CREATE, input=smtp("Main", relay.port))
    await ProviderAccount.get_motor_collection().update_one(
        {}, {"$set": {"downUntil": deps.now() + timedelta(minutes=15), "failures": 5}}
    )

    tested = await ask(TEST, id=made["id"])

    assert tested == {
        "ok": True,
        "detail": None,
        "accountId": made["id"],
        "account": {"id": made["id"], "status": "UP"},
    }
