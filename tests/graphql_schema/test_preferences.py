"""What the GraphQL door of preferences takes, shows and refuses."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from beanie import PydanticObjectId

from app.context import Deps
from app.documents.preferences import Preference
from app.documents.vocabulary import PreferenceSource, PreferenceState
from app.services import preferences
from app.services.preferences.changes import ADDRESSES_AT_A_TIME
from tests.fakes.clock import Clock
from tests.fakes.mongo_calls import MongoCalls

WORD = "state date via communicationId authorId detail"
PREFERENCE = f"id address topicId {WORD} created history {{ {WORD} }}"
SET = f"mutation($input: SetPreferenceInput!) {{ answer: setPreference(input: $input) {{ {PREFERENCE} }} }}"  # noqa: E501
IMPORT = "mutation($input: ImportPreferencesInput!) { answer: importPreferences(input: $input) { changed unchanged failed errors { row message } } }"  # noqa: E501
MANY = f"query($filter: PreferenceFilter, $orderBy: [PreferenceOrder!]) {{ answer: preferences(filter: $filter, orderBy: $orderBy) {{ nodes {{ {PREFERENCE} }} totalCount }} }}"  # noqa: E501
CONSENT = f"query($address: String!) {{ answer: consent(address: $address) {{ address unsubscribed everything {{ {PREFERENCE} }} topics {{ topic {{ key }} receives preference {{ {PREFERENCE} }} }} }} }}"  # noqa: E501
TOPIC = "mutation($input: CreateTopicInput!) { answer: createTopic(input: $input) { id } }"
NOW, LATER = "2026-11-24T09:30:00Z", "2026-11-25T09:30:00Z"
JAN, PIET = "jan@customer.test", "piet@customer.test"
UNKNOWN = "6b050e9454d4a1b9322b3eaa"
Ask = Callable[..., Awaitable[Any]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]


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
def topic(ask: Ask) -> Callable[..., Awaitable[str]]:
    async def made(key: str, default: str = "OPT_OUT") -> str:
        id_: str = (await ask(TOPIC, input={"key": key, "name": key, "default": default}))["id"]
        return id_

    return made


async def test_a_user_writes_down_what_an_address_wants(
    ask: Ask, topic: Callable[..., Awaitable[str]], clock: Clock
) -> None:
    news = await topic("news")
    wish = {"address": "Jan <Jan@CUSTOMER.test>", "topicId": news}
    left = await ask(SET, input={**wish, "state": "UNSUBSCRIBED", "detail": "by telephone"})
    clock.advance(timedelta(days=1))
    again = await ask(SET, input={**wish, "state": "UNSUBSCRIBED"})
    back = await ask(SET, input={**wish, "state": "SUBSCRIBED"})

    said = {
        "state": "UNSUBSCRIBED",
        "date": NOW,
        "via": "USER",
        "communicationId": None,
        "authorId": "alice",
        "detail": "by telephone",
    }
    then = {**said, "state": "SUBSCRIBED", "date": LATER, "detail": None}
    common = {"id": left["id"], "address": JAN, "topicId": news, "created": NOW}
    assert left == {**common, **said, "history": [said]}
    assert again == left
    assert back == {**common, **then, "history": [said, then]}


async def test_preferences_are_filtered_and_ordered(
    ask: Ask, topic: Callable[..., Awaitable[str]], deps: Deps, clock: Clock
) -> None:
    news = await topic("news")
    wish = {"address": PIET, "state": "SUBSCRIBED", "topicId": news, "detail": "At the fair"}
    await ask(SET, input=wish)
    clock.advance(timedelta(days=1))
    left = await preferences.say(
        deps,
        "acme",
        JAN,
        state=PreferenceState.UNSUBSCRIBED,
        topic_id=None,
        via=PreferenceSource.ONE_CLICK,
        communication_id=PydanticObjectId(UNKNOWN),
    )

    async def found(**asked: Any) -> list[str]:
        answer = await ask(MANY, **asked)
        assert answer["totalCount"] == len(answer["nodes"])
        return [one["address"] for one in answer["nodes"]]

    assert await found() == [JAN, PIET]
    assert await found(orderBy=[{"field": "ADDRESS", "direction": "DESC"}]) == [PIET, JAN]
    assert await found(orderBy=[{"field": "DATE", "direction": "ASC"}]) == [PIET, JAN]
    for filter_, expected in (
        ({"address": {"eq": JAN}}, [JAN]),
        ({"topicId": {"eq": news}}, [PIET]),
        ({"topicId": {"isNull": True}}, [JAN]),
        ({"state": {"eq": "UNSUBSCRIBED"}}, [JAN]),
        ({"via": {"in": ["ONE_CLICK", "PAGE"]}}, [JAN]),
        ({"authorId": {"eq": "alice"}}, [PIET]),
        ({"date": {"lt": LATER}}, [PIET]),
        ({"created": {"gte": LATER}}, [JAN]),
        ({"id": {"eq": str(left.id)}}, [JAN]),
        ({"communicationId": {"eq": UNKNOWN}}, [JAN]),
        ({"detail": {"contains": "fair"}}, [PIET]),
        ({"and": [{"address": {"eq": JAN}}, {"topicId": {"eq": news}}]}, []),
        ({"or": [{"address": {"eq": JAN}}, {"topicId": {"eq": news}}]}, [JAN, PIET]),
        ({"not": {"address": {"eq": JAN}}}, [PIET]),
    ):
        assert await found(filter=filter_) == expected, filter_


async def test_consent_tells_what_an_address_gets_and_why(
    ask: Ask, topic: Callable[..., Awaitable[str]]
) -> None:
    news = await topic("news")
    await topic("invitations", "OPT_IN")
    left = await ask(SET, input={"address": JAN, "topicId": news, "state": "UNSUBSCRIBED"})
    everything = await ask(SET, input={"address": PIET, "state": "UNSUBSCRIBED"})

    jan, piet = await ask(CONSENT, address=JAN.upper()), await ask(CONSENT, address=PIET)

    invited = {"topic": {"key": "invitations"}, "receives": False, "preference": None}
    newsy = {"topic": {"key": "news"}, "receives": False}
    assert jan == {
        "address": JAN,
        "unsubscribed": False,
        "everything": None,
        "topics": [invited, {**newsy, "preference": left}],
    }
    assert piet == {
        "address": PIET,
        "unsubscribed": True,
        "everything": everything,
        "topics": [invited, {**newsy, "preference": None}],
    }
    assert everything["topicId"] is None


async def test_consent_costs_as_many_calls_however_many_topics_there_are(
    ask: Ask, topic: Callable[..., Awaitable[str]], mongo_calls: MongoCalls
) -> None:
    for number in range(5):
        id_ = await topic(f"news-{number}")
        await ask(SET, input={"address": JAN, "topicId": id_, "state": "UNSUBSCRIBED"})
    mongo_calls.clear()

    await ask(CONSENT, address=JAN)

    assert mongo_calls.names == ["find preferences", "find preferences", "find topics"]


async def test_opt_outs_of_another_system_are_imported(
    ask: Ask, topic: Callable[..., Awaitable[str]], clock: Clock
) -> None:
    news = await topic("news")
    await ask(SET, input={"address": PIET, "topicId": news, "state": "UNSUBSCRIBED"})
    await ask(SET, input={"address": "eve@c.test", "topicId": news, "state": "SUBSCRIBED"})
    rows = {
        "addresses": [JAN, "nobody", JAN.upper(), PIET, "Eve <eve@c.test>"],
        "topicId": news,
        "state": "UNSUBSCRIBED",
        "detail": "Mailchimp export",
    }
    clock.advance(timedelta(days=1))

    done = await ask(IMPORT, input=rows)
    again = await ask(IMPORT, input=rows)

    wrong = [{"row": 1, "message": "The address has no @-sign."}]
    assert done == {"changed": 2, "unchanged": 1, "failed": 1, "errors": wrong}
    assert again == {"changed": 0, "unchanged": 3, "failed": 1, "errors": wrong}
    stored = {one.address: one async for one in Preference.find_all()}
    told = {
        address: [(word.state, word.detail) for word in one.words]
        for address, one in stored.items()
    }
    assert told == {
        JAN: [("UNSUBSCRIBED", "Mailchimp export")],
        PIET: [("UNSUBSCRIBED", None)],
        "eve@c.test": [("SUBSCRIBED", None), ("UNSUBSCRIBED", "Mailchimp export")],
    }


async def test_an_import_of_everything_overrules_what_was_said_of_topics(
    ask: Ask, topic: Callable[..., Awaitable[str]]
) -> None:
    news = await topic("news")
    everything = {"addresses": [JAN], "state": "UNSUBSCRIBED"}
    await ask(IMPORT, input=everything)
    await ask(SET, input={"address": JAN, "topicId": news, "state": "SUBSCRIBED"})
    assert [one["receives"] for one in (await ask(CONSENT, address=JAN))["topics"]] == [True]

    done = await ask(IMPORT, input=everything)

    assert done["changed"] == 1
    assert [one["receives"] for one in (await ask(CONSENT, address=JAN))["topics"]] == [False]


async def test_as_many_as_are_allowed_are_imported_at_a_time(ask: Ask) -> None:
    addresses = [f"a{number}@c.test" for number in range(ADDRESSES_AT_A_TIME)]

    done = await ask(IMPORT, input={"addresses": addresses, "state": "UNSUBSCRIBED"})

    assert done == {"changed": 5000, "unchanged": 0, "failed": 0, "errors": []}
    assert await Preference.count() == 5000


@pytest.mark.parametrize(
    ("query", "fields", "fault"),
    [
        (SET, {"address": "jan"}, "address: The address has no @-sign."),
        (SET, {"address": JAN, "topicId": UNKNOWN}, "topicId: no topic has this id"),
        (SET, {"address": JAN, "topicId": "x"}, "topicId: no topic has this id"),
        (SET, {"address": JAN, "detail": "a\nb"}, "detail: must not contain line breaks"),
        (SET, {"address": JAN, "detail": "a" * 321}, "detail: must have at most 320 characters"),
        (IMPORT, {"addresses": []}, "addresses: must have at least 1"),
        (IMPORT, {"addresses": [JAN] * 5001}, "addresses: must have at most 5000 entries"),
        (IMPORT, {"addresses": [JAN], "topicId": UNKNOWN}, "topicId: no topic has this id"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_bad_input_is_named_and_nothing_kept(
    ask: Ask, footprint: Footprint, query: str, fields: dict[str, Any], fault: str
) -> None:
    before = await footprint()

    code, message = await ask(query, input={"state": "UNSUBSCRIBED", **fields})

    assert code == "BAD_USER_INPUT"
    assert message.startswith(fault)
    assert await footprint() == before


async def test_what_is_no_address_has_no_consent(ask: Ask) -> None:
    answer = await ask(CONSENT, address="jan")

    assert answer == ("BAD_USER_INPUT", "address: The address has no @-sign.")
