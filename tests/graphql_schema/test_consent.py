"""How mail is given a topic over GraphQL, and how it shows that somebody does not want it."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.topics import Topic
from app.documents.vocabulary import PreferenceSource, PreferenceState
from app.services import delivery, preferences, templates, topics
from app.services.inputs import parse

JAN = "jan@customer.test"
LATER = "2999-01-01T00:00:00Z"
SHOWN = "id topicId unsubscribable topic { key }"
SEND = f"mutation($input: SendCommunicationInput!) {{ answer: sendCommunication(input: $input) {{ {SHOWN} }} }}"  # noqa: E501
SCHEDULE = f"mutation($input: ScheduleCommunicationInput!) {{ answer: scheduleCommunication(input: $input) {{ {SHOWN} }} }}"  # noqa: E501
TEMPLATE = f"mutation($id: ID!, $input: SendTemplateInput!) {{ answer: sendTemplate(templateId: $id, input: $input) {{ {SHOWN} }} }}"  # noqa: E501
BATCH = f"mutation($input: [SendCommunicationInput!]!) {{ answer: sendBatch(input: $input) {{ communication {{ {SHOWN} }} }} }}"  # noqa: E501
STATES = "query($id: ID!) { answer: recipientStates(id: $id, status: [UNSUBSCRIBED]) { nodes { address status detail } } }"  # noqa: E501
LISTED = "query($id: ID!) { answer: communications(filter: { topicId: { eq: $id } }) { nodes { id } totalCount } }"  # noqa: E501
FIGURES = "query($id: ID!) { answer: communication(id: $id) { unsubscribed unsubscribedAt unsubscribeCount events { type authorId description } } }"  # noqa: E501
TOTALS = "{ answer: analytics { totalUnsubscribed unsubscribeRate byType { unsubscribeRate } series { days { unsubscribed } } } }"  # noqa: E501
LEFT = "{ answer: communications(filter: { unsubscribedAt: { isNull: false } }) { nodes { id } } }"
Ask = Callable[..., Awaitable[Any]]


@pytest.fixture
def ask(client: httpx2.AsyncClient) -> Ask:
    """Asks and gives the answer, or the code and message of the error."""

    async def post(query: str, **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        answer = (await client.post("/graphql", json=body)).json()
        if "errors" not in answer:
            return answer["data"]["answer"]
        [error] = answer["errors"]
        return error["extensions"]["code"], error["message"]

    return post


@pytest.fixture
async def news(deps: Deps, caller: Caller) -> Topic:
    given = {"key": "news", "name": "News", "default": "OPT_OUT"}
    return await topics.create(deps, caller, parse(topics.CreateTopic, given))


async def test_each_way_of_sending_takes_a_topic(
    ask: Ask, news: Topic, deps: Deps, caller: Caller, mail: dict[str, Any]
) -> None:
    words = parse(templates.CreateTemplate, {"name": "T", "subject": "S", "body": "<p>B</p>"})
    template = await templates.create(deps, caller, words)
    id_ = str(news.id)
    given = {**mail, "topicId": id_}

    [batched] = await ask(BATCH, input=[given])
    shown = [
        await ask(SEND, input=given),
        await ask(SCHEDULE, input={**given, "scheduledAt": LATER}),
        await ask(TEMPLATE, id=str(template.id), input={"recipients": [JAN], "topicId": id_}),
        batched["communication"],
    ]

    expected = {"topicId": id_, "unsubscribable": True, "topic": {"key": "news"}}
    assert [{**one, "id": ""} for one in shown] == [{"id": "", **expected}] * 4
    listed = await ask(LISTED, id=id_)
    assert {one["id"] for one in listed["nodes"]} == {one["id"] for one in shown}
    assert listed["totalCount"] == 4


async def test_mail_without_a_topic_says_whether_one_can_unsubscribe(
    ask: Ask, news: Topic, mail: dict[str, Any]
) -> None:
    plain = await ask(SEND, input=mail)
    asked = await ask(SEND, input={**mail, "unsubscribable": True})

    assert plain == {"id": plain["id"], "topicId": None, "unsubscribable": False, "topic": None}
    assert asked == {**plain, "id": asked["id"], "unsubscribable": True}
    assert (await ask(LISTED, id=str(news.id)))["totalCount"] == 0


async def test_the_state_of_the_recipient_tells_why(
    ask: Ask, news: Topic, deps: Deps, mail: dict[str, Any]
) -> None:
    left = PreferenceSource.ONE_CLICK
    await preferences.say(
        deps, "acme", JAN, state=PreferenceState.UNSUBSCRIBED, topic_id=news.id, via=left
    )
    sent = await ask(SEND, input={**mail, "topicId": str(news.id)})
    await delivery.dispatch(deps, sent["id"])

    states = await ask(STATES, id=sent["id"])

    [state] = states["nodes"]
    assert state == {
        "address": JAN,
        "status": "UNSUBSCRIBED",
        "detail": "unsubscribed from News on 2026-11-24 by one click",
    }


async def test_a_record_tells_that_its_recipient_unsubscribed(
    ask: Ask, deps: Deps, mail: dict[str, Any]
) -> None:
    sent = await ask(SEND, input={**mail, "unsubscribable": True})
    await delivery.dispatch(deps, sent["id"])
    before = await ask(FIGURES, id=sent["id"])
    assert await ask(LEFT) == {"nodes": []}

    await preferences.say(
        deps,
        "acme",
        JAN,
        state=PreferenceState.UNSUBSCRIBED,
        topic_id=None,
        via=PreferenceSource.MAILTO,
        communication_id=PydanticObjectId(sent["id"]),
    )

    nothing = {"unsubscribed": False, "unsubscribedAt": None, "unsubscribeCount": 0}
    assert {name: before[name] for name in nothing} == nothing
    assert await ask(LEFT) == {"nodes": [{"id": sent["id"]}]}
    after = await ask(FIGURES, id=sent["id"])
    assert {name: after[name] for name in nothing} == {
        "unsubscribed": True,
        "unsubscribedAt": "2026-11-24T09:30:00Z",
        "unsubscribeCount": 1,
    }
    assert after["events"][-1] == {
        "type": "UPDATE",
        "authorId": None,
        "description": f"{JAN} unsubscribed from all mail by e-mail",
    }
    assert await ask(TOTALS) == {
        "totalUnsubscribed": 1,
        "unsubscribeRate": 1.0,
        "byType": [],
        "series": {"days": [{"unsubscribed": 1}]},
    }
