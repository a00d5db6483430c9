"""What is asked of MongoDB for single mails, gathered where many ask at once.

Each operation costs a worker a third of a millisecond, whether it is for one mail or for twenty.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from beanie import PydanticObjectId
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from app.documents import inbox_counts, references, unsubscribes
from app.documents.base import Change, StoredDocument, StoreUnavailableError, write_faults
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.engagement import keeping, mails
from app.documents.engagement.hits import Engagement
from app.documents.engagement.keeping import Judge
from app.documents.gathered_received import GatheredReceived
from app.documents.gathered_tallies import GatheredTallies
from app.documents.preferences import Preference
from app.documents.provider_accounts import ProviderAccount
from app.documents.suppressions import Suppression
from app.documents.topics import Topic
from app.documents.unsubscribes import Unsubscribe
from app.gathering import Gathering

Move = tuple[PydanticObjectId, Change]
_AskedOf = tuple[str, PydanticObjectId | None, Collection[str]]


class Gathered:
    """The gatherings of one process."""

    def __init__(self) -> None:
        self._records = Gathering[Move, None](_moved_records)
        self._settling = Gathering[Move, bool](_settled)
        self._storing = Gathering[Delivery, Delivery](_stored)
        self._accepting = Gathering[Communication, bool](_accepted)
        self._accounts = Gathering[str, list[ProviderAccount]](_accounts)
        self._suppressions = Gathering[tuple[str, Collection[str]], Mapping[str, Suppression]](
            _suppressions
        )
        self._preferences = Gathering[_AskedOf, Mapping[str, Sequence[Preference]]](_preferences)
        self._topics = Gathering[tuple[str, PydanticObjectId], Topic | None](_topics)
        self._unsubscribes = Gathering[Unsubscribe, Preference | None](_unsubscribed)
        self._hits = Gathering[tuple[Engagement, Judge, int], None](_kept)
        self._links = Gathering[tuple[str, int], str | None](mails.links)
        self._message_ids = Gathering[tuple[str, str], list[str]](_message_ids)
        self.received = GatheredReceived()
        self.tallies = GatheredTallies()
        self._inbox = Gathering[tuple[str, Collection[str], datetime], None](_counted)

    async def move_record(self, id_: PydanticObjectId, change: Change) -> None:
        """Make a move of a communication, where it is in a state that the move leaves."""
        await self._records.ask((id_, change))

    async def settle(self, delivery: Delivery, change: Change) -> bool:
        """Make the move that settles a delivery; whether news waited for that."""
        return await self._settling.ask((delivery.id, change))

    async def store_once(self, delivery: Delivery) -> Delivery:
        """Do what `Delivery.store_once` does."""
        return await self._storing.ask(delivery)

    async def accept(self, record: Communication) -> bool:
        """Do what `Communication.store` does."""
        return await self._accepting.ask(record)

    async def accounts(self, tenant: str) -> list[ProviderAccount]:
        """Give what `ProviderAccount.choices` does, to be read only."""
        return await self._accounts.ask(tenant)

    async def suppressions(
        self, tenant: str, addresses: Collection[str]
    ) -> Mapping[str, Suppression]:
        """Give those of these addresses at least that the tenant suppresses, in lower case."""
        return await self._suppressions.ask((tenant, addresses))

    async def preferences(
        self, tenant: str, topic_id: PydanticObjectId | None, addresses: Collection[str]
    ) -> Mapping[str, Sequence[Preference]]:
        """Give at least what these addresses said of a topic and of everything, in lower case."""
        return await self._preferences.ask((tenant, topic_id, addresses))

    async def topic(self, tenant: str, id_: PydanticObjectId) -> Topic | None:
        """Give the tenant's topic."""
        return await self._topics.ask((tenant, id_))

    async def unsubscribe(self, asked: Unsubscribe) -> Preference | None:
        """Do what `unsubscribes.unsubscribe` does, for one after the other.

        Those who leave a campaign at once would be in each other's way on its record.
        """
        return await self._unsubscribes.ask(asked)

    async def message_ids(self, tenant: str, conversation_id: str) -> list[str]:
        """Do what `references.message_ids` does."""
        return await self._message_ids.ask((tenant, conversation_id))

    async def count_inbox(
        self, tenant: str, conversation_ids: Collection[str], *, now: datetime
    ) -> None:
        """Do what `inbox_counts.count` does: those who come together write an entry once."""
        await self._inbox.ask((tenant, conversation_ids, now))

    async def keep_hit(self, hit: Engagement, judge: Judge, *, rules: int) -> None:
        """Do what `keeping.keep` does; hits that come together are judged by the same rules."""
        await self._hits.ask((hit, judge, rules))

    async def keep_hits(
        self, hits: Sequence[Engagement], judge: Judge, *, rules: int
    ) -> Sequence[Exception | None]:
        """Do what `keeping.keep` does; give what went wrong with each of many hits."""
        return await _kept([(hit, judge, rules) for hit in hits]) if hits else []

    async def link(self, tracking_id: str, index: int) -> str | None:
        """Do what `mails.links` does, for one link."""
        return await self._links.ask((tracking_id, index))


async def _moved_records(moves: Sequence[Move]) -> Sequence[Exception | None]:
    return await _moved(Communication, moves)


async def _settled(moves: Sequence[Move]) -> Sequence[bool | Exception]:
    if len(moves) == 1:
        id_, change = moves[0]
        moved = await Delivery.make(id_, change)
        return [moved is not None and moved.news_waits]
    faults = await _moved(Delivery, moves)
    waiting = await Delivery.with_news([id_ for id_, _ in moves])
    return [
        id_ in waiting if fault is None else fault
        for (id_, _), fault in zip(moves, faults, strict=True)
    ]


async def _moved(
    documents: type[StoredDocument], moves: Sequence[Move]
) -> Sequence[Exception | None]:
    """Make moves; give what went wrong with each. Each may be made again."""
    writes = [UpdateOne({"_id": id_, **change.leaving}, change.update) for id_, change in moves]
    faults: list[Exception | None] = [None] * len(moves)
    try:
        await documents.get_motor_collection().bulk_write(writes, ordered=False)
    except BulkWriteError as error:
        for index in write_faults(error):
            faults[index] = error
    return faults


async def _stored(rows: Sequence[Delivery]) -> Sequence[Delivery | Exception]:
    if len(rows) == 1:
        return [await rows[0].store_once()]
    stored = [await row.outsourced() for row in rows]
    given: list[Delivery | Exception] = [*stored]
    written = [row.written() for row in stored]
    try:
        await Delivery.get_motor_collection().insert_many(written, ordered=False)
    except BulkWriteError as error:
        for index, is_duplicate in write_faults(error).items():
            given[index] = await stored[index].earlier() if is_duplicate else error
    return given


async def _accepted(records: Sequence[Communication]) -> Sequence[bool | Exception]:
    if len(records) == 1:
        return [await records[0].store()]
    stored = [await record.outsourced() for record in records]
    given: list[bool | Exception] = [True] * len(stored)
    written = [record.written() for record in stored]
    try:
        await Communication.get_motor_collection().insert_many(written, ordered=False)
    except BulkWriteError as error:
        for index, is_duplicate in write_faults(error).items():
            given[index] = error
            if is_duplicate:
                await stored[index].discard()
                given[index] = False
    return given


async def _accounts(tenants: Sequence[str]) -> Sequence[list[ProviderAccount]]:
    found = {tenant: await ProviderAccount.choices(tenant) for tenant in set(tenants)}
    return [found[tenant] for tenant in tenants]


async def _suppressions(
    asked: Sequence[tuple[str, Collection[str]]],
) -> Sequence[Mapping[str, Suppression] | Exception]:
    wanted: dict[str, set[str]] = defaultdict(set)
    for tenant, addresses in asked:
        wanted[tenant].update(addresses)
    found = {
        tenant: await Suppression.of_addresses(tenant, addresses)
        for tenant, addresses in wanted.items()
    }
    return [found[tenant] for tenant, _ in asked]


async def _preferences(
    asked: Sequence[_AskedOf],
) -> Sequence[Mapping[str, Sequence[Preference]] | Exception]:
    wanted: dict[str, set[str]] = defaultdict(set)
    topics: dict[str, set[PydanticObjectId | None]] = defaultdict(lambda: {None})
    for tenant, topic_id, addresses in asked:
        wanted[tenant].update(addresses)
        topics[tenant].add(topic_id)
    found = {
        tenant: await Preference.of_addresses(tenant, addresses, topics[tenant])
        for tenant, addresses in wanted.items()
    }
    return [found[tenant] for tenant, _, _ in asked]


async def _topics(
    asked: Sequence[tuple[str, PydanticObjectId]],
) -> Sequence[Topic | Exception | None]:
    wanted: dict[str, set[str]] = defaultdict(set)
    for tenant, id_ in asked:
        wanted[tenant].add(str(id_))
    found = {tenant: await Topic.with_ids(tenant, ids) for tenant, ids in wanted.items()}
    return [found[tenant].get(str(id_)) for tenant, id_ in asked]


async def _unsubscribed(
    asked: Sequence[Unsubscribe],
) -> Sequence[Preference | Exception | None]:
    given: list[Preference | Exception | None] = []
    for place, one in enumerate(asked):
        try:
            given.append(await unsubscribes.unsubscribe(one))
        except StoreUnavailableError as error:
            # The others would wait for it one after the other.
            return [*given, *([error] * (len(asked) - place))]
        except Exception as error:  # noqa: BLE001 - it is raised where it was asked
            given.append(error)
    return given


async def _message_ids(asked: Sequence[tuple[str, str]]) -> Sequence[list[str] | Exception]:
    wanted: dict[str, set[str]] = defaultdict(set)
    for tenant, conversation_id in asked:
        wanted[tenant].add(conversation_id)
    found = {tenant: await references.message_ids_of(tenant, ids) for tenant, ids in wanted.items()}
    return [found[tenant].get(conversation_id, []) for tenant, conversation_id in asked]


async def _counted(
    asked: Sequence[tuple[str, Collection[str], datetime]],
) -> Sequence[Exception | None]:
    wanted: dict[str, set[str]] = defaultdict(set)
    for tenant, ids, _ in asked:
        wanted[tenant].update(ids)
    latest = max(now for _, _, now in asked)
    for tenant, ids in wanted.items():
        await inbox_counts.count(tenant, ids, now=latest)
    return [None] * len(asked)


async def _kept(asked: Sequence[tuple[Engagement, Judge, int]]) -> Sequence[Exception | None]:
    _, judge, rules = asked[0]
    try:
        await keeping.keep([hit for hit, _, _ in asked], judge, rules=rules)
    except Exception as error:  # noqa: BLE001 - it is raised where it was asked
        if len(asked) == 1 or isinstance(error, StoreUnavailableError):
            return [error] * len(asked)
        # One of them is at fault: the others are kept without it.
        half = len(asked) // 2
        return [*await _kept(asked[:half]), *await _kept(asked[half:])]
    return [None] * len(asked)
