"""A process that serves looks for cycles of objects rarely, and not among what it loaded."""

import gc
from collections.abc import Iterator

import pytest

from app import cycles


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def test_cycles_are_looked_for_rarely_and_only_among_what_is_new() -> None:
    """The interpreter's own first threshold is 700."""
    cycles.look_rarely()
    assert gc.get_threshold() == (10_000, 10, 10)
    loaded = gc.get_freeze_count()
    assert loaded > 10_000
    ring: list[object] = []
    ring.append(ring)
    del ring
    assert gc.collect() >= 1
    assert gc.get_freeze_count() <= loaded
