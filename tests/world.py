"""A tenant with a little of everything, for the tables of operations."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from app.bootstrap import open_providers
from app.context import Caller, Deps, Scope
from app.documents.attached import Noun, Place
from app.services import (
    api_keys,
    delivery,
    downloads,
    inbound,
    list_mail,
    list_members,
    provider_accounts,
    recipient_lists,
    scheduling,
    sending,
    suppressions,
    templates,
    topics,
)
from app.services.account_commands import CreateProviderAccount
from app.services.inputs import parse
from app.services.preferences.changes import SetPreference, set_preference
from app.services.unsubscribing.ways import way_of_record
from tests.database import Rows, all_rows, put_rows
from tests.fakes.messages import message
from tests.fakes.relay import running_relay
from tests.fakes.svix import SECRET

MAIL = {
    "subject": "Your offer",
    "body": '<a href="https://acme.test/offer">See</a>',
    "recipients": ["jan@customer.test"],
}
DEAL = {"relatedEntityType": "deal", "relatedEntityId": "42"}
NEWS = {"subject": "News", "body": "<p>Hello {{ name }}</p>"}
LATER = "2999-01-01T00:00:00Z"
CLIENT_STATE = "what only Graph was told"
GRAPH = {
    "directoryId": "contoso-directory",
    "clientId": "0f3b5e9a-0000-4000-8000-00000000000a",
    "mailbox": "crm@acme.test",
    "clientSecret": "right-secret",
    "clientState": CLIENT_STATE,
}


@dataclass(frozen=True)
class World:
    """Ids: of a mail that is out, of its tracking, of one that waits, a template and so on.

    By the token `leaving` the recipient of the mail that is out unsubscribes.
    Of the template `drafted` there is a draft; `archived` is put away, as is the topic `retired`.
    `file` is the end of a link to an attachment of `received`.
    """

    sent: str
    tracking: str
    leaving: str
    waiting: str
    template: str
    drafted: str
    archived: str
    received: str
    file: str
    suppression: str
    topic: str
    retired: str
    preference: str
    account: str
    resend: str
    mailbox: str
    list: str
    member: str
    campaign: str
    paused: str
    conversation: str
    elsewhere: str
    talk: str
    key: str


_made: dict[tuple[Caller, datetime], tuple[World, Rows]] = {}


async def build_world(deps: Deps, caller: Caller) -> World:
    """Put the caller's World into the database, and nothing else anywhere.

    The services make it once in a process; its rows are kept for the tests that follow.
    """
    key = (caller, deps.now())
    if key in _made:
        world, rows = _made[key]
        await put_rows(rows)
        return world
    before = await all_rows(octets=True)
    async with running_relay() as relay, Redis.from_url(deps.settings.redis_url) as redis:
        providers = open_providers(deps.settings.model_copy(update={"smtp_port": relay.port}))
        world = await _make_world(replace(deps, providers=providers), caller)
        for provider in providers.values():
            await provider.close()
        await redis.flushdb()
    after = await all_rows(octets=True)
    made = {name: [row for row in rows if row not in before[name]] for name, rows in after.items()}
    _made[key] = world, made
    return world


async def _make_world(deps: Deps, caller: Caller) -> World:
    command = parse(sending.SendCommunication, {**MAIL, **DEAL, "unsubscribable": True})
    sent = await sending.accept(deps, caller, command)
    await delivery.dispatch(deps, str(sent.id))
    way = way_of_record(deps.settings, sent)
    assert way is not None
    later = parse(scheduling.ScheduleCommunication, {**MAIL, **DEAL, "scheduledAt": LATER})
    waiting = await scheduling.schedule(deps, caller, later)
    words = {"name": "Offer", "subject": "Your offer", "body": "<p>Hello</p>"}
    template = await templates.create(deps, caller, parse(templates.CreateTemplate, words))
    drafted, archived = [
        await templates.create(
            deps, caller, parse(templates.CreateTemplate, {**words, "name": name})
        )
        for name in ("Drafted", "Archived")
    ]
    changes = parse(templates.SaveDraft, {"subject": "Another offer"})
    await templates.save_draft(deps, caller, str(drafted.id), changes)
    await templates.archive(deps, caller, str(archived.id))
    raw = message("<first@customer.test>", file="Call her on Monday")
    received = await inbound.ingest(deps, caller, raw)
    file = Place(caller.tenant, Noun.INBOUND_MESSAGE, received.id, 0)
    address = parse(suppressions.AddSuppression, {"address": "eve@customer.test"})
    suppression = await suppressions.add(deps, caller, address)
    topic, retired = [
        await topics.create(
            deps, caller, parse(topics.CreateTopic, {"key": key, "name": "N", "default": "OPT_OUT"})
        )
        for key in ("news", "retired")
    ]
    await topics.archive(deps, caller, str(retired.id))
    wish = {"address": "eve@customer.test", "topicId": str(topic.id), "state": "UNSUBSCRIBED"}
    told = parse(SetPreference, wish)
    preference = await set_preference(deps, caller, told)
    # Last: mail would go by it.
    relay = parse(CreateProviderAccount, {"name": "Relay", "smtp": {"host": "127.0.0.1"}})
    account = await provider_accounts.create(deps, caller, relay)
    key = {"apiKey": "re_1", "webhookSecret": SECRET}
    other = parse(CreateProviderAccount, {"name": "Resend", "resend": key})
    resend = await provider_accounts.create(deps, caller, other)
    mailbox = await provider_accounts.create(
        deps, caller, parse(CreateProviderAccount, {"name": "Mailbox", "graph": GRAPH})
    )
    named = parse(recipient_lists.CreateRecipientList, {"name": "Customers"})
    customers = await recipient_lists.create(deps, caller, named)
    [added] = await list_members.add(deps, caller, str(customers.id), [{"email": "jan@acme.test"}])
    assert added.member is not None
    news = parse(sending.SendCommunication, {**NEWS, "recipientListId": str(customers.id)})
    campaign, paused = [await sending.accept(deps, caller, news) for _ in range(2)]
    await list_mail.pause(deps, caller, str(paused.id))
    # Its scope is all that a caller needs to rotate it.
    scopes = {"name": "Website", "scopes": [Scope.KEYS_WRITE]}
    issued = await api_keys.create(deps, caller, parse(api_keys.CreateApiKey, scopes))
    return World(
        sent=str(sent.id),
        tracking=sent.tracking_id,
        leaving=way.url.rpartition("/")[2],
        waiting=str(waiting.id),
        template=str(template.id),
        drafted=str(drafted.id),
        archived=str(archived.id),
        received=str(received.id),
        file=(downloads.link(deps, file) or "").rpartition("/")[2],
        suppression=str(suppression.id),
        topic=str(topic.id),
        retired=str(retired.id),
        preference=str(preference.id),
        account=str(account.id),
        resend=str(resend.id),
        mailbox=str(mailbox.id),
        list=str(customers.id),
        member=str(added.member.id),
        campaign=str(campaign.id),
        paused=str(paused.id),
        conversation=sent.conversation_id,
        elsewhere=waiting.conversation_id,
        talk=received.conversation_id,
        key=str(issued.key.id),
    )


def acme_in(footprint: Mapping[str, Any]) -> dict[str, Any]:
    """What a footprint holds of the tenant acme, by collection."""
    return {
        collection: [row for row in rows if row.get("tenantId") == "acme"]
        for collection, rows in footprint.items()
        if isinstance(rows, list) and collection != "mails"
    }
