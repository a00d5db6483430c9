"""What the words of a preference mean beside each other, and how they are told."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from beanie import PydanticObjectId

from app.documents.preferences import Preference, Word
from app.documents.topics import Topic
from app.documents.vocabulary import PreferenceSource, PreferenceState

_MOMENT = timedelta(milliseconds=1)
_SUBSCRIBED, _UNSUBSCRIBED = PreferenceState.SUBSCRIBED, PreferenceState.UNSUBSCRIBED
# How something was said, in words.
VIA = {
    PreferenceSource.ONE_CLICK: "by one click",
    PreferenceSource.PAGE: "on the preference page",
    PreferenceSource.MAILTO: "by e-mail",
    PreferenceSource.USER: "as a user wrote down",
}


def called(topic: Topic | None) -> str:
    """Give what a topic is called within a sentence; everything, for None."""
    return "all mail" if topic is None else topic.name


def stands(standing: Preference, word: Word, overruled: datetime | None) -> bool:
    """Whether an address says already what a word says, and said it after what goes against it."""
    return standing.state is word.state and (overruled is None or standing.date > overruled)


def placed(
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
