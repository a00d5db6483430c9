"""Consent, where mail is sent: which mail asks for it, and whom it does not go to."""

from collections.abc import Collection, Sequence

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.preferences import Preference
from app.documents.topics import Topic
from app.documents.vocabulary import PreferenceState
from app.errors import FieldError
from app.mail.addresses import parse_mailbox
from app.services.preferences import receives
from app.services.preferences.words import VIA, called


async def check_topic(
    caller: Caller, topic_id: str | None, *, addresses: Collection[str] | None
) -> list[FieldError]:
    """Tell why mail to these addresses, or to a list (None), cannot have this topic.

    It goes to one address only: the links by which one leaves it are that address's.
    """
    if topic_id is None:
        return []
    faults = []
    topic = await Topic.of_tenant(caller.tenant, topic_id)
    if topic is None:
        faults.append(FieldError("topicId", "no topic has this id"))
    elif topic.archived_at is not None:
        faults.append(FieldError("topicId", "the topic is archived"))
    count = len({parse_mailbox(one).address.lower() for one in addresses or ()})
    if count > 1:
        reason = f"is for mail to one address or to a list; recipients, cc and bcc have {count}"
        faults.append(FieldError("topicId", reason))
    return faults


async def words_for(
    deps: Deps, communication: Communication, addresses: Collection[str]
) -> dict[str, str]:
    """Tell which of these addresses do not want a mail, and why; in lower case.

    Nobody is asked about mail that one cannot be unsubscribed from.
    """
    if not communication.asks_consent or not addresses:
        return {}
    tenant, topic_id = communication.tenant_id, communication.topic_id
    topic = None if topic_id is None else await deps.gathered.topic(tenant, topic_id)
    said = await deps.gathered.preferences(tenant, topic_id, addresses)
    told = {
        address: _words(topic, said.get(address, ()))
        for address in {one.lower() for one in addresses}
    }
    return {address: words for address, words in told.items() if words is not None}


def _words(topic: Topic | None, said: Sequence[Preference]) -> str | None:
    """Tell why an address that said this does not want the mail; None where it does."""
    by_topic = {one.topic_id: one for one in said}
    everything = by_topic.get(None)
    own = None if topic is None else by_topic.get(topic.id)
    if topic is not None:
        if receives(topic, own, everything):
            return None
        if own is not None and own.state is PreferenceState.UNSUBSCRIBED:
            return f"unsubscribed from {called(topic)} {_when(own)}"
    if everything is not None and everything.state is PreferenceState.UNSUBSCRIBED:
        return f"unsubscribed from {called(None)} {_when(everything)}"
    return None if topic is None else f"never subscribed to {topic.name}"


def _when(said: Preference) -> str:
    return f"on {said.date:%Y-%m-%d} {VIA[said.via]}"
