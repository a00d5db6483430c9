"""Records of the tenant acme that lead to one another, and sockets that follow them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from starlette.types import ASGIApp

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.engagement.hits import Engagement
from app.documents.vocabulary import PreferenceSource, PreferenceState, SuppressionReason
from app.mail.engagement.hits import EngagementKind
from app.services import (
    api_keys,
    delivery,
    inbound,
    list_members,
    preferences,
    provider_accounts,
    recipient_lists,
    suppressions,
    templates,
    topics,
)
from app.services.account_commands import CreateProviderAccount
from app.services.inputs import parse
from tests.fakes.messages import message
from tests.fakes.relay import Relay
from tests.fakes.sockets import ClientSocket, opened
from tests.graphql_schema.live_app import FOLLOWED


@dataclass(frozen=True)
class Graph:
    """Ids. `sent` is a mail made from `version` of `template`, by `account` to a list of `member`.

    `received` answers `answered`, because of which `suppression` stands, and `preference` about
    `topic`. For the account `spare`
    stands in `account`. In `envelope` the mail `sent` goes to `member` by `account`, who opened it:
    `hit`.
    """

    template: str
    version: str
    list: str
    member: str
    account: str
    answered: str
    sent: str
    received: str
    suppression: str
    topic: str
    preference: str
    key: str
    spare: str
    envelope: str
    hit: str


Ask = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def query(client: httpx2.AsyncClient) -> Ask:
    """Asks as alice of acme with all scopes, unless another token is given; data and errors."""

    async def post(text: str, *, token: str | None = None, **variables: Any) -> dict[str, Any]:
        if token is not None:
            client.headers["Authorization"] = f"Bearer {token}"
        response = await client.post("/graphql", json={"query": text, "variables": variables})
        answer: dict[str, Any] = response.json()
        return {name: answer[name] for name in ("data", "errors") if name in answer}

    return post


@pytest.fixture
async def graph_of_acme(
    deps: Deps, caller: Caller, relay: Relay, send: Callable[..., Awaitable[Communication]]
) -> Graph:
    answered = await send()
    await delivery.dispatch(deps, str(answered.id))
    out = await Communication.shown("acme", str(answered.id))
    assert out is not None
    reply = message(in_reply_to=out.internet_message_id)
    received = await inbound.ingest(deps, caller, reply)
    suppression = await suppressions.learn(
        deps,
        "acme",
        "jan@customer.test",
        SuppressionReason.BOUNCE,
        detail=None,
        communication_id=answered.id,
    )
    words = {"key": "news", "name": "News", "default": "OPT_OUT"}
    topic = await topics.create(deps, caller, parse(topics.CreateTopic, words))
    preference = await preferences.say(
        deps,
        "acme",
        "jan@customer.test",
        state=PreferenceState.UNSUBSCRIBED,
        topic_id=topic.id,
        via=PreferenceSource.ONE_CLICK,
        communication_id=answered.id,
    )
    smtp: Mapping[str, Any] = {"host": "127.0.0.1", "port": relay.port}
    account = await provider_accounts.create(
        deps, caller, parse(CreateProviderAccount, {"name": "Relay", "smtp": smtp})
    )
    named = parse(recipient_lists.CreateRecipientList, {"name": "Customers"})
    customers = await recipient_lists.create(deps, caller, named)
    [added] = await list_members.add(deps, caller, str(customers.id), [{"email": "piet@c.test"}])
    assert added.member is not None
    words = {"name": "Offer", "subject": "Your offer", "body": "<p>Hello</p>"}
    template = await templates.create(deps, caller, parse(templates.CreateTemplate, words))
    to = parse(templates.SendTemplate, {"recipientListId": str(customers.id)})
    sent = await templates.send_template(deps, caller, str(template.id), to, idempotency_key=None)
    envelope = Delivery(
        tenant_id="acme",
        created=deps.now(),
        communication_id=sent.id,
        member_id=added.member.id,
        account_id=account.id,
        tracking_id="x",
        recipients=[],
        message_id="<x@acme.test>",
    )
    await envelope.store_once()
    hit = Engagement(
        tenant_id="acme",
        created=deps.now(),
        communication_id=sent.id,
        delivery_id=envelope.id,
        kind=EngagementKind.OPEN,
        expires=deps.now() + deps.settings.engagement_retention,
    )
    await hit.insert()
    other = {"name": "Spare", "smtp": smtp, "fallbackId": str(account.id)}
    spare = await provider_accounts.create(deps, caller, parse(CreateProviderAccount, other))
    issued = await api_keys.create(
        deps, caller, parse(api_keys.CreateApiKey, {"name": "CRM", "scopes": ["templates:read"]})
    )
    return Graph(
        template=str(template.id),
        version=str(template.version_id),
        list=str(customers.id),
        member=str(added.member.id),
        account=str(account.id),
        answered=str(answered.id),
        sent=str(sent.id),
        received=str(received.id),
        suppression=str(suppression.id),
        topic=str(topic.id),
        preference=str(preference.id),
        key=str(issued.key.id),
        spare=str(spare.id),
        envelope=str(envelope.id),
        hit=str(hit.id),
    )


@pytest.fixture
async def socket(app: ASGIApp, token: Callable[..., str]) -> AsyncIterator[ClientSocket]:
    """A socket of alice of acme, acknowledged."""
    async with opened(app) as client:
        await client.begin({"Authorization": f"Bearer {token()}"})
        yield client


@pytest.fixture
async def followed(
    socket: ClientSocket, send: Callable[..., Awaitable[Communication]]
) -> Communication:
    """A record whose changes `socket` is told of under the id `live`; it was given once."""
    record = await send()
    socket.subscribe("live", FOLLOWED, id=str(record.id))
    first = await socket.heard()
    assert first["payload"]["data"] == {"communicationChanged": {"id": str(record.id)}}
    return record
