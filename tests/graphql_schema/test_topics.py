"""What the GraphQL door of topics takes, shows and refuses."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from app.documents.topics import Topic
from app.services.topics import TOPICS_LIMIT

TOPIC = (
    "id key name description translations { locale name description } default archivedAt "
    "created createdBy updated updatedBy"
)
CREATE = (
    f"mutation($input: CreateTopicInput!) {{ answer: createTopic(input: $input) {{ {TOPIC} }} }}"
)
UPDATE = f"mutation($id: ID!, $input: UpdateTopicInput!) {{ answer: updateTopic(id: $id, input: $input) {{ {TOPIC} }} }}"  # noqa: E501
ARCHIVE = f"mutation($id: ID!) {{ answer: archiveTopic(id: $id) {{ {TOPIC} }} }}"
UNARCHIVE = f"mutation($id: ID!) {{ answer: unarchiveTopic(id: $id) {{ {TOPIC} }} }}"
ONE = f"query($id: ID!) {{ answer: topic(id: $id) {{ {TOPIC} }} }}"
MANY = "query($filter: TopicFilter, $orderBy: [TopicOrder!], $archived: Boolean) { answer: topics(filter: $filter, orderBy: $orderBy, archived: $archived) { nodes { key } totalCount } }"  # noqa: E501
NOW = "2026-11-24T09:30:00Z"
Ask = Callable[..., Awaitable[Any]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]


@pytest.fixture
def ask(client: httpx2.AsyncClient) -> Ask:
    """Asks and gives the answer, or the code, message and fields of the error."""

    async def post(query: str, **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        answer = (await client.post("/graphql", json=body)).json()
        if "errors" not in answer:
            return answer["data"]["answer"]
        [error] = answer["errors"]
        return error["extensions"]["code"], error["message"]

    return post


def given(**fields: Any) -> dict[str, Any]:
    return {"key": "news", "name": "News", "default": "OPT_OUT", **fields}


async def test_a_topic_from_its_making_to_its_end(ask: Ask) -> None:
    dutch = {"locale": "nl_be", "name": "Nieuws", "description": "Elke maand"}
    made = await ask(CREATE, input=given(description="Monthly", translations=[dutch]))
    found = await ask(ONE, id=made["id"])
    changed = await ask(UPDATE, id=made["id"], input={"name": "Letter", "default": "OPT_IN"})
    plain = await ask(UPDATE, id=made["id"], input={"description": None, "translations": None})
    archived = await ask(ARCHIVE, id=made["id"])

    assert made == {
        "id": made["id"],
        "key": "news",
        "name": "News",
        "description": "Monthly",
        "translations": [{**dutch, "locale": "nl-BE"}],
        "default": "OPT_OUT",
        "archivedAt": None,
        "created": NOW,
        "createdBy": "alice",
        "updated": NOW,
        "updatedBy": "alice",
    }
    assert found == made
    assert changed == {**made, "name": "Letter", "default": "OPT_IN"}
    assert plain == {**changed, "description": None, "translations": []}
    assert archived == {**plain, "archivedAt": NOW}
    assert await ask(ARCHIVE, id=made["id"]) == ("CONFLICT", "The topic is archived already.")
    assert await ask(UNARCHIVE, id=made["id"]) == plain
    assert await ask(UNARCHIVE, id=made["id"]) == ("CONFLICT", "The topic is not archived.")


async def test_topics_are_listed_by_name_without_archived_ones(ask: Ask) -> None:
    for key, name in (("offers", "offers"), ("news", "News"), ("old", "Archive")):
        made = await ask(CREATE, input=given(key=key, name=name))
    await ask(ARCHIVE, id=made["id"])

    async def keys(**asked: Any) -> list[str]:
        answer = await ask(MANY, **asked)
        assert answer["totalCount"] == len(answer["nodes"])
        return [one["key"] for one in answer["nodes"]]

    assert await keys() == ["news", "offers"]
    assert await keys(archived=True) == ["old"]
    assert await keys(archived=None) == ["old", "news", "offers"]
    assert await keys(filter={"name": {"eq": "OFFERS"}}) == ["offers"]
    assert await keys(filter={"default": {"eq": "OPT_IN"}}) == []
    assert await keys(filter={"key": {"in": ["news", "old"]}}) == ["news"]
    assert await keys(filter={"id": {"eq": made["id"]}}, archived=None) == ["old"]
    assert await keys(filter={"description": {"isNull": False}}) == []
    assert await keys(filter={"created": {"gt": NOW}}) == []
    assert await keys(filter={"updated": {"lte": NOW}}) == ["news", "offers"]
    assert await keys(filter={"createdBy": {"ne": "alice"}}) == []
    assert await keys(filter={"updatedBy": {"eq": "alice"}}) == ["news", "offers"]
    assert await keys(filter={"or": [{"key": {"eq": "news"}}, {"key": {"eq": "x"}}]}) == ["news"]
    assert await keys(filter={"not": {"key": {"eq": "news"}}}) == ["offers"]
    for field in ("CREATED", "UPDATED", "NAME"):
        order = [{"field": field, "direction": "ASC"}]
        assert sorted(await keys(orderBy=order)) == ["news", "offers"]
    assert await keys(orderBy=[{"field": "KEY", "direction": "DESC"}]) == ["offers", "news"]


async def test_a_key_is_taken_once_even_by_an_archived_topic(
    ask: Ask, footprint: Footprint
) -> None:
    made = await ask(CREATE, input=given())
    await ask(ARCHIVE, id=made["id"])
    before = await footprint()

    answer = await ask(CREATE, input=given(name="Other"))

    assert answer == ("CONFLICT", "key: is the key of another topic")
    assert await footprint() == before


async def test_of_many_who_make_one_at_once_one_does(ask: Ask) -> None:
    answers = await asyncio.gather(*(ask(CREATE, input=given()) for _ in range(5)))

    assert sum(isinstance(answer, dict) for answer in answers) == 1
    assert await Topic.count_of("acme") == 1


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"key": "News"}, "key: must be 1 to 64 small letters, digits, - and _, with a letter"),
        ({"key": "-news"}, "key: must be 1 to 64 small letters"),
        ({"key": "n" * 65}, "key: must be 1 to 64 small letters"),
        ({"key": ""}, "key: must be 1 to 64 small letters"),
        ({"name": " "}, "name: must not be blank"),
        ({"name": "n" * 201}, "name: must have at most 200 characters"),
        ({"name": "a\r\nb"}, "name: must not contain line breaks"),
        ({"description": "d" * 2001}, "description: must have at most 2000 characters"),
        (
            {"translations": [{"locale": "?", "name": "N"}]},
            "translations[0].locale: must be a language tag such as nl or nl-BE",
        ),
        (
            {"translations": [{"locale": "nl", "name": ""}]},
            "translations[0].name: must not be blank",
        ),
        (
            {"translations": [{"locale": "nl", "name": "N"}, {"locale": "NL", "name": "M"}]},
            "translations: must have each language once",
        ),
        (
            {"translations": [{"locale": f"a{n:04}", "name": "N"} for n in range(51)]},
            "translations: must have at most 50 entries",
        ),
    ],
    ids=str,
)
async def test_bad_input_is_named_and_nothing_kept(
    ask: Ask, footprint: Footprint, fields: dict[str, Any], fault: str
) -> None:
    before = await footprint()

    code, message = await ask(CREATE, input=given(**fields))

    assert code == "BAD_USER_INPUT"
    assert message.startswith(fault)
    assert await footprint() == before


async def test_changes_are_checked_too(ask: Ask, footprint: Footprint) -> None:
    made = await ask(CREATE, input=given())
    before = await footprint()

    unnamed = await ask(UPDATE, id=made["id"], input={"name": None})
    undecided = await ask(UPDATE, id=made["id"], input={"default": None})

    assert unnamed == ("BAD_USER_INPUT", "name: must be a string")
    assert undecided == ("BAD_USER_INPUT", "default: must be one of OPT_IN or OPT_OUT")
    assert await footprint() == before


async def test_a_tenant_has_a_hundred_at_most(ask: Ask) -> None:
    made = await ask(CREATE, input=given())
    first = await Topic.of_tenant("acme", made["id"])
    assert first is not None
    others = [
        first.model_copy(update={"id": None, "key": f"news-{number}"})
        for number in range(1, TOPICS_LIMIT)
    ]
    await Topic.insert_many(others)

    answer = await ask(CREATE, input=given(key="one-more"))

    assert answer == ("CONFLICT", "There are 100 topics already, and no tenant has more.")
    assert await Topic.count_of("acme") == 100
