"""What Resend received and no webhook told of: found in its list, and taken in as any other."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import orjson
import structlog
from beanie import PydanticObjectId

from app.context import Deps
from app.documents import origins
from app.documents.backfills import Backfill
from app.documents.origins import Origin
from app.documents.provider_accounts import ProviderAccount
from app.documents.provider_events import ProviderEvent
from app.documents.vocabulary import EventSource, ProviderType
from app.providers.base import ParkedError, PermanentError, TransientError
from app.providers.resend import ResendProvider
from app.providers.resend_receiving import moment_of
from app.services import provider_events
from app.services.account_providers import lent_provider
from app.services.receiving.resend import RECEIVED

log = structlog.get_logger()

# What is received stands in the list a little later.
OVERLAP = timedelta(minutes=15)
# Pages in one turn: what is left waits for the next.
PAGES = 20
_AT_ONCE = 4
_LONGEST_WAIT = timedelta(hours=6)


async def run(deps: Deps) -> None:
    """Look through what is due; of several workers each takes others."""
    await Backfill.begin(deps.now())
    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(_work(deps))


async def _work(deps: Deps) -> None:
    while True:
        now = deps.now()
        backfill = await Backfill.claim(now, now + deps.settings.backfill_interval)
        if backfill is None:
            return
        try:
            await _look(deps, backfill)
        except ParkedError as error:
            wait = min(error.retry_after or _LONGEST_WAIT, _LONGEST_WAIT)
            await backfill.put_off(wait, now=deps.now(), faults=0)
        except TransientError as error:
            log.warning("backfill.put_off", account_id=str(backfill.account_id))
            wait = max(provider_events.pause(backfill.faults), error.retry_after or timedelta(0))
            await backfill.put_off(min(wait, _LONGEST_WAIT), now=deps.now(), faults=1)
        except PermanentError:
            # It does not know any more where this one stopped.
            log.warning("backfill.begun_anew", account_id=str(backfill.account_id))
            wait = provider_events.pause(backfill.faults)
            await backfill.put_off(wait, now=deps.now(), faults=1, anew=True)


async def _look(deps: Deps, backfill: Backfill) -> None:
    account = await ProviderAccount.by_id(backfill.account_id)
    if account is None or "webhook_secret" not in account.secrets:
        # It is begun anew, should it take webhooks again.
        await backfill.delete()
        return
    async with lent_provider(deps, account) as provider:
        if not isinstance(provider, ResendProvider):
            raise PermanentError("the account is none of Resend any more")
        for _ in range(PAGES):
            following = await _page(deps, backfill, account, provider)
            if following is None:
                return
            backfill = following
    await backfill.put_off(timedelta(seconds=1), now=deps.now(), faults=0)


async def _page(
    deps: Deps, backfill: Backfill, account: ProviderAccount, provider: ResendProvider
) -> Backfill | None:
    """Look at one page; None when the look is through, or is another worker's by now."""
    page = await provider.list_received(backfill.after)
    moments = [moment for row in page.rows if (moment := moment_of(row)) is not None]
    begin = backfill.since - OVERLAP
    wanted = [row for row in page.rows if (moment_of(row) or deps.now()) >= begin]
    await _tell(deps, account, wanted)
    newest = backfill.newest or max(moments, default=None)
    if page.more and len(wanted) == len(page.rows):
        until = deps.now() + deps.settings.backfill_interval
        return await backfill.go_on(page.rows[-1]["id"], newest, until=until)
    due_at = deps.now() + deps.settings.backfill_interval
    await backfill.finish(max(backfill.since, newest or backfill.since), due_at=due_at)
    return None


async def _tell(deps: Deps, account: ProviderAccount, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep an event for each mail that is not here, as if a webhook had told of it."""
    keys = {Origin(ProviderType.RESEND, row["id"]).key or "": row for row in rows}
    known = await origins.known_keys(account.tenant_id, list(keys))
    for key, row in keys.items():
        if key not in known:
            event = _event(deps, account, row)
            if await provider_events.keep(deps, event):
                log.info("backfill.found", account_id=str(account.id), event_id=str(event.id))


def _event(deps: Deps, account: ProviderAccount, row: Mapping[str, Any]) -> ProviderEvent:
    now = deps.now()
    told = {
        "type": RECEIVED,
        "created_at": row.get("created_at"),
        "data": {**row, "email_id": row["id"]},
    }
    return ProviderEvent(
        id=PydanticObjectId(),
        tenant_id=account.tenant_id,
        source=EventSource.RESEND,
        account_id=account.id,
        event_id=f"received:{row['id']}",
        kind=RECEIVED,
        raw=orjson.dumps(told),
        created=now,
        due_at=now,
        expires=now + deps.settings.event_retention,
    )
