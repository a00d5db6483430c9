"""Writing down what somebody wants: once, in order, and beside what was said before."""

from collections.abc import Collection
from datetime import datetime

import structlog
from beanie import PydanticObjectId

from app.context import Deps
from app.documents.communications import Event
from app.documents.preferences import Preference, Word
from app.documents.topics import Topic
from app.documents.unsubscribes import Unsubscribe
from app.documents.vocabulary import EventType, PreferenceSource, PreferenceState
from app.services.preferences.words import VIA, called, placed, stands

log = structlog.get_logger()

_AT_A_TIME = 1_000
# Of several who say something at once each has its turn, unless they never end.
_TURNS = 10
# Characters of an address that the audit trail repeats.
_DESCRIBED = 320
_SUBSCRIBED = PreferenceState.SUBSCRIBED


async def say(
    deps: Deps,
    tenant: str,
    address: str,
    *,
    state: PreferenceState,
    topic_id: PydanticObjectId | None,
    via: PreferenceSource,
    communication_id: PydanticObjectId | None = None,
    by: str | None = None,
    detail: str | None = None,
) -> Preference:
    """Send an address mail of a topic or no more of it, whatever it said before; as it stands then.

    For a `topic_id` of None: none at all, or again what it got before it said so. `address` is
    that of an envelope, in any case. `communication_id` is the tenant's mail that led to it, on
    which it counts; `by` the user who wrote it down, None for the recipient. Said twice it was said
    once, the first time. The topic is not looked for: it may be archived.
    """
    word = Word(
        state=state,
        date=deps.now(),
        via=via,
        communication_id=communication_id,
        author_id=by,
        detail=detail,
    )
    return await _say(deps, tenant, address, topic_id, word)


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
        words = {one: placed(said.get(one, []), topic_id, word) for one in part}
        changed += await Preference.say_all(tenant, topic_id, words)
    log.info("preference.told_of_many", state=state, topic_id=_text(topic_id), changed=changed)
    return changed


async def _say(
    deps: Deps, tenant: str, address: str, topic_id: PydanticObjectId | None, word: Word
) -> Preference:
    """Write a word down, later than those it goes against; what the address says then."""
    address = address.lower()
    for _ in range(_TURNS):
        said = await Preference.of_address(tenant, address)
        behind, overruled = placed(said, topic_id, word)
        standing = next((one for one in said if one.topic_id == topic_id), None)
        if standing is not None and stands(standing, word, overruled):
            return await Preference.one(tenant, address, topic_id) or standing
        told = await _write(deps, tenant, address, topic_id, behind, overruled)
        if told is not None:
            log.info("preference.told", state=word.state, via=word.via, topic_id=_text(topic_id))
            return told
    raise RuntimeError("a preference was neither written nor there before")


async def _write(  # noqa: PLR0917 - all of a word
    deps: Deps,
    tenant: str,
    address: str,
    topic_id: PydanticObjectId | None,
    word: Word,
    overruled: datetime | None,
) -> Preference | None:
    """Write a word down, and count on its mail who unsubscribes by it; None as `Preference.say`."""
    of = word.communication_id
    if of is None or word.state is _SUBSCRIBED or word.via is PreferenceSource.USER:
        return await Preference.say(tenant, address, topic_id, word, overruled=overruled)
    topic = None if topic_id is None else await Topic.of_tenant(tenant, str(topic_id))
    left = f"{address[:_DESCRIBED]} unsubscribed from {called(topic)} {VIA[word.via]}"
    event = Event(type=EventType.UPDATE, date=word.date, description=left)
    return await deps.gathered.unsubscribe(
        Unsubscribe(tenant, address, topic_id, word, overruled, of, event)
    )


def _text(topic_id: PydanticObjectId | None) -> str | None:
    return None if topic_id is None else str(topic_id)
