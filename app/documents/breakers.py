"""Whether mail can go by an account, told by those who tried: a circuit breaker for all workers.

It is up until it failed so many times in a row; then it is down until `down_until`, when one mail
is let through to try. Its failure puts the time off by more, any success ends it.
"""

from datetime import datetime

from beanie import PydanticObjectId
from pymongo import ASCENDING

from app.documents.deliveries import Delivery
from app.documents.provider_accounts import BREAKER, ProviderAccount
from app.documents.vocabulary import DeliveryStatus


async def count_failure(id_: PydanticObjectId, *, words: str) -> ProviderAccount | None:
    """Note that the account failed, and why; None when it is gone."""
    return await ProviderAccount.move(
        id_, leaving={}, update={"$inc": {"failures": 1}, "$set": {"lastError": words}}
    )


async def take_down(
    account: ProviderAccount, *, since: datetime | None, until: datetime
) -> ProviderAccount | None:
    """Let nothing through until then; None when someone else was first, or it is up again.

    `since` is the `down_until` that the failure was seen under.
    """
    return await ProviderAccount.move(
        account.id,
        leaving={"failures": {"$gt": 0}, "downUntil": since},
        update={"$set": {"downUntil": until}, "$inc": {"trips": 1}},
    )


async def begin_trial(
    account: ProviderAccount, *, now: datetime, until: datetime
) -> ProviderAccount | None:
    """Take the one trial that is due; None when it is another's.

    Whoever takes it and is never heard of again holds up the next trial until then.
    """
    return await ProviderAccount.move(
        account.id, leaving={"downUntil": {"$lte": now}}, update={"$set": {"downUntil": until}}
    )


async def bring_up(id_: PydanticObjectId) -> ProviderAccount | None:
    """Take it for working; None when nothing said otherwise."""
    return await ProviderAccount.move(
        id_, leaving={"failures": {"$gt": 0}}, update={"$unset": dict.fromkeys(BREAKER, "")}
    )


async def wake(account: ProviderAccount, *, now: datetime, due_at: datetime) -> int:
    """Make due then what waits for its next attempt by this account; how many those are."""
    waiting = Delivery.owned(
        account.tenant_id,
        {
            "status": DeliveryStatus.QUEUED,
            "accountId": account.id,
            "dueAt": {"$gt": now},
            "lease": {"$exists": False},
        },
    )
    # By the index of what is unsettled, however much the tenant has sent.
    woken = await Delivery.get_motor_collection().update_many(
        waiting, {"$set": {"dueAt": due_at}}, hint=[("dueAt", ASCENDING)]
    )
    return woken.modified_count
