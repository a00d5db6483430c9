"""What an address gets, by what it said and by the defaults of topics."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.documents.preferences import Preference
from app.documents.topics import Topic
from app.documents.vocabulary import PreferenceState, TopicDefault

_UNSUBSCRIBED = PreferenceState.UNSUBSCRIBED


@dataclass(frozen=True)
class Standing:
    """Whether an address gets the mail of a topic, and what it said of it, if anything."""

    topic: Topic
    receives: bool
    preference: Preference | None


@dataclass(frozen=True)
class Standings:
    """What an address gets: `everything` is what it said of all mail, if anything.

    `topics` are those that are not archived, by their keys.
    """

    address: str
    everything: Preference | None
    topics: Sequence[Standing]

    @property
    def unsubscribed(self) -> bool:
        """Whether it unsubscribed from everything."""
        return self.everything is not None and self.everything.state is _UNSUBSCRIBED


async def preferences_of_address(tenant: str, address: str) -> list[Preference]:
    """Give all that an address said, of everything first; without the words before the latest."""
    return await Preference.of_address(tenant, address)


async def standings_of(tenant: str, address: str) -> Standings:
    """Tell of each topic that is not archived whether an address gets its mail."""
    said = {one.topic_id: one for one in await Preference.of_address(tenant, address)}
    everything = said.get(None)
    topics = [
        Standing(topic, receives(topic, said.get(topic.id), everything), said.get(topic.id))
        for topic in await Topic.all_of(tenant)
    ]
    return Standings(address.lower(), everything, topics)


def receives(topic: Topic, said: Preference | None, everything: Preference | None) -> bool:
    """Whether mail of a topic goes to an address that said this of it, and that of all mail."""
    if said is not None and said.state is _UNSUBSCRIBED:
        return False
    if everything is not None and everything.state is _UNSUBSCRIBED:
        return said is not None and said.date > everything.date
    return said is not None or topic.default is TopicDefault.OPT_OUT
