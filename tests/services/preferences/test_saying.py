import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import pytest
from beanie import PydanticObjectId

from app.context import Deps
from app.documents.preferences import WORDS_KEPT, Preference, Word
from app.documents.topics import Topic
from app.documents.vocabulary import PreferenceSource, PreferenceState, TopicDefault
from app.services import preferences
from tests.fakes.clock import Clock

JAN, PIET = "jan@customer.test", "piet@customer.test"
OFFERS = PydanticObjectId("6b050e9454d4a1b9322b3eaa")
MAIL = PydanticObjectId("6b050e9454d4a1b9322b3eab")
ONE_CLICK, PAGE, USER = PreferenceSource.ONE_CLICK, PreferenceSource.PAGE, PreferenceSource.USER
SUBSCRIBED, UNSUBSCRIBED = PreferenceState.SUBSCRIBED, PreferenceState.UNSUBSCRIBED

Say = Callable[..., Awaitable[Preference]]
MakeTopic = Callable[..., Awaitable[Topic]]


@pytest.fixture
def leave(deps: Deps) -> Say:
    return partial(preferences.say, deps, "acme", state=PreferenceState.UNSUBSCRIBED, via=ONE_CLICK)


@pytest.fixture
def join(deps: Deps) -> Say:
    return partial(preferences.say, deps, "acme", state=PreferenceState.SUBSCRIBED, via=PAGE)


@pytest.fixture
def topic(deps: Deps) -> MakeTopic:
    async def made(key: str, default: TopicDefault = TopicDefault.OPT_OUT) -> Topic:
        topic = Topic(
            tenant_id="acme",
            key=key,
            name=key.title(),
            default=default,
            created=deps.now(),
            created_by="alice",
            updated=deps.now(),
            updated_by="alice",
        )
        await topic.store()
        return topic

    return made


@pytest.fixture
def received(topic: MakeTopic) -> Callable[[str], Awaitable[set[str]]]:
    async def keys(address: str) -> set[str]:
        standings = await preferences.standings_of("acme", address)
        return {one.topic.key for one in standings.topics if one.receives}

    return keys


async def test_a_word_is_kept_with_who_said_it_when_and_how(leave: Say, clock: Clock) -> None:
    told = await leave("Jan@CUSTOMER.test", topic_id=OFFERS, communication_id=MAIL)

    said = {
        "state": UNSUBSCRIBED,
        "date": clock.now(),
        "via": ONE_CLICK,
        "communication_id": MAIL,
        "author_id": None,
        "detail": None,
    }
    assert told.model_dump(exclude={"id", "revision_id"}) == {
        "tenant_id": "acme",
        "created": clock.now(),
        "address": JAN,
        "topic_id": OFFERS,
        **said,
        "words": [said],
    }


async def test_said_again_it_was_said_the_first_time(leave: Say, clock: Clock) -> None:
    first = await leave(JAN, topic_id=OFFERS)
    clock.advance(timedelta(days=1))

    assert await leave(JAN, topic_id=OFFERS, communication_id=MAIL) == first
    assert await Preference.count() == 1


async def test_the_latest_word_counts_and_all_of_them_stay(
    deps: Deps, leave: Say, clock: Clock
) -> None:
    began = clock.now()
    await leave(JAN, topic_id=OFFERS, communication_id=MAIL)
    clock.advance(timedelta(days=1))

    told = await preferences.say(
        deps,
        "acme",
        JAN,
        state=PreferenceState.SUBSCRIBED,
        topic_id=OFFERS,
        via=USER,
        by="alice",
        detail="by telephone",
    )

    assert (told.state, told.created, told.communication_id) == (SUBSCRIBED, began, None)
    assert told.words == [
        Word(state=UNSUBSCRIBED, date=began, via=ONE_CLICK, communication_id=MAIL),
        Word(
            state=SUBSCRIBED,
            date=clock.now(),
            via=USER,
            author_id="alice",
            detail="by telephone",
        ),
    ]


async def test_said_by_many_at_once_it_is_one_word(leave: Say) -> None:
    told = await asyncio.gather(*(leave(JAN, topic_id=None) for _ in range(10)))

    assert {len(one.words) for one in told} == {1}
    assert await Preference.count() == 1


async def test_of_opposite_words_at_once_none_is_lost(leave: Say, join: Say) -> None:
    await asyncio.gather(leave(JAN, topic_id=OFFERS), join(JAN, topic_id=OFFERS))

    [stored] = await Preference.find_all().to_list()
    assert {word.state for word in stored.words} == {SUBSCRIBED, UNSUBSCRIBED}
    assert stored.state is stored.words[-1].state


async def test_words_are_of_one_address_and_one_tenant(deps: Deps, leave: Say) -> None:
    await leave(JAN, topic_id=OFFERS)
    everything = await leave(JAN, topic_id=None)
    await preferences.say(
        deps, "other", PIET, state=PreferenceState.UNSUBSCRIBED, topic_id=None, via=PAGE
    )

    found = await preferences.preferences_of_address("acme", "Jan@customer.test")
    assert [(one.topic_id, one.words) for one in found] == [(None, []), (OFFERS, [])]
    assert found[0].id == everything.id
    assert await preferences.preferences_of_address("acme", PIET) == []


async def test_only_the_latest_words_of_many_are_kept(leave: Say, join: Say) -> None:
    for _ in range(WORDS_KEPT // 2):
        await leave(JAN, topic_id=OFFERS)
        await join(JAN, topic_id=OFFERS)

    told = await leave(JAN, topic_id=OFFERS)

    assert len(told.words) == WORDS_KEPT
    assert told.words[0].state is SUBSCRIBED


async def test_without_a_word_the_default_of_the_topic_holds(
    topic: MakeTopic, received: Callable[[str], Awaitable[set[str]]]
) -> None:
    await topic("offers")
    await topic("invitations", TopicDefault.OPT_IN)

    assert await received(JAN) == {"offers"}


async def test_a_word_stands_against_the_default(
    topic: MakeTopic, leave: Say, join: Say, received: Callable[[str], Awaitable[set[str]]]
) -> None:
    await leave(JAN, topic_id=(await topic("offers")).id)
    await join(JAN, topic_id=(await topic("invitations", TopicDefault.OPT_IN)).id)

    assert await received(JAN) == {"invitations"}
    assert await received(PIET) == {"offers"}


async def test_whoever_left_everything_gets_what_they_subscribe_to_afterwards(
    topic: MakeTopic, leave: Say, join: Say, received: Callable[[str], Awaitable[set[str]]]
) -> None:
    offers, news = await topic("offers"), await topic("news")
    await join(JAN, topic_id=offers.id)

    # All within one millisecond: the clock of the tests stands still.
    await leave(JAN, topic_id=None)
    assert await received(JAN) == set()
    await join(JAN, topic_id=offers.id)
    assert await received(JAN) == {"offers"}
    await leave(JAN, topic_id=None)
    assert await received(JAN) == set()

    standings = await preferences.standings_of("acme", JAN)
    assert standings.unsubscribed
    told = [(one.topic.id, one.preference is None) for one in standings.topics]
    assert told == [(news.id, True), (offers.id, False)]


async def test_whoever_returns_gets_what_they_got_before(
    topic: MakeTopic, leave: Say, join: Say, received: Callable[[str], Awaitable[set[str]]]
) -> None:
    await topic("news")
    await leave(JAN, topic_id=(await topic("offers")).id)
    await join(JAN, topic_id=(await topic("invitations", TopicDefault.OPT_IN)).id)
    before = await received(JAN)
    await leave(JAN, topic_id=None)

    await join(JAN, topic_id=None)

    assert await received(JAN) == before == {"news", "invitations"}
    assert not (await preferences.standings_of("acme", JAN)).unsubscribed


async def test_archived_topics_are_not_told_of(
    topic: MakeTopic, received: Callable[[str], Awaitable[set[str]]], clock: Clock
) -> None:
    offers = await topic("offers")
    await Topic.archive("acme", offers.id, now=clock.now(), author="alice")

    assert await received(JAN) == set()
