"""Pace: how often, and how many at a time, all workers together do a thing, for one tenant."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pydantic import Field
from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from app.documents.base import StoredModel, TenantDocument

# A holder that died loses its lease after this; a living one renews it.
LEASE = timedelta(seconds=30)
# Places kept for those who were sent away; whoever comes when all are taken gets none.
CALENDAR_LIMIT = 500

_Expression = dict[str, Any]


@dataclass(frozen=True)
class Limits:
    """At most `at_once` at a time, and at most `sends` in any stretch of `window`."""

    at_once: int
    sends: int
    window: timedelta


@dataclass(frozen=True)
class Answer:
    """`wait` is when to come again; None when all that lacks is that one of the others ends."""

    granted: bool
    wait: timedelta | None


class Lease(StoredModel):
    holder: str
    until: datetime


class Sent(StoredModel):
    """One that was let through; `at` is when it was, and later when it really sent."""

    holder: str
    at: datetime


class Place(StoredModel):
    who: str
    at: datetime


class Pace(TenantDocument):
    """All times are by MongoDB's own clock.

    `sends` counts what was let through: for the length of the window, and while its holder has a
    lease. `waiting` is the calendar: whoever was sent away has a place there, and goes before all
    who come later; a place that nobody comes for is given up after one more window. `answer` is
    what the last one to ask was told.
    """

    key: str
    leases: list[Lease] = Field(default_factory=list)
    sends: list[Sent] = Field(default_factory=list)
    waiting: list[Place] = Field(default_factory=list)
    answer: dict[str, Any] = Field(default_factory=dict)

    class Settings:
        name = "paces"
        indexes: ClassVar = [IndexModel([("tenantId", ASCENDING), ("key", ASCENDING)], unique=True)]


async def take(tenant: str, key: str, *, who: str, holder: str, limits: Limits) -> Answer:
    """Let `holder` through under a lease, or keep a place in the calendar for `who`.

    `who` is the same whenever it comes again, `holder` is new each time.
    """
    while True:
        try:
            row = await _collection().find_one_and_update(
                Pace.owned(tenant, {"key": key}),
                [
                    *_forget(limits),
                    *_judge(who, limits),
                    {"$set": _written(who, holder)},
                ],
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:
            # Two made it at the same moment.
            continue
        answer = row["answer"]
        wait = answer["wait"]
        return Answer(answer["granted"], None if wait is None else timedelta(milliseconds=wait))


async def take_place(tenant: str, key: str, *, holder: str, limits: Limits) -> Answer:
    """Let `holder` through under a lease, to send nothing: only who is there now counts."""
    lease = {"holder": holder, "until": {"$add": ["$$NOW", _milliseconds(LEASE)]}}
    is_idle = {"$lt": [{"$size": "$leases"}, limits.at_once]}
    while True:
        try:
            row = await _collection().find_one_and_update(
                Pace.owned(tenant, {"key": key}),
                [
                    *_forget(limits),
                    {"$set": {"answer": {"granted": is_idle}}},
                    {"$set": {"leases": _added("$leases", lease)}},
                ],
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:
            continue
        return Answer(row["answer"]["granted"], None)


async def begin_send(tenant: str, key: str, holder: str) -> bool:
    """Count its send from now, where it was counted from being let through.

    False when the lease was lost: then it may no longer be counted at all.
    """
    counted = {"$concatArrays": [_without("$sends", holder), [{"holder": holder, "at": "$$NOW"}]]}
    done = await _collection().update_one(
        Pace.owned(tenant, {"key": key, "leases.holder": holder}), [{"$set": {"sends": counted}}]
    )
    return bool(done.matched_count)


async def extend(tenant: str, key: str, holder: str) -> bool:
    """Keep the lease from now for its full length; False when it was lost."""
    lease = {"holder": holder, "until": {"$add": ["$$NOW", _milliseconds(LEASE)]}}
    leases = {"$concatArrays": [_without("$leases", holder), [lease]]}
    done = await _collection().update_one(
        Pace.owned(tenant, {"key": key, "leases.holder": holder}), [{"$set": {"leases": leases}}]
    )
    return bool(done.matched_count)


async def release(tenant: str, key: str, holder: str, *, sent: bool) -> None:
    """Give the lease back; one that did not send is not counted either."""
    ended: dict[str, Any] = {"leases": {"holder": holder}}
    if not sent:
        ended["sends"] = {"holder": holder}
    await _collection().update_one(Pace.owned(tenant, {"key": key}), {"$pull": ended})


def _forget(limits: Limits) -> list[_Expression]:
    """Drop what is over: leases, then what no longer counts, and places nobody came for."""
    past = {"$subtract": ["$$NOW", _milliseconds(limits.window)]}
    is_held = {"$in": ["$$one.holder", "$leases.holder"]}
    return [
        {
            "$set": {
                "created": {"$ifNull": ["$created", "$$NOW"]},
                "leases": _those("$leases", {"$gt": ["$$one.until", "$$NOW"]}),
            }
        },
        {
            "$set": {
                "sends": _those("$sends", {"$or": [{"$gt": ["$$one.at", past]}, is_held]}),
                "waiting": _those("$waiting", {"$gt": ["$$one.at", past]}),
            }
        },
    ]


def _judge(who: str, limits: Limits) -> list[_Expression]:
    """Work out `answer`: how many go before it, whether it may, and else when."""
    window = _milliseconds(limits.window)
    interval = window / limits.sends
    mine = _those("$waiting", {"$eq": ["$$one.who", {"$literal": who}]})
    last = {"$add": [{"$last": "$waiting.at"}, interval]}
    before = {"$lt": ["$$one.at", {"$ifNull": ["$answer.mine", _FOREVER]}]}
    short = {"$max": [{"$subtract": ["$answer.ahead", "$answer.open"]}, 0]}
    nth = {"$min": [short, {"$subtract": [{"$size": "$sends"}, 1]}]}
    freed = {"$add": [{"$arrayElemAt": ["$sends.at", nth]}, window]}
    is_free = {"$lt": ["$answer.ahead", "$answer.open"]}
    is_idle = {"$lt": [{"$size": "$leases"}, limits.at_once]}
    least = {"$add": ["$$NOW", interval]}
    return [
        {"$unset": "answer"},
        {"$set": {"answer": {"mine": {"$first": {"$map": {"input": mine, "in": "$$this.at"}}}}}},
        {
            "$set": {
                "answer.ahead": {"$size": _those("$waiting", before)},
                "answer.open": {"$subtract": [limits.sends, {"$size": "$sends"}]},
            }
        },
        {
            "$set": {
                "answer.free": is_free,
                "answer.granted": {"$and": [is_free, is_idle]},
                "answer.at": {"$ifNull": ["$answer.mine", {"$max": [last, freed, "$$NOW"]}]},
            }
        },
        {
            "$set": {
                "answer.wait": {
                    "$cond": [
                        "$answer.free",
                        None,
                        {"$subtract": [{"$max": ["$answer.at", least]}, "$$NOW"]},
                    ]
                }
            }
        },
    ]


def _written(who: str, holder: str) -> _Expression:
    lease = {"holder": holder, "until": {"$add": ["$$NOW", _milliseconds(LEASE)]}}
    place = [{"who": {"$literal": who}, "at": "$answer.at"}]
    gets_place = {
        "$and": [
            {"$not": ["$answer.free"]},
            {"$not": [{"$ifNull": ["$answer.mine", False]}]},
            {"$lt": [{"$size": "$waiting"}, CALENDAR_LIMIT]},
        ]
    }
    left = _those("$waiting", {"$ne": ["$$one.who", {"$literal": who}]})
    stays = {
        "$cond": [gets_place, {"$concatArrays": ["$waiting", place]}, "$waiting"],
    }
    return {
        "leases": _added("$leases", lease),
        "sends": _added("$sends", {"holder": holder, "at": "$$NOW"}),
        "waiting": {"$cond": ["$answer.granted", left, stays]},
    }


_FOREVER = datetime(9999, 12, 31)  # noqa: DTZ001 - MongoDB takes it as UTC


def _added(array: str, item: _Expression) -> _Expression:
    return {"$cond": ["$answer.granted", {"$concatArrays": [array, [item]]}, array]}


def _without(array: str, holder: str) -> _Expression:
    return _those(array, {"$ne": ["$$one.holder", holder]})


def _those(array: str, condition: _Expression) -> _Expression:
    return {"$filter": {"input": {"$ifNull": [array, []]}, "as": "one", "cond": condition}}


def _milliseconds(duration: timedelta) -> int:
    return int(duration.total_seconds() * 1000)


def _collection() -> Any:
    return Pace.get_motor_collection()
