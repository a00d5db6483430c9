"""What recipients want of a tenant's mail: said by themselves, or written down by users.

A word is about one topic, or about all mail that one can be unsubscribed from (`topic_id` None).
The latest word counts:

- Whoever unsubscribed from a topic gets none of its mail.
- Whoever unsubscribed from everything gets no mail of any topic and no mail to lists, until they
  subscribe to everything again, which brings back what they had, or later subscribe to one topic,
  which brings back that one.
- Of a topic of which they said nothing they get mail if its default is OPT_OUT.

Pages, headers and mailboxes by which recipients say it call `unsubscribe`, `subscribe` and
`standings_of`; those stay as they are.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from beanie import PydanticObjectId

from app.context import Deps
from app.documents.preferences import Preference, Word
from app.documents.topics import Topic
from app.documents.vocabulary import PreferenceSource, PreferenceState, TopicDefault

log = structlog.get_logger()

_AT_A_TIME = 1_000
_MOMENT = timedelta(milliseconds=1)
_SUBSCRIBED, _UNSUBSCRIBED = PreferenceState.SUBSCRIBED, PreferenceState.UNSUBSCRIBED


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


async def unsubscribe(
    deps: Deps,
    tenant: str,
    address: str,
    *,
    topic_id: PydanticObjectId | None,
    via: PreferenceSource,
    communication_id: PydanticObjectId | None = None,
    by: str | None = None,
    detail: str | None = None,
) -> Preference:
    """Send an address no more mail of a topic, or none at all for None; as it stands then.

    `address` is that of an envelope, in any case. `communication_id` is the tenant's mail that led
    to it, `by` the user who wrote it down, None for the recipient. Said twice it was said once,
    the first time. The topic is not looked for: it may be archived.
    """
    word = Word(
        state=_UNSUBSCRIBED,
        date=deps.now(),
        via=via,
        communication_id=communication_id,
        author_id=by,
        detail=detail,
    )
    return await _say(tenant, address, topic_id, word)


async def subscribe(
    deps: Deps,
    tenant: str,
    address: str,
    *,
    topic_id: PydanticObjectId | None,
    via: PreferenceSource,
    communication_id: PydanticObjectId | None = None,
    by: str | None = None,
    detail: str | None = None,
) -> Preference:
    """Send an address mail of a topic, whatever it said before; as it stands then.

    For None it takes back what it said of everything, and gets what it got before. Otherwise as
    `unsubscribe`.
    """
    word = Word(
        state=_SUBSCRIBED,
        date=deps.now(),
        via=via,
        communication_id=communication_id,
        author_id=by,
        detail=detail,
    )
    return await _say(tenant, address, topic_id, word)


async def say_all(
    deps: Deps,
    tenant: str,
    addresses: Collection[str],
    *,
    topic_id: PydanticObjectId | None,
    state: PreferenceState,
    by: str,
    detail: str | None,
) -> int:
    """Write down a user's word of many addresses; how many said something else before."""
    changed = 0
    wanted = sorted({address.lower() for address in addresses})
    for start in range(0, len(wanted), _AT_A_TIME):
        part = wanted[start : start + _AT_A_TIME]
        said = await Preference.of_addresses(tenant, part)
        word = Word(
            state=state,
            date=deps.now(),
            via=PreferenceSource.USER,
            author_id=by,
            detail=detail,
        )
        words = {one: _placed(said.get(one, []), topic_id, word) for one in part}
        changed += await Preference.say_all(tenant, topic_id, words)
    log.info("preference.told_of_many", state=state, topic_id=_text(topic_id), changed=changed)
    return changed


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


async def _say(
    tenant: str, address: str, topic_id: PydanticObjectId | None, word: Word
) -> Preference:
    """Write a word down, later than those it goes against; what the address says then."""
    said = await Preference.of_address(tenant, address)
    word, overruled = _placed(said, topic_id, word)
    told = await Preference.say(tenant, address.lower(), topic_id, word, overruled=overruled)
    if told is not None:
        log.info("preference.told", state=word.state, via=word.via, topic_id=_text(topic_id))
        return told
    standing = await Preference.one(tenant, address.lower(), topic_id)
    if standing is None:
        raise RuntimeError("a preference was neither written nor there before")
    return standing


def _placed(
    said: Sequence[Preference], topic_id: PydanticObjectId | None, word: Word
) -> tuple[Word, datetime | None]:
    """Put a word behind those it goes against; with it when the latest of those was said."""
    overruled = _against(said, topic_id, word.state)
    if overruled is not None and word.date <= overruled:
        # Of words of one millisecond, or by clocks that differ, the one that came last counts.
        word = word.model_copy(update={"date": overruled + _MOMENT})
    return word, overruled


def _against(
    said: Sequence[Preference], topic_id: PydanticObjectId | None, state: PreferenceState
) -> datetime | None:
    """When the latest was said that the word goes against, beside what it replaces."""
    if topic_id is None and state is _UNSUBSCRIBED:
        others = [one.date for one in said if one.topic_id and one.state is _SUBSCRIBED]
    elif topic_id is not None and state is _SUBSCRIBED:
        others = [one.date for one in said if not one.topic_id and one.state is _UNSUBSCRIBED]
    else:
        others = []
    return max(others, default=None)


def _text(topic_id: PydanticObjectId | None) -> str | None:
    return None if topic_id is None else str(topic_id)
