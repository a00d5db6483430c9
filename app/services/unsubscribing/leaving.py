"""What recipients do by the links and addresses in their mail."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from beanie import PydanticObjectId

from app.context import Deps
from app.documents.inbound_messages import InboundMessage
from app.documents.preferences import Preference
from app.documents.topics import Topic
from app.documents.vocabulary import PreferenceSource, PreferenceState
from app.documents.ways_out import Holder, holder_of
from app.errors import NotFoundError
from app.mail.unsubscribe_tokens import (
    UnsubscribeToken,
    is_genuine,
    read_unsubscribe_address,
    read_unsubscribe_token,
)
from app.services import preferences
from app.services.preferences import Standings
from app.settings import Settings


@dataclass(frozen=True)
class Shown:
    """What a page tells whoever holds a link: whose it is, and what that address gets.

    `topic` is that of the mail; None for mail of none, which is about everything. `receives` tells
    whether mail such as that of the link still goes to the address.
    """

    holder: Holder
    topic: Topic | None
    standings: Standings
    receives: bool


async def look(deps: Deps, token: str) -> Shown:
    """Look up what a link is about; nothing changes. Raises NotFoundError for one of nobody."""
    holder = await _found(deps.settings, read_unsubscribe_token(token))
    if holder is None:
        raise NotFoundError("No mail has this link.")
    return await _shown(holder)


async def leave(deps: Deps, token: str, *, via: PreferenceSource) -> Shown:
    """Send the holder of a link no more mail such as it came with; how it stands then.

    Done twice it was done once. Raises NotFoundError for a link of nobody.
    """
    shown = await look(deps, token)
    await _leave(deps, shown.holder, via)
    return await _shown(shown.holder)


async def choose(
    deps: Deps, token: str, *, wanted: Collection[str], among: Collection[str]
) -> Shown:
    """Take the holder's word on topics by their keys: which of those `among` which it chose.

    Of others nothing is said. Raises NotFoundError for a link of nobody.
    """
    shown = await look(deps, token)
    for standing in shown.standings.topics:
        key = standing.topic.key
        if key in among and (key in wanted) != standing.receives:
            await _say(
                deps,
                shown.holder,
                PreferenceSource.PAGE,
                topic_id=standing.topic.id,
                wanted=key in wanted,
            )
    return await _shown(shown.holder)


async def choose_all(deps: Deps, token: str, *, wanted: bool) -> Shown:
    """Take the holder's word on all mail: none of it, or again what it got before it said so.

    Raises NotFoundError for a link of nobody.
    """
    shown = await look(deps, token)
    await _say(deps, shown.holder, PreferenceSource.PAGE, topic_id=None, wanted=wanted)
    return await _shown(shown.holder)


def mail_in(settings: Settings, tenant: str, addresses: Iterable[str]) -> PydanticObjectId | None:
    """Find which mail of a tenant the first address of ours lets its recipient leave."""
    domain = settings.inbound_domain
    if domain is None:
        return None
    for address in addresses:
        token = read_unsubscribe_address(address, domain=domain)
        if token is not None and _genuine(settings, token, tenant):
            return PydanticObjectId(token.mail_id)
    return None


async def leave_by_mail(deps: Deps, message: InboundMessage) -> None:
    """Do what a message asks for by the address it was sent to, whoever wrote it; once.

    Delivered again later it may not undo what its author said since.
    """
    if message.leaving_id is None:
        return
    holder = await holder_of(str(message.leaving_id))
    if holder is not None and holder.tenant == message.tenant_id:
        await _leave(deps, holder, PreferenceSource.MAILTO)
    await message.done_leaving()


async def tenant_left(settings: Settings, address: str) -> str | None:
    """Tell whose mail an address lets one leave; None for one that is not of ours, or forged."""
    if settings.inbound_domain is None:
        return None
    token = read_unsubscribe_address(address, domain=settings.inbound_domain)
    holder = await _found(settings, token)
    return None if holder is None else holder.tenant


async def _found(settings: Settings, token: UnsubscribeToken | None) -> Holder | None:
    """Give the holder of a genuine token."""
    holder = None if token is None else await holder_of(token.mail_id)
    if token is None or holder is None or not _genuine(settings, token, holder.tenant):
        return None
    return holder


def _genuine(settings: Settings, token: UnsubscribeToken, tenant: str) -> bool:
    return is_genuine(settings.unsubscribe_keys, token, tenant=tenant)


async def _leave(deps: Deps, holder: Holder, via: PreferenceSource) -> None:
    await _say(deps, holder, via, topic_id=holder.topic_id, wanted=False)


async def _say(
    deps: Deps,
    holder: Holder,
    via: PreferenceSource,
    *,
    topic_id: PydanticObjectId | None,
    wanted: bool,
) -> None:
    await preferences.say(
        deps,
        holder.tenant,
        holder.address,
        state=PreferenceState.SUBSCRIBED if wanted else PreferenceState.UNSUBSCRIBED,
        topic_id=topic_id,
        via=via,
        communication_id=holder.communication_id,
    )


async def _shown(holder: Holder) -> Shown:
    standings = await preferences.standings_of(holder.tenant, holder.address)
    everything = standings.everything
    topic = None
    if holder.topic_id is not None:
        topic = await Topic.of_tenant(holder.tenant, str(holder.topic_id))
    if topic is None:
        return Shown(holder, None, standings, receives=not standings.unsubscribed)
    # Among the standings there are no archived topics.
    said = await Preference.one(holder.tenant, standings.address, topic.id)
    receives = preferences.receives(topic, said, everything)
    return Shown(holder, topic, standings, receives=receives)
