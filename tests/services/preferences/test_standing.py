"""What an address gets after whatever it said, whoever looks at the clock."""

from datetime import timedelta
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.context import Caller, Deps
from app.documents.topics import Topic
from app.documents.vocabulary import PreferenceSource, PreferenceState
from app.services import preferences, topics
from app.services.inputs import parse
from tests.fakes.clock import Clock

SUBSCRIBED, UNSUBSCRIBED = PreferenceState.SUBSCRIBED, PreferenceState.UNSUBSCRIBED
NUMBERS = count()
DEFAULTS = {"offers": "OPT_OUT", "invitations": "OPT_IN"}
# About which topic what is said (None: everything), and how many milliseconds after the one before.
WORDS = st.lists(
    st.tuples(
        st.sampled_from([None, *DEFAULTS]),
        st.sampled_from(PreferenceState),
        st.sampled_from([0, 0, 1, -1]),
    ),
    max_size=8,
)


def expected(words: list[tuple[str | None, PreferenceState, int]], key: str) -> bool:
    """Whether mail of a topic goes to whoever said this, by the order of the words alone."""
    said = [(place, state) for place, (topic, state, _) in enumerate(words) if topic == key]
    everything = [(place, state) for place, (topic, state, _) in enumerate(words) if topic is None]
    if said and said[-1][1] is UNSUBSCRIBED:
        return False
    if everything and everything[-1][1] is UNSUBSCRIBED:
        return bool(said) and said[-1][0] > everything[-1][0]
    return bool(said) or DEFAULTS[key] == "OPT_OUT"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=WORDS)
async def test_the_words_count_in_the_order_in_which_they_came(
    deps: Deps, caller: Caller, clock: Clock, words: list[tuple[str | None, PreferenceState, int]]
) -> None:
    known = {topic.key: topic.id for topic in await Topic.all_of("acme")}
    for key, default in DEFAULTS.items():
        if key not in known:
            made = parse(topics.CreateTopic, {"key": key, "name": key, "default": default})
            known[key] = (await topics.create(deps, caller, made)).id
    address = f"a{next(NUMBERS)}@customer.test"

    for topic, state, later in words:
        clock.advance(timedelta(milliseconds=later))
        about = None if topic is None else known[topic]
        via = PreferenceSource.PAGE
        await preferences.say(deps, "acme", address, state=state, topic_id=about, via=via)

    standings = await preferences.standings_of("acme", address)
    received = {standing.topic.key: standing.receives for standing in standings.topics}
    assert received == {key: expected(words, key) for key in DEFAULTS}
