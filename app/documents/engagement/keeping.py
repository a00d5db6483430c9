"""Keeping hits and counting them, by one transaction: no hit is kept uncounted, or counted twice.

Every transaction here reads and writes the record that is counted on, so two of the same record are
made one after the other, whichever processes they come from.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from beanie import PydanticObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import UpdateOne

from app.documents.base import Filter
from app.documents.communications import Communication
from app.documents.engagement import figures
from app.documents.engagement.figures import Change, Part, Span
from app.documents.engagement.hits import Engagement, persons
from app.documents.transactions import together
from app.mail.engagement.company import NEAR, REACH
from app.mail.engagement.hits import EngagementKind, EngagementSource, Judgement

Judge = Callable[[Sequence[Engagement]], Sequence[Judgement]]
# Hits around others that are looked at: so many come from nobody who reads.
COMPANY = 2000
_Envelope = tuple[str, PydanticObjectId]


async def keep(hits: Sequence[Engagement], judge: Judge, *, rules: int) -> None:
    """Keep what is new, judged with what stands around it, and count it on its record.

    A hit of a mail that is gone, or has no picture of ours, is not kept; one whose id is known
    already is kept once.
    """

    async def moves(session: AsyncIOMotorClientSession) -> None:
        records = await records_of(session, {hit.communication_id for hit in hits})
        known = await _known(session, hits)
        fresh = [hit for hit in hits if hit.id not in known and _has_place(records, hit)]
        changes = await _judged(session, fresh, judge, rules)
        await write(session, changes)
        await count(session, records, changes, now=None)

    await together(Engagement, moves)


def _has_place(records: dict[PydanticObjectId, dict[str, Any]], hit: Engagement) -> bool:
    record = records.get(hit.communication_id)
    if record is None:
        return False
    return hit.kind is not EngagementKind.OPEN or bool(record["trackingEnabled"])


async def records_of(
    session: AsyncIOMotorClientSession, ids: set[PydanticObjectId]
) -> dict[PydanticObjectId, dict[str, Any]]:
    """Read what is counted on of records."""
    rows = Communication.get_motor_collection().find(
        {"_id": {"$in": list(ids)}}, figures.READ, session=session
    )
    return {row["_id"]: row async for row in rows}


async def _known(
    session: AsyncIOMotorClientSession, hits: Sequence[Engagement]
) -> set[PydanticObjectId]:
    """Tell which were kept already: providers tell twice, and workers that die begin anew."""
    rows = Engagement.get_motor_collection().find(
        {"_id": {"$in": [hit.id for hit in hits]}}, {"_id": 1}, session=session
    )
    return {row["_id"] for row in await rows.to_list(None)}


async def _judged(
    session: AsyncIOMotorClientSession, fresh: Sequence[Engagement], judge: Judge, rules: int
) -> list[Change]:
    """Judge new hits with those near to them, of which some may be thought of otherwise now."""
    groups: dict[_Envelope, list[Engagement]] = defaultdict(list)
    for hit in fresh:
        groups[hit.tenant_id, hit.delivery_id].append(hit)
    company = await _company(session, groups)
    changes: list[Change] = []
    for envelope, new in groups.items():
        hits = [*company[envelope], *new]
        for hit, judgement in zip(hits, judge(hits), strict=True):
            if hit.rules == 0:
                changes.append(Change(None, hit.judged(judgement, rules)))
            elif judgement != hit.judgement:
                changes.append(Change(hit, hit.judged(judgement, hit.rules)))
    return changes


async def _company(
    session: AsyncIOMotorClientSession, groups: dict[_Envelope, list[Engagement]]
) -> dict[_Envelope, list[Engagement]]:
    """Read the kept hits that new ones change something about, or the other way round.

    Those of other mails that came at about the same time are asked for together: a question of
    hundreds of parts takes MongoDB as long as all else here.
    """
    at_once: dict[tuple[str, datetime], list[Engagement]] = defaultdict(list)
    for (tenant, _), new in groups.items():
        for hit in new:
            at_once[tenant, hit.created.replace(second=0, microsecond=0)].append(hit)
    found: dict[_Envelope, list[Engagement]] = defaultdict(list)
    either = [criteria for new in at_once.values() for criteria in _near(new)]
    for hit in await _read(session, either):
        found[hit.tenant_id, hit.delivery_id].append(hit)
    return found


def _near(new: Sequence[Engagement]) -> Iterator[Filter]:
    """Match what is near enough to new hits of a tenant, as `company` tells, and little more."""
    opens = [hit for hit in new if hit.kind is EngagementKind.OPEN]
    clicks = [hit for hit in new if hit.kind is EngagementKind.CLICK]
    own = [hit for hit in new if hit.source is EngagementSource.OWN]
    told = [hit for hit in new if hit.source is not EngagementSource.OWN]
    if clicks:
        yield _within(clicks, NEAR[EngagementKind.CLICK], {"kind": EngagementKind.CLICK})
    if opens:
        # Of a mail that many open at once, those of the same client only.
        clients = {
            "address": {"$in": list({hit.address for hit in opens})},
            "userAgent": {"$in": list({hit.user_agent for hit in opens})},
        }
        near = NEAR[EngagementKind.OPEN]
        yield _within(opens, near, {"kind": EngagementKind.OPEN, **clients})
    if own:
        yield _within(own, REACH, {"source": EngagementSource.RESEND})
    if told:
        same = {"url": {"$in": list({hit.url for hit in told})}}
        yield _within(told, REACH, {"source": EngagementSource.OWN, **same})


def _within(hits: Sequence[Engagement], reach: timedelta, criteria: Filter) -> Filter:
    moments = [hit.created for hit in hits]
    span = {"$gte": min(moments) - reach, "$lte": max(moments) + reach}
    envelopes = {"deliveryId": {"$in": list({hit.delivery_id for hit in hits})}, "created": span}
    return Engagement.owned(hits[0].tenant_id, {**envelopes, **criteria})


async def around(
    session: AsyncIOMotorClientSession | None, groups: Mapping[_Envelope, Sequence[Engagement]]
) -> list[Engagement]:
    """Read what stands close enough to these hits to matter, or matters to what does."""
    return await _read(session, [_within(hits, 2 * REACH, {}) for hits in groups.values()])


async def _read(
    session: AsyncIOMotorClientSession | None, either: Sequence[Filter]
) -> list[Engagement]:
    if not either:
        return []
    rows = Engagement.get_motor_collection().find({"$or": [*either]}, session=session)
    return [Engagement.model_validate(row) async for row in rows.sort("created", -1).limit(COMPANY)]


async def write(session: AsyncIOMotorClientSession, changes: Sequence[Change]) -> None:
    """Insert what is new, and write down what is thought of the others now."""
    collection = Engagement.get_motor_collection()
    fresh = [change.after.stored() for change in changes if change.before is None]
    if fresh:
        await collection.insert_many(fresh, session=session)
    anew = [
        UpdateOne(
            {"_id": change.after.id},
            {"$set": change.after.thoughts},
        )
        for change in changes
        if change.before is not None
    ]
    if anew:
        await collection.bulk_write(anew, ordered=False, session=session)


async def count(
    session: AsyncIOMotorClientSession,
    records: dict[PydanticObjectId, dict[str, Any]],
    changes: Sequence[Change],
    *,
    now: datetime | None,
) -> None:
    """Count the changes on their records; without `now` they happen when they were fetched."""
    of_record: dict[PydanticObjectId, list[Change]] = defaultdict(list)
    for change in changes:
        of_record[change.after.communication_id].append(change)
    writes: list[UpdateOne] = []
    for id_, some in of_record.items():
        if id_ not in records:
            continue
        moved = [
            (part, part.counter.moved(few, await _span(session, id_, part, few)))
            for part, few in figures.parts_of(records[id_], some)
        ]
        date = now or max(change.after.created for change in some)
        writes += figures.updates(id_, records[id_], moved, date)
    if writes:
        await Communication.get_motor_collection().bulk_write(writes, session=session)


async def _span(
    session: AsyncIOMotorClientSession,
    id_: PydanticObjectId,
    part: Part,
    changes: Sequence[Change],
) -> Span | None:
    """Look up when people's first and last of these hits that are kept were, where they may go."""
    if not part.counter.loses_its_bounds(changes):
        return None
    criteria = {**persons(id_, part.kind), **part.criteria}
    collection = Engagement.get_motor_collection()
    bounds = [
        await collection.find_one(
            criteria, {"created": 1}, sort=[("created", way)], session=session
        )
        for way in (1, -1)
    ]
    first, last = bounds
    return None if first is None or last is None else (first["created"], last["created"])
