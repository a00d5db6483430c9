"""Running today's rules over kept hits: what changes is counted anew, in the same transaction."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby

from beanie import PydanticObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession

from app.documents import keyset
from app.documents.base import Filter
from app.documents.deliveries import Delivery
from app.documents.engagement import mails
from app.documents.engagement.figures import Change
from app.documents.engagement.hits import Engagement
from app.documents.engagement.keeping import Judge, around, count, records_of, write
from app.documents.fields import Kind
from app.documents.keyset import ID, Key, Listing
from app.documents.transactions import together

_ORDER = (Key("deliveryId", Kind.ID), Key("created", Kind.INSTANT), ID)
Moments = dict[PydanticObjectId, Sequence[datetime]]


async def tenants() -> list[str]:
    """Name the tenants that have hits, in order."""
    return sorted(await Engagement.get_motor_collection().distinct("tenantId"))


async def part(
    tenant: str, *, since: datetime | None, after: Engagement | None, limit: int
) -> list[Engagement]:
    """Read a tenant's hits behind `after`, envelope by envelope; only those from `since` on."""
    criteria: Filter = {} if since is None else {"created": {"$gte": since}}
    listing = Listing(Engagement, _ORDER, criteria)
    position = None if after is None else (after.delivery_id, after.created, after.id)
    rows = await keyset.read(listing, tenant, after=position, before=None, limit=limit)
    return [Engagement.model_validate(row) for row in rows]


async def rejudge(
    hits: Sequence[Engagement], judge: Judge, *, rules: int, now: datetime
) -> list[Change]:
    """Judge a part of a tenant's hits once more, with what is known by now; what changed of them.

    Where nothing changes nothing is written but which rules it was that judged.
    """
    moments = await _moments({hit.delivery_id for hit in hits})
    beside = await _beside(hits)
    done: list[Change] = []
    for delivery_id, few in _by_envelope(hits):
        if _changes(few, beside[delivery_id], judge, moments, rules):
            done += await _rejudged([hit.id for hit in few], judge, moments, rules, now)
    await Engagement.get_motor_collection().update_many(
        {"_id": {"$in": [hit.id for hit in hits]}, "rules": {"$ne": rules}},
        {"$set": {"rules": rules}},
    )
    return done


async def _rejudged(
    ids: Sequence[PydanticObjectId], judge: Judge, moments: Moments, rules: int, now: datetime
) -> list[Change]:
    """Judge hits of one envelope as they stand now, and count what changes."""

    async def moves(session: AsyncIOMotorClientSession) -> list[Change]:
        rows = Engagement.get_motor_collection().find({"_id": {"$in": list(ids)}}, session=session)
        hits = [Engagement.model_validate(row) async for row in rows]
        if not hits:
            return []
        beside = await around(session, {(hits[0].tenant_id, hits[0].delivery_id): hits})
        changes = _changes(hits, _others(hits, beside), judge, moments, rules)
        records = await records_of(session, {hit.communication_id for hit in hits})
        await write(session, changes)
        await count(session, records, changes, now=now)
        return changes

    return await together(Engagement, moves) or []


def _changes(
    hits: Sequence[Engagement],
    beside: Sequence[Engagement],
    judge: Judge,
    moments: Moments,
    rules: int,
) -> list[Change]:
    known = [hit.since(moments.get(hit.delivery_id, ())) for hit in [*hits, *beside]]
    judged = judge(known)[: len(hits)]
    return [
        Change(hit, now.judged(judgement, rules))
        for hit, now, judgement in zip(hits, known[: len(hits)], judged, strict=True)
        if judgement != hit.judgement
    ]


async def _moments(ids: set[PydanticObjectId]) -> Moments:
    """Tell when envelopes were handed over and delivered."""
    rows = Delivery.get_motor_collection().find({"_id": {"$in": list(ids)}}, mails.READ)
    return {row["_id"]: mails.envelope_of(row).moments async for row in rows}


async def _beside(hits: Sequence[Engagement]) -> dict[PydanticObjectId, list[Engagement]]:
    """Read what stands around a part and is not in it: at most of its first and last envelope."""
    ends = {hit.delivery_id for hit in (hits[0], hits[-1])}
    groups: dict[tuple[str, PydanticObjectId], list[Engagement]] = defaultdict(list)
    for hit in hits:
        if hit.delivery_id in ends:
            groups[hit.tenant_id, hit.delivery_id].append(hit)
    found: dict[PydanticObjectId, list[Engagement]] = defaultdict(list)
    for one in _others(hits, await around(None, groups)):
        found[one.delivery_id].append(one)
    return found


def _others(hits: Sequence[Engagement], beside: Sequence[Engagement]) -> list[Engagement]:
    ids = {hit.id for hit in hits}
    return [one for one in beside if one.id not in ids]


def _by_envelope(
    hits: Sequence[Engagement],
) -> Iterator[tuple[PydanticObjectId, list[Engagement]]]:
    for delivery_id, few in groupby(hits, key=lambda hit: hit.delivery_id):
        yield delivery_id, list(few)
