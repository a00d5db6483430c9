"""What the operations of one request may cost, and be long, together."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class Budget:
    """`spent` is what they cost, `tokens` how many their documents have."""

    spent: int = 0
    tokens: int = 0


_BUDGET: ContextVar[Budget | None] = ContextVar("budget", default=None)


@contextmanager
def adding_up() -> Iterator[Budget]:
    """Have all operations that run in this block, in tasks of it too, share one maximum."""
    budget = Budget()
    token = _BUDGET.set(budget)
    try:
        yield budget
    finally:
        _BUDGET.reset(token)


def budget() -> Budget:
    """The budget of the block around, or one for an operation by itself."""
    return _BUDGET.get() or Budget()
