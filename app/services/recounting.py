"""Keeping the totals that analytics reads, and making them anew from the records."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from app.context import Deps
from app.documents.totals import checking, counting
from app.errors import ConflictError

log = structlog.get_logger()
# How long one run counts before it leaves the rest to the next.
CHANGES_TURN = timedelta(seconds=1.5)
RECOUNT_TURN = timedelta(seconds=50)


@dataclass(frozen=True)
class Recounted:
    """How many records of a tenant were counted since this began, and whether those are all."""

    tenant: str
    records: int
    is_whole: bool = False


async def count_changes(deps: Deps) -> None:
    """Count what changed of records that are counted; readers add it themselves until then."""
    until = deps.now() + CHANGES_TURN
    waiting = await counting.tenants_with_uncounted()
    while waiting and deps.now() < until:
        # In turns: nobody waits for whoever has much.
        waiting = [one for one in waiting if await _has_more(deps, one)]


async def _has_more(deps: Deps, tenant: str) -> bool:
    return await counting.count(tenant, now=deps.now()) == counting.AT_ONCE


async def complete(deps: Deps) -> None:
    """Count the records of tenants that were never counted, as an earlier release left them."""
    until = deps.now() + RECOUNT_TURN
    for tenant in await counting.tenants_not_whole():
        async for done in recount(deps, tenant, anew=False):
            if done.is_whole:
                log.info("totals.whole", tenant=tenant)
            elif deps.now() >= until:
                return


async def recount(deps: Deps, tenant: str, *, anew: bool) -> AsyncGenerator[Recounted, None]:
    """Count all records of a tenant, and tell after each part how many they were so far.

    What was begun and not brought to its end is gone on with, unless it is to be `anew`: records
    that came past the API since may be missing else. Until it is at its end analytics counts the
    records themselves.
    """
    ledger = await counting.of_tenant(tenant)
    if ledger is None or ledger.whole or anew:
        ledger = await counting.begin(tenant, now=deps.now())
    records = 0
    async for counted in counting.go_on(ledger, now=deps.now()):
        records += counted
        yield Recounted(tenant, records)
    found = await counting.of_tenant(tenant)
    is_whole = found is not None and found.whole and found.epoch == ledger.epoch
    yield Recounted(tenant, records, is_whole)


@dataclass(frozen=True)
class Checked:
    """A day that was compared, None at the end, and what is wrong there."""

    tenant: str
    day: datetime | None
    faults: Sequence[str]


async def check(deps: Deps, tenant: str) -> AsyncGenerator[Checked, None]:
    """Compare the totals of a tenant with its records, day by day; nothing is changed but counted.

    What happens meanwhile does no harm. Raises ConflictError where they are not counted.
    """
    ledger = await counting.of_tenant(tenant)
    if ledger is None or not ledger.whole:
        raise ConflictError(f"The records of {tenant} are not all counted: `letterbox recount`.")
    while await _has_more(deps, tenant):
        pass
    for day in await checking.days(tenant):
        yield Checked(tenant, day, await checking.wrong_totals(tenant, day))
    wrong = await checking.wrong_records(tenant, ledger.epoch)
    faults = [f"{wrong} records failed otherwise than was counted"] if wrong else []
    yield Checked(tenant, None, [*faults, *await checking.wrong_sums(tenant)])


async def tenants() -> list[str]:
    """Name those who have records."""
    return await counting.tenants()
