"""What the queue calls: one service call each. Jobs may run twice and in any order."""

from typing import Any

from app.context import Deps
from app.services import (
    conversation_changes,
    delivery,
    event_processing,
    fanout,
    identification,
    list_batches,
    recipient_lists,
    records,
    recounting,
    templates,
)
from app.services.mailboxes import arranging, attending
from app.services.receiving import backfill as receiving_backfill
from app.services.receiving import finishing


async def dispatch(ctx: dict[str, Any], communication_id: str) -> None:
    await delivery.dispatch(_deps(ctx), communication_id)


async def deliver(ctx: dict[str, Any], delivery_id: str) -> None:
    await delivery.deliver(_deps(ctx), delivery_id)


async def event(ctx: dict[str, Any], event_id: str) -> None:
    await event_processing.process(_deps(ctx), event_id)


async def fan_out(ctx: dict[str, Any], communication_id: str) -> None:
    await fanout.fan_out(_deps(ctx), communication_id)


async def batch(ctx: dict[str, Any], name: str) -> None:
    await list_batches.deliver(_deps(ctx), name, stopping=ctx["stopping"])


async def identify(ctx: dict[str, Any], delivery_id: str) -> None:
    await identification.identify(_deps(ctx), delivery_id)


async def mailbox(ctx: dict[str, Any], account_id: str) -> None:
    await attending.attend(_deps(ctx), account_id)


async def mailboxes(ctx: dict[str, Any]) -> None:
    await arranging.reconcile(_deps(ctx))


async def sweep(ctx: dict[str, Any]) -> None:
    await delivery.sweep(_deps(ctx))
    await finishing.finish_forgotten(_deps(ctx))
    await conversation_changes.count_forgotten(_deps(ctx))


async def purge(ctx: dict[str, Any]) -> None:
    await records.purge(_deps(ctx))
    await recipient_lists.purge(_deps(ctx))
    await templates.purge(_deps(ctx))


async def backfill(ctx: dict[str, Any]) -> None:
    await receiving_backfill.run(_deps(ctx))


async def count(ctx: dict[str, Any]) -> None:
    await recounting.count_changes(_deps(ctx))


async def recount(ctx: dict[str, Any]) -> None:
    await recounting.complete(_deps(ctx))


def _deps(ctx: dict[str, Any]) -> Deps:
    deps: Deps = ctx["deps"]
    return deps
