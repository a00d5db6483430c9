"""Asking what totals and records tell alike."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from app.documents.totals import counting

Told = TypeVar("Told")


async def both_ways(tenant: str, ask: Callable[[], Awaitable[Told]]) -> Told:
    """Ask while a tenant's records must tell themselves, and again when all are counted."""
    ledger = await counting.begin(tenant, now=datetime.now(UTC))
    by_records = await ask()
    async for _ in counting.go_on(ledger, now=datetime.now(UTC)):
        pass
    by_totals = await ask()
    assert by_totals == by_records
    return by_totals
